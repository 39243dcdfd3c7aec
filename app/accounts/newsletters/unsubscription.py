"""Newsletter unsubscription of the customer that a link was made for."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import repository
from app.platform.audit.log import Action, record_system_event
from app.platform.vault.vault import Vault


async def unsubscribe(
    session: AsyncSession, vault: Vault, *, customer_id: UUID, organization_id: UUID | None = None
) -> bool:
    """Unsubscribe; False when not subscribed, and for a customer who was erased or is not of `organization_id`."""
    customer = await repository.lock_by_trusted_id(session, vault, customer_id=customer_id)
    if customer is None or not customer.row.newsletter:
        return False
    if organization_id not in {None, customer.row.organization_id}:
        return False
    customer.row.newsletter = False
    await repository.save(session, vault, customer)
    record_system_event(
        session,
        Action.NEWSLETTER_ENDED,
        organization_id=customer.row.organization_id,
        customer_id=customer_id,
    )
    return True
