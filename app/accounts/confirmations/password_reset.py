"""Password reset: mails a link and sets a new password with it."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import address_proofs
from app.accounts.address_proofs import Browser
from app.accounts.registration import TermsNotAccepted, check_password, terms_acceptance
from app.customers import repository
from app.customers.mail_recipients import MailRecipient
from app.customers.notices import notify
from app.customers.repository import LockedCustomer
from app.customers.service import LoginNameTaken
from app.identity.guessing import repository as guessing
from app.identity.passwords.hashing import PasswordHasher
from app.identity.proofs import repository as proofs
from app.identity.proofs.errors import ProofInvalid
from app.identity.proofs.purposes import Purpose
from app.identity.proofs.repository import IssuedProof
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.db.columns import new_id
from app.platform.errors import NotAllowed
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.principal import Organization, OrganizationSettings, RequestOrigin
from app.platform.validation import Validation
from app.platform.values import LoginName
from app.platform.vault.vault import Store, Vault

PURPOSE = Purpose.RESET_PASSWORD


async def request(session: AsyncSession, vault: Vault, *, organization: Organization, to: MailRecipient) -> None:
    """Mail a link with which a new password can be set for 30 minutes; the links mailed before stay good."""
    issued = await issue(session, vault, organization_id=organization.id, customer_id=to.customer_id)
    await outbox.enqueue(
        session,
        vault,
        organization=organization,
        customer_id=to.customer_id,
        to=to.to,
        locale=to.locale,
        template=Template.RESET_PASSWORD,
        values={"token": issued.token},
    )


async def issue(session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID) -> IssuedProof:
    """A proof with which a password can be set, beside those that are open."""
    return await proofs.issue(
        session,
        vault,
        organization_id=organization_id,
        customer_id=customer_id,
        purpose=PURPOSE,
        about=new_id().hex,
    )


@dataclass(frozen=True, slots=True)
class RawReset:
    """What was typed; what is beside the password matters for the first password of a customer only."""

    token: str
    password: str
    confirmation: str
    registration_token: str | None = None
    accept_terms: bool = False
    login_name: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedReset:
    """A reset whose fields are all right, with the password hashed."""

    raw: RawReset
    password_hash: str
    login_name: LoginName | None


async def check(
    store: Store,
    hasher: PasswordHasher,
    *,
    organization_id: UUID,
    raw: RawReset,
    min_length: int,
) -> CheckedReset:
    """Look at every field and hash the password; raise `ProofInvalid`, `ProofExpired`, or `AppErrorGroup`.

    The token stays usable.
    """
    customer_id = await proofs.customer_id_by_token(
        store, organization_id=organization_id, purpose=PURPOSE, token=raw.token
    )
    [customer] = await repository.by_ids(store, organization_id, [customer_id])
    if customer is None:
        raise ProofInvalid
    user_inputs = [
        customer.personal.email,
        customer.personal.login_name,
        customer.personal.first_name,
        customer.personal.last_name,
        raw.login_name,
    ]
    validation = Validation()
    login_name = validation.optional("loginName", LoginName.parse, raw.login_name)
    check_password(
        validation,
        raw.password,
        raw.confirmation,
        min_length=min_length,
        user_inputs=[one for one in user_inputs if one],
    )
    validation.raise_errors()
    return CheckedReset(raw, await hasher.hash(raw.password), login_name)


async def reset(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, *, checked: CheckedReset
) -> tuple[LockedCustomer, bool]:
    """Use the token up and set the password; every session ends. The link proved the address, too.

    The first password of a customer is a registration: the terms must be agreed to, and where the organization
    approves customers this one waits. Return the customer, and whether it asked for the newsletter with a
    registration that this proved. Whatever else was mailed before and could still change the account is void, but for
    the undoing of an email change: that is the owner's last resort. Raise `TermsNotAccepted`, `LoginNameTaken`,
    `NotAllowed`.
    """
    organization, raw = origin.principal.organization, checked.raw
    proven = await proofs.use(session, vault, organization_id=organization.id, purpose=PURPOSE, token=raw.token)
    customer_id = proven.customer_id
    customer = await repository.lock(session, vault, organization_id=organization.id, customer_id=customer_id)
    if customer is None:
        raise ProofInvalid
    about = proofs.about_hash(vault, raw.registration_token or "")
    browser = Browser(about, origin.principal.customer_id, checked.login_name)
    result = await address_proofs.prove(session, vault, origin, customer, browser=browser)
    is_first_password = customer.row.sealed_password is None
    await repository.set_password(session, vault, customer.row, checked.password_hash)
    if is_first_password:
        _accept_terms(customer, organization.settings, accepted=raw.accept_terms)
        await address_proofs.request_approval(session, vault, origin, customer)
    if checked.login_name is not None:
        await _choose_login_name(session, vault, customer, checked.login_name)
    await repository.save(session, vault, customer)
    # Whoever can read the owner's mail need not wait for what strangers have guessed.
    await guessing.reset_for_customer(session, customer_id=customer_id)
    await sessions.end_all(
        session, organization_id=organization.id, customer_id=customer_id, reason=EndReason.PASSWORD_RESET
    )
    await proofs.revoke(
        session,
        customer_id=customer_id,
        purposes=[PURPOSE, Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL, Purpose.DATA_EXPORT],
    )
    await notify(
        session,
        vault,
        organization=organization,
        customer_id=customer_id,
        personal=customer.personal,
        template=Template.PASSWORD_CHANGED,
    )
    return customer, result.subscribed


async def _choose_login_name(session: AsyncSession, vault: Vault, customer: LockedCustomer, name: LoginName) -> None:
    """Give a customer without one a login name: it is chosen once. Raise `LoginNameTaken`, `NotAllowed`."""
    owned = customer.personal.login_name
    if owned is None:
        if await address_proofs.assign_login_name(session, vault, customer, name) is not None:
            raise LoginNameTaken
    elif LoginName.parse(owned).canonical != name.canonical:
        raise NotAllowed(field=("loginName",))


def _accept_terms(customer: LockedCustomer, settings: OrganizationSettings, *, accepted: bool) -> None:
    if not settings.has_terms or (customer.personal.terms_accepted_at is not None and not accepted):
        return
    if not accepted:
        raise TermsNotAccepted("Agree to the terms to get a password.")
    customer.personal = replace(customer.personal, **terms_acceptance(settings))
