"""Changes an email address once the new one is proven, and lets the old one take it back."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.login import InvalidCredentials
from app.customers import emails, repository
from app.customers.addressees import Addressee
from app.customers.notices import notify
from app.customers.records import CustomerRecord
from app.customers.repository import EditedCustomer
from app.customers.service import EmailTaken
from app.identity.passwords.hashing import PasswordHasher
from app.identity.proofs import repository as proofs
from app.identity.proofs.errors import ProofInvalid
from app.identity.proofs.purposes import Purpose
from app.identity.proofs.repository import Proven
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.errors import Invalid
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from app.platform.validation import Validation
from app.platform.values import EmailAddress
from app.platform.vault.vault import Store, Vault

CHANGE, UNDO = Purpose.CHANGE_EMAIL, Purpose.UNDO_EMAIL_CHANGE
# Mailed to an address that is no longer the account's, or that never was.
OUTDATED = (Purpose.RESET_PASSWORD, Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL)


async def check(
    store: Store, hasher: PasswordHasher, *, customer: CustomerRecord, new_email: str, password: str
) -> EmailAddress:
    """The new address; raise `Rejected`, or `InvalidCredentials` of `password`."""
    validation = Validation()
    email = validation.require("newEmail", EmailAddress.parse, new_email)
    validation.finish()
    if email.address == customer.personal.email:
        raise Invalid("This is your email address already.", field=("newEmail",))
    row = customer.row
    found = await repository.credentials_of(store, organization_id=row.organization_id, customer_id=row.id)
    if not (await hasher.verify(password, found[1] if found else None)).matches:
        raise InvalidCredentials("This is not your password.", field=("password",))
    return email


async def request(
    session: AsyncSession,
    vault: Vault,
    *,
    organization: Organization,
    customer: CustomerRecord,
    email: EmailAddress,
    holder: Addressee,
) -> None:
    """Mail a link to the new address; until it is used nothing changes.

    While addresses have to be proven, a taken one is answered alike and its owner is told; otherwise raise
    `EmailTaken`.
    """
    taken = _is_taken(holder, customer)
    if taken and not organization.settings.require_verified_email:
        raise EmailTaken(field=("newEmail",))
    await proofs.void(session, customer_id=customer.row.id, purposes=[CHANGE])
    issued = await proofs.issue(
        session,
        vault,
        organization_id=organization.id,
        customer_id=customer.row.id,
        purpose=Purpose.NOTHING if taken else CHANGE,
        payload={"email": email.address},
    )
    await outbox.post(
        session,
        vault,
        organization=organization,
        customer_id=holder.customer_id if taken else customer.row.id,
        to=holder.to if taken else email.address,
        locale=holder.locale if taken else customer.personal.locale,
        template=Template.ALREADY_REGISTERED if taken else Template.CONFIRM_NEW_EMAIL,
        values={} if taken else {"token": issued.token, "code": issued.code},
    )


def _is_taken(holder: Addressee, customer: CustomerRecord) -> bool:
    if holder.record is None or holder.customer_id == customer.row.id:
        return False
    row = holder.record.row
    return not emails.merely_claimed(
        verified=row.email_verified_at is not None, has_password=row.has_password, placed_orders=row.placed_orders
    )


async def confirm_by_token(session: AsyncSession, vault: Vault, *, organization: Organization, token: str) -> UUID:
    """Change the address with the link's token; raise `ProofInvalid`, `ProofExpired`, `EmailTaken`."""
    proven = await proofs.use(session, vault, organization_id=organization.id, purpose=CHANGE, token=token)
    return await _confirm(session, vault, organization, proven, "token")


async def confirm_by_code(
    session: AsyncSession, vault: Vault, *, organization: Organization, customer_id: UUID, code: str
) -> UUID | None:
    """Change the address with the short code; None for a wrong one, and the try must be committed."""
    proven = await proofs.use_code(
        session, vault, organization_id=organization.id, customer_id=customer_id, purpose=CHANGE, code=code
    )
    return await _confirm(session, vault, organization, proven, "code") if proven else None


async def _confirm(session: AsyncSession, vault: Vault, organization: Organization, proven: Proven, field: str) -> UUID:
    customer = await _locked(session, vault, organization, proven)
    before = customer.personal
    after = EmailAddress.parse(proven.payload["email"])
    await _move(session, vault, customer, after, field)
    await proofs.void(session, customer_id=customer.row.id, purposes=OUTDATED)
    if before.email is not None:
        # One for each address: whoever changes it twice must not take the first owner's way back.
        undo = await proofs.issue(
            session,
            vault,
            organization_id=organization.id,
            customer_id=customer.row.id,
            purpose=UNDO,
            payload={"email": before.email},
            about=before.email,
        )
        await notify(
            session,
            vault,
            organization=organization,
            customer_id=customer.row.id,
            personal=before,
            template=Template.EMAIL_CHANGED,
            token=undo.token,
            new_email=after.address,
        )
    return customer.row.id


async def undo(session: AsyncSession, vault: Vault, *, organization: Organization, token: str) -> UUID:
    """Give the account its old address back and end every session; raise `ProofInvalid`, `ProofExpired`.

    Whoever changed it knew the password, so a link to choose a new one goes to the old address.
    """
    proven = await proofs.use(session, vault, organization_id=organization.id, purpose=UNDO, token=token)
    customer = await _locked(session, vault, organization, proven)
    await _move(session, vault, customer, EmailAddress.parse(proven.payload["email"]), "token")
    await sessions.end_all(
        session,
        organization_id=organization.id,
        customer_id=customer.row.id,
        reason=EndReason.EMAIL_CHANGE_UNDONE,
    )
    await proofs.void(session, customer_id=customer.row.id, purposes=[*OUTDATED, UNDO])
    reset = await proofs.issue(
        session,
        vault,
        organization_id=organization.id,
        customer_id=customer.row.id,
        purpose=Purpose.RESET_PASSWORD,
    )
    await notify(
        session,
        vault,
        organization=organization,
        customer_id=customer.row.id,
        personal=customer.personal,
        template=Template.RESET_PASSWORD,
        token=reset.token,
    )
    return customer.row.id


async def _locked(session: AsyncSession, vault: Vault, organization: Organization, proven: Proven) -> EditedCustomer:
    customer = await repository.lock(session, vault, organization_id=organization.id, customer_id=proven.customer_id)
    if customer is None:
        raise ProofInvalid
    return customer


async def _move(session: AsyncSession, vault: Vault, customer: EditedCustomer, email: EmailAddress, field: str) -> None:
    try:
        await emails.move(session, vault, customer, email)
    except EmailTaken:
        raise EmailTaken("Another account has this email address by now.", field=(field,)) from None
