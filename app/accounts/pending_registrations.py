"""Pending registrations: the data of a registration is sealed in the mailed proof until the address is verified."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import registration
from app.accounts.registration import FirstAddress, NewAccount, NextStep
from app.customers import customer_orders, identifiers, repository
from app.customers.addresses.defaults import AddressType
from app.customers.addresses.records import AddressDetails
from app.customers.identifiers import IdentifierKind
from app.customers.notices import notify
from app.customers.profile import with_changes
from app.customers.records import TABLE, Approval, CustomerDetails, CustomerRow
from app.customers.repository import LockedCustomer
from app.customers.service import EmailTaken, LoginNameTaken
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import Purpose
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.clock import now
from app.platform.db.writing import savepoint
from app.platform.errors import AppError, AppErrorGroup, Conflict
from app.platform.mail.templates import Template
from app.platform.principal import Organization, RequestOrigin
from app.platform.values import LoginName
from app.platform.vault.vault import Vault

IDENTIFIER_FIELDS = frozenset({"email", "login_name"})


@dataclass(frozen=True, slots=True)
class RegistrationResult:
    """The outcome of a registration; `customer` has the email address, whether it `is_new` or had it before."""

    customer: CustomerRow
    is_new: bool
    next_step: NextStep


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
    | no         | password              | any      | none        | none                           | `EmailTaken` |

    (1) `require_verified_email` of the organization. `LoginNameTaken` is raised in every row when another customer has
    the login name. For a new account (DONE) that needs approval, the organization gets a mail, too.

    With verification, every path costs the same and answers the same, so a stranger cannot distinguish a taken address
    from a free one. The row of an unverified registration holds the address only, without a login name: data that a
    stranger sent must never become the owner's.
    """
    organization = origin.principal.organization
    must_verify = organization.settings.require_verified_email
    # Data that a stranger sent must not become the data of the address's owner.
    stored_account = _email_only(new_account) if must_verify else new_account
    is_new = await _create_unless_taken(session, vault, origin, stored_account)
    owner = await repository.lock_by_identifier(
        session,
        vault,
        organization_id=organization.id,
        kind=IdentifierKind.EMAIL,
        canonical=new_account.email.canonical,
    )
    if owner is None:
        raise Conflict
    errors: list[AppError] = []
    if not must_verify and not is_new and not _upgrades_guest(owner, new_account):
        errors.append(EmailTaken())
    if await _is_login_name_taken(session, vault, organization.id, new_account.login_name, owner.id):
        errors.append(LoginNameTaken())
    if errors:
        raise AppErrorGroup(errors)
    if not must_verify and is_new:
        address = new_account.email.address
        await registration.notify_of_pending_approval(session, vault, organization, customer_id=owner.id, email=address)
    is_pending = must_verify or not is_new
    already_registered = is_pending and owner.email_verified_at is not None and owner.has_password
    await _issue_and_mail(
        session, vault, organization, owner, new_account, is_pending=is_pending, already_registered=already_registered
    )
    return RegistrationResult(owner, is_new, NextStep.VERIFY_EMAIL if is_pending else NextStep.DONE)


def _email_only(new_account: NewAccount) -> NewAccount:
    personal = CustomerDetails(email=new_account.email.address)
    return NewAccount(
        new_account.email, login_name=None, password_hash=None, personal=personal, newsletter=False, address=None
    )


async def _is_login_name_taken(
    session: AsyncSession, vault: Vault, organization_id: UUID, name: LoginName | None, customer_id: UUID
) -> bool:
    if name is None:
        return False
    holder = await repository.lock_by_identifier(
        session, vault, organization_id=organization_id, kind=IdentifierKind.LOGIN_NAME, canonical=name.canonical
    )
    return holder is not None and holder.id != customer_id


async def _create_unless_taken(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, new_account: NewAccount
) -> bool:
    try:
        async with savepoint(session):
            await registration.create_account(session, vault, origin, new_account=new_account)
    except EmailTaken:
        return False
    return True


def _upgrades_guest(owner: CustomerRow, new_account: NewAccount) -> bool:
    return not owner.has_password and new_account.password_hash is not None


