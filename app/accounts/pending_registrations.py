"""Pending registrations: everything typed stays sealed with the mailed proof until the address is proven.

docs/decisions/0021-who-holds-an-address.md has the whole table of who holds an address, and what each act does.
"""

import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import registration
from app.accounts.registration import NewAccount, NextStep
from app.customers import repository
from app.customers.email_reservations import lock_reserving_customer
from app.customers.identifiers import IdentifierKind
from app.customers.notices import notify
from app.customers.records import TABLE, Approval, CustomerDetails, CustomerRow
from app.customers.service import EmailTaken, LoginNameTaken
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import Purpose
from app.platform.db.writing import savepoint
from app.platform.errors import AppError, AppErrorGroup, Conflict
from app.platform.mail.templates import Template
from app.platform.principal import Organization, RequestOrigin
from app.platform.vault.vault import Vault

IDENTIFIER_FIELDS = frozenset({"email", "login_name", "registration"})
TOKEN_PREFIX = "rg"


@dataclass(frozen=True, slots=True)
class RegistrationResult:
    """The outcome of a registration; `customer` has the address, whether it is `new` or had it before.

    `token` is the secret of the browser that registered: only with it the password counts once the address is proven.
    """

    customer: CustomerRow
    is_new: bool
    next_step: NextStep
    token: str


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who has an address; with `reserved_email`, only as a change away from it can still be undone."""

    row: CustomerRow
    reserved_email: str | None = None

    @property
    def is_registered(self) -> bool:
        """Whether no registration can become the account of this address."""
        proven = self.row.email_verified_at is not None and self.row.has_password
        return self.reserved_email is not None or proven


async def submit(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, *, new_account: NewAccount
) -> RegistrationResult:
    """Create an account, or store the registration in a mailed proof until its address is verified.

    | Verify (1) | The address has       | Password | Row created | Mail, its proof                | Answer       |
    |------------|-----------------------|----------|-------------|--------------------------------|--------------|
    | yes        | no customer           | any      | email only  | VERIFY_EMAIL, the registration | VERIFY_EMAIL |
    | yes        | unverified or guest   | any      | none        | VERIFY_EMAIL, the registration | VERIFY_EMAIL |
    | yes        | verified and password | any      | none        | ALREADY_REGISTERED, unusable   | VERIFY_EMAIL |
    | no         | no customer           | any      | all of it   | VERIFY_EMAIL, empty            | DONE         |
    | no         | guest (no password)   | yes      | none        | VERIFY_EMAIL, the registration | VERIFY_EMAIL |
    | no         | guest (no password)   | no       | none        | none                           | `EmailTaken` |
    | no         | password, or reserved | any      | none        | none                           | `EmailTaken` |
    | yes        | reserved              | any      | none        | ALREADY_REGISTERED, unusable   | VERIFY_EMAIL |

    (1) `require_verified_email` of the organization. `LoginNameTaken` is raised in every row when any customer has the
    login name, the owner of the address too: the answer must not tell whose it is. For a new account (DONE) that needs
    approval, the organization gets a mail, too.

    With verification, every path costs the same and answers the same, so a stranger cannot distinguish a taken address
    from a free one. The row of an unverified registration holds the address only, without a login name: data that a
    stranger sent must never become the owner's.
    """
    organization = origin.principal.organization
    must_verify = organization.settings.require_verified_email
    token = f"{TOKEN_PREFIX}_{secrets.token_urlsafe(32)}"
    # Of a pending registration the row holds the address only: what a stranger typed never becomes the owner's.
    stored_account = _email_only(new_account) if must_verify else _marked(vault, new_account, token)
    if await _is_login_name_taken(session, vault, organization, new_account):
        await _raise_taken(session, vault, organization, new_account, must_verify=must_verify)
    # A pending registration waits for the proof first, and for the shop then.
    approval = Approval.PENDING if organization.settings.approval and not must_verify else None
    is_new = await _create_unless_taken(session, vault, origin, stored_account, approval)
    holder = await _lock_holder(session, vault, organization, new_account)
    owner = holder.row
    upgrades_guest = holder.reserved_email is None and not owner.has_password and new_account.password_hash is not None
    if not must_verify and not is_new and not upgrades_guest:
        raise EmailTaken
    if not must_verify and is_new:
        address = new_account.email.address
        await registration.notify_of_pending_approval(session, vault, organization, customer_id=owner.id, email=address)
    is_pending = must_verify or not is_new
    await _issue_and_mail(session, vault, organization, holder, new_account, token=token, is_pending=is_pending)
    return RegistrationResult(owner, is_new, NextStep.VERIFY_EMAIL if is_pending else NextStep.DONE, token)


def _email_only(new_account: NewAccount) -> NewAccount:
    personal = CustomerDetails(email=new_account.email.address)
    return NewAccount(
        new_account.email, login_name=None, password_hash=None, personal=personal, newsletter=False, address=None
    )


def _marked(vault: Vault, new_account: NewAccount, token: str) -> NewAccount:
    """The account with the browser that typed it, until somebody proves the address."""
    mark = proofs.about_hash(vault, token).hex()
    return replace(new_account, personal=replace(new_account.personal, registration=mark))


async def _is_login_name_taken(
    session: AsyncSession, vault: Vault, organization: Organization, new_account: NewAccount
) -> bool:
    """Also by the owner of the address: the answer must not tell who has it."""
    name = new_account.login_name
    if name is None:
        return False
    holder = await repository.lock_by_identifier(
        session, vault, organization_id=organization.id, kind=IdentifierKind.LOGIN_NAME, canonical=name.canonical
    )
    return holder is not None


async def _raise_taken(
    session: AsyncSession, vault: Vault, organization: Organization, new_account: NewAccount, *, must_verify: bool
) -> None:
    errors: list[AppError] = [LoginNameTaken()]
    if not must_verify:
        owner = await repository.lock_by_identifier(
            session,
            vault,
            organization_id=organization.id,
            kind=IdentifierKind.EMAIL,
            canonical=new_account.email.canonical,
        )
        if owner is not None and (owner.has_password or new_account.password_hash is None):
            errors.insert(0, EmailTaken())
    raise AppErrorGroup(errors)


async def _create_unless_taken(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, new_account: NewAccount, approval: Approval | None
) -> bool:
    try:
        async with savepoint(session):
            await registration.create_account(session, vault, origin, new_account=new_account, approval=approval)
    except EmailTaken:
        return False
    return True


async def _lock_holder(
    session: AsyncSession, vault: Vault, organization: Organization, new_account: NewAccount
) -> _Holder:
    canonical = new_account.email.canonical
    owner = await repository.lock_by_identifier(
        session, vault, organization_id=organization.id, kind=IdentifierKind.EMAIL, canonical=canonical
    )
    if owner is not None:
        return _Holder(owner)
    reserved = await lock_reserving_customer(session, vault, organization_id=organization.id, canonical=canonical)
    if reserved is None:
        raise Conflict
    return _Holder(*reserved)


async def _issue_and_mail(
    session: AsyncSession,
    vault: Vault,
    organization: Organization,
    holder: _Holder,
    new_account: NewAccount,
    *,
    token: str,
    is_pending: bool,
) -> None:
    owner, already_registered = holder.row, is_pending and holder.is_registered
    payload = {
        "password_hash": new_account.password_hash,
        "profile": {
            name: value for name, value in asdict(new_account.personal).items() if name not in IDENTIFIER_FIELDS
        },
        "newsletter": new_account.newsletter,
        "login_name": new_account.login_name.name if new_account.login_name else None,
        "address": _dump_address(new_account),
    }
    issued = await proofs.issue(
        session,
        vault,
        organization_id=organization.id,
        customer_id=owner.id,
        purpose=Purpose.NOTHING if already_registered else Purpose.VERIFY_EMAIL,
        payload=payload if is_pending else None,
        about=token,
    )
    cipher = await vault.cipher_or_decoy(owner.id)
    personal = cipher.open_as(CustomerDetails, TABLE, owner.id, owner.sealed)
    personal = replace(personal, email=holder.reserved_email or personal.email)
    await notify(
        session,
        vault,
        organization=organization,
        customer_id=owner.id,
        personal=replace(personal, locale=personal.locale or new_account.personal.locale),
        template=Template.ALREADY_REGISTERED if already_registered else Template.VERIFY_EMAIL,
        **({} if already_registered else {"token": issued.token, "code": issued.code}),
    )


def _dump_address(new_account: NewAccount) -> dict[str, Any] | None:
    first = new_account.address
    if first is None:
        return None
    default_types = [kind.value for kind in first.default_types]
    return {"country": first.country, "typed": asdict(first.fields), "wanted": default_types}
