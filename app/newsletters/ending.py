"""Ends the newsletter of whom a link was made for."""

from uuid import UUID

from app.audit.log import Action, record_of_house
from app.customers import repository
from app.vault.vault import Store


async def end(store: Store, *, customer_id: UUID) -> bool:
    """End it; False when there was none, also for a customer who was erased. Repeating it is harmless."""
    async with store.database.transaction() as session:
        customer = await repository.lock_by_id(session, store.vault, customer_id=customer_id)
        if customer is None or not customer.row.newsletter:
            return False
        customer.row.newsletter = False
        await repository.save(session, store.vault, customer)
        record_of_house(
            session,
            Action.NEWSLETTER_ENDED,
            organization_id=customer.row.organization_id,
            customer_id=customer_id,
        )
        return True
