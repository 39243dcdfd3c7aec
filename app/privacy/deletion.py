"""Deletion of customers without orders: the data in one transaction, the data key after it."""

from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import repository as customers
from app.customers.orders import repository as orders
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.locks import NO_KEY
from app.platform.db.queues import Queue
from app.platform.errors import AppError, Conflict, ErrorCode, NotFound
from app.platform.vault.vault import Store
from app.privacy.erasure import LEASE, erase_customer_data
from app.privacy.tables import Deletion

_DELETIONS = Queue(Deletion, Deletion.due_at)


class HasOrders(AppError):
    """The customer has orders, which must be kept together with the customer's id."""

    code = ErrorCode.HAS_ORDERS
    message = "This customer has orders and cannot be deleted. Have it anonymized with requestAnonymization instead."
    field = ("customerId",)


class _LeasedDeletion(NamedTuple):
    id: UUID
    organization_id: UUID
    customer_id: UUID


async def delete(
    session: AsyncSession, store: Store, *, organization_id: UUID, customer_id: UUID, expected_version: int | None
) -> UUID:
    """Delete the customer and everything it owns; return the deletion's id.

    `finish_deletions` destroys the data key after this transaction. Raise `NotFound` (also for a customer who is
    deleted already), `HasOrders`, or `Conflict` when the version is not the expected one.
    """
    customer = await customers.lock(session, store.vault, organization_id=organization_id, customer_id=customer_id)
    if customer is None:
        raise NotFound(field=("customerId",))
    if expected_version is not None and customer.row.version != expected_version:
        raise Conflict(field=("expectedVersion",))
    if await orders.has_orders(session, organization_id=organization_id, customer_id=customer_id):
        raise HasOrders
    await erase_customer_data(session, store, organization_id=organization_id, customer_id=customer_id)
    moment = now()
    customer.row.deleted_at = moment
    session.add(customer.row)
    deletion = Deletion(
        id=new_id(), organization_id=organization_id, customer_id=customer_id, deleted_at=moment, due_at=moment
    )
    session.add(deletion)
    return deletion.id


async def finish_deletions(store: Store) -> int:
    """Destroy the data keys of deleted customers; return how many. An interrupted one is repeated after its lease."""
    finished = 0
    while leased := await _lease_due(store):
        await store.vault.destroy_key(
            leased.customer_id, organization_id=leased.organization_id, anonymization_id=leased.id
        )
        async with store.database.transaction() as session:
            row = await session.get_one(Deletion, (leased.customer_id, leased.id), with_for_update=NO_KEY)
            row.due_at = None
            session.add(row)
        finished += 1
    return finished


async def _lease_due(store: Store) -> _LeasedDeletion | None:
    moment = now()
    async with _DELETIONS.lock_due(store.database, moment=moment, limit=1) as rows:
        for row in rows:
            row.due_at = moment + LEASE
            return _LeasedDeletion(row.id, row.organization_id, row.customer_id)
    return None
