"""Notification mails about account security."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import repository
from app.customers.notices import notify
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from app.platform.vault.vault import Vault


async def notify_of_replay(
    session: AsyncSession, vault: Vault, organization: Organization, *, customer_id: UUID | None
) -> None:
    """Mail the customer whose refresh token was replayed; no mail for an erased customer."""
    customer = await repository.lock_by_trusted_id(session, vault, customer_id=customer_id) if customer_id else None
    if customer is not None:
        await notify(
            session,
            vault,
            organization=organization,
            customer_id=customer.row.id,
            personal=customer.personal,
            template=Template.SESSION_REPLAYED,
        )
