"""Replacement of a customer's email address by the shop: both addresses get a mail, and the sessions end."""

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.notices import notify
from app.customers.records import CustomerRecord
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import Purpose
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from app.platform.values import EmailAddress
from app.platform.vault.vault import Vault

# Mailed to an address that is not the account's any more, or was not before: the shop knows whose account it is, and
# the way back of somebody who held it for a while must not take it from the owner again.
OUTDATED_PURPOSES = (
    Purpose.RESET_PASSWORD,
    Purpose.VERIFY_EMAIL,
    Purpose.CHANGE_EMAIL,
    Purpose.NOTHING,
    Purpose.UNDO_EMAIL_CHANGE,
    Purpose.DATA_EXPORT,
)


def is_same_mailbox(address: str | None, other: EmailAddress) -> bool:
    """Whether an address is only spelled otherwise."""
    return address is not None and EmailAddress.parse(address).canonical == other.canonical


async def finish(
    session: AsyncSession, vault: Vault, *, organization: Organization, before: CustomerRecord, after: CustomerRecord
) -> None:
    """End what the old address gave access to, and write to both addresses; nothing when the mailbox is the same.

    | The customer                                  | Proofs mailed before | Sessions | Mails                    |
    |-----------------------------------------------|----------------------|----------|--------------------------|
    | has a password, or has proven the old address | void                 | end      | to the old and the new   |
    | a guest that the shop entered                 | void                 | none     | none: there is no account |
    """
    address = after.personal.email
    if address is None or is_same_mailbox(before.personal.email, EmailAddress.parse(address)):
        return
    customer_id = before.row.id
    await proofs.revoke(session, customer_id=customer_id, purposes=OUTDATED_PURPOSES)
    await sessions.end_all(
        session,
        organization_id=organization.id,
        customer_id=customer_id,
        reason=EndReason.EMAIL_CHANGED_BY_SHOP,
    )
    if not before.row.has_password and before.row.email_verified_at is None:
        return
    for personal in (before.personal, after.personal):
        await notify(
            session,
            vault,
            organization=organization,
            customer_id=customer_id,
            personal=personal,
            template=Template.EMAIL_CHANGED_BY_SHOP,
            new_email=address,
        )