async def _issue_and_mail(
    session: AsyncSession,
    vault: Vault,
    organization: Organization,
    owner: CustomerRow,
    new_account: NewAccount,
    *,
    is_pending: bool,
    already_registered: bool,
) -> None:
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
    )
    cipher = await vault.cipher_or_decoy(owner.id)
    personal = cipher.open_as(CustomerDetails, TABLE, owner.id, owner.sealed)
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


async def complete(
    session: AsyncSession,
    vault: Vault,
    origin: RequestOrigin,
    customer: LockedCustomer,
    payload: Mapping[str, Any] | None,
) -> list[AppError]:
    """Mark a locked customer's email address as verified and apply the registration in the proof's `payload`.

    | Before: address, password | `payload` | Password afterwards          | Sessions | Profile, login name  |
    |---------------------------|-----------|------------------------------|----------|----------------------|
    | unverified, any           | given     | that of the payload, or none | end      | those of the payload |
    | verified, no (guest)      | given     | that of the payload, or none | end      | those of the payload |
    | verified, yes             | given     | unchanged                    | continue | unchanged            |
    | any                       | None      | unchanged                    | continue | unchanged            |

    Return the errors of a postal address that could not be written, with fields below `address`: they do not keep the
    account from being opened. Raise `LoginNameTaken` when another customer took the login name in the meantime: then
    nothing is written, and the applicant may register again with another name.
    """
    row, organization = customer.row, origin.principal.organization
    warnings: list[AppError] = []
    opens_account = payload is not None and row.email_verified_at is None
    if payload is not None and not (row.email_verified_at and row.sealed_password):
        warnings = await _apply_payload(session, vault, origin, customer, payload)
    if opens_account and row.approval == Approval.PENDING.value and customer.personal.email:
        email = customer.personal.email
        await registration.notify_of_pending_approval(session, vault, organization, customer_id=row.id, email=email)
    row.email_verified_at = row.email_verified_at or now()
    await repository.save(session, vault, customer)
    await customer_orders.attach_guest_orders_of(session, vault, customer)
    return warnings


async def _apply_payload(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, customer: LockedCustomer, payload: Mapping[str, Any]
) -> list[AppError]:
    row, was_verified = customer.row, customer.row.email_verified_at is not None
    profile = {name: value for name, value in payload["profile"].items() if value is not None}
    customer.personal, _ = with_changes(customer.personal, profile)
    row.newsletter = payload["newsletter"] or (was_verified and row.newsletter)
    if payload["password_hash"]:
        await repository.set_password(session, vault, row, payload["password_hash"])
        if origin.principal.organization.settings.approval:
            row.approval = row.approval or Approval.PENDING.value
    elif not was_verified:
        row.sealed_password = None
    await sessions.end_all(
        session, organization_id=row.organization_id, customer_id=row.id, reason=EndReason.EMAIL_PROVEN
    )
    if payload.get("login_name"):
        await _assign_login_name(session, vault, customer, LoginName.parse(payload["login_name"]))
    return await _add_address(session, vault, origin, row.id, payload["address"]) if payload.get("address") else []


async def _add_address(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, customer_id: UUID, address_payload: Mapping[str, Any]
) -> list[AppError]:
    """Write the postal address; return its errors.

    It was checked when it was sent. Rules that changed since then must not keep the account from being opened.
    """
    address = _load_address(address_payload)
    try:
        async with savepoint(session):
            await registration.add_address(
                session, vault, origin, customer_id=customer_id, address=address, strictness="warn"
            )
    except AppErrorGroup as rejected:
        errors = rejected.errors
    except AppError as error:
        errors = [error]
    else:
        return []
    return [error.with_field("address", *(error.field or ())) for error in errors]


def _load_address(address_payload: Mapping[str, Any]) -> FirstAddress:
    default_types = frozenset(AddressType(kind) for kind in address_payload["wanted"])
    return FirstAddress(address_payload["country"], AddressDetails(**address_payload["typed"]), default_types)


async def _assign_login_name(session: AsyncSession, vault: Vault, customer: LockedCustomer, name: LoginName) -> None:
    row, kind = customer.row, IdentifierKind.LOGIN_NAME
    await identifiers.release(session, customer_id=row.id, kind=kind)
    if not await identifiers.assign_if_free(
        session, vault, organization_id=row.organization_id, kind=kind, canonical=name.canonical, owner=row.id
    ):
        raise LoginNameTaken("This login name was taken in the meantime. Register again with another one.")
    customer.personal = replace(customer.personal, login_name=name.name)
