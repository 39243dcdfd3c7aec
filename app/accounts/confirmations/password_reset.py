"""Password reset: mails a link and sets a new password with it."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.registration import check_password
from app.customers import customer_orders, repository
from app.customers.mail_recipients import MailRecipient
from app.customers.notices import notify
from app.identity.guessing import repository as guessing
from app.identity.passwords.hashing import PasswordHasher
from app.identity.proofs import repository as proofs
from app.identity.proofs.errors import ProofInvalid
from app.identity.proofs.purposes import Purpose
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.clock import now
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from app.platform.validation import Validation
from app.platform.vault.vault import Store, Vault

PURPOSE = Purpose.RESET_PASSWORD


async def request(session: AsyncSession, vault: Vault, *, organization: Organization, to: MailRecipient) -> None:
    """Mail a link that allows setting a new password within 30 minutes."""
    issued = await proofs.issue(
        session, vault, organization_id=organization.id, customer_id=to.customer_id, purpose=PURPOSE
    )
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


async def check(
    store: Store,
    hasher: PasswordHasher,
    *,
    organization_id: UUID,
    token: str,
    password: str,
    confirmation: str,
    min_length: int,
) -> str:
    """Check and hash the new password; raise `ProofInvalid`, `ProofExpired`, or `AppErrorGroup`.

    The token stays usable.
    """
    customer_id = await proofs.customer_id_by_token(
        store, organization_id=organization_id, purpose=PURPOSE, token=token
    )
    [customer] = await repository.by_ids(store, organization_id, [customer_id])
    if customer is None:
        raise ProofInvalid
    user_inputs = [
        customer.personal.email,
        customer.personal.login_name,
        customer.personal.first_name,
        customer.personal.last_name,
    ]
    validation = Validation()
    check_password(
        validation, password, confirmation, min_length=min_length, user_inputs=[one for one in user_inputs if one]
    )
    validation.raise_errors()
    return await hasher.hash(password)


async def reset(
    session: AsyncSession, vault: Vault, *, organization: Organization, token: str, password_hash: str
) -> UUID:
    """Use the token up, set the password and end all sessions. Using the mailed link also verifies the address.

    Revokes open email verifications and email changes, since a stranger may have requested them. The undo link of an
    email change stays valid: it is the owner's last way to recover the account. Raise `ProofInvalid`, `ProofExpired`.
    """
    proven = await proofs.use(session, vault, organization_id=organization.id, purpose=PURPOSE, token=token)
    customer_id = proven.customer_id
    customer = await repository.lock(session, vault, organization_id=organization.id, customer_id=customer_id)
    if customer is None:
        raise ProofInvalid
    await repository.set_password(session, vault, customer.row, password_hash)
    customer.row.email_verified_at = customer.row.email_verified_at or now()
    await repository.save(session, vault, customer)
    await customer_orders.attach_guest_orders_of(session, vault, customer)
    # The mailed link proved ownership, so delays caused by strangers' guesses no longer apply.
    await guessing.reset_for_customer(session, customer_id=customer_id)
    await sessions.end_all(
        session, organization_id=organization.id, customer_id=customer_id, reason=EndReason.PASSWORD_RESET
    )
    await proofs.revoke(session, customer_id=customer_id, purposes=[Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL])
    await notify(
        session,
        vault,
        organization=organization,
        customer_id=customer_id,
        personal=customer.personal,
        template=Template.PASSWORD_CHANGED,
    )
    return customer_id
