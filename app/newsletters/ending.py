"""Ends the newsletter of whom a link was made for."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.audit.log import Action, record_of_house
from app.customers import repository
from app.vault.vault import Vault


async def end(session: AsyncSession, vault: Vault, *, customer_id: UUID) -> bool:
    """End it; False when there was none, also for a customer who was erased. Repeating it is harmless."""
    customer = await repository.lock_by_id(session, vault, customer_id=customer_id)
    if customer is None or not customer.row.newsletter:
        return False
    customer.row.newsletter = False
    await repository.save(session, vault, customer)
    organization_id = customer.row.organization_id
    record_of_house(session, Action.NEWSLETTER_ENDED, organization_id=organization_id, customer_id=customer_id)
    return True
