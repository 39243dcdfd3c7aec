"""Carries out a due anonymization, in steps that may each be repeated.

Claim it (the status says STARTED from here on), erase every room in one transaction, destroy the key and
write the ledger, say COMPLETED. Killed between two steps, the next worker goes on where the first stopped.
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlmodel import or_
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import repository as customers
from app.customers.addresses import repository as addresses
from app.customers.anonymizations.repository import AnonymizationStatus
from app.customers.anonymizations.tables import AnonymizationRequest
from app.customers.orders import repository as orders
from app.customers.orders.guest_order_keys import discard_spent_keys
from app.customers.payment_methods import repository as payment_methods
from app.identity.guessing import repository as guessing
from app.identity.proofs import repository as proofs
from app.identity.sessions import service as sessions
from app.platform.audit.log import Action, record_system_event
from app.platform.clock import now
from app.platform.db.locks import lock_customer
from app.platform.db.queues import Queue
from app.platform.logs import log_exception
from app.platform.mail import outbox
from app.platform.vault.vault import Store

LEASE = timedelta(minutes=5)
INITIAL_RETRY_DELAY = timedelta(seconds=10)
MAX_RETRY_DELAY = timedelta(hours=1)
Status = AnonymizationStatus
_UNFINISHED = (Status.REQUESTED, Status.STARTED, Status.FAILED)
_REQUESTS = Queue(
    AnonymizationRequest,
    AnonymizationRequest.due_at,
    or_(*(AnonymizationRequest.status == status.value for status in _UNFINISHED)),
)


class LeasedRequest(NamedTuple):
    """An anonymization this worker may carry out until its lease ends."""

    id: UUID
    organization_id: UUID
    customer_id: UUID


async def erase_due(store: Store) -> int:
    """Carry out all anonymizations that are due; return how many were completed."""
    completed = 0
    while leased := await lease_due(store):
        completed += await _try_carry_out(store, leased)
    return completed


async def lease_due(store: Store) -> LeasedRequest | None:
    """Claim the oldest due request; other workers skip it until the lease ends."""
    moment = now()
    async with _REQUESTS.lock_due(store.database, moment=moment, limit=1) as rows:
        for row in rows:
            row.status = Status.STARTED.value
            row.started_at = row.started_at or moment
            row.due_at = moment + LEASE
            row.attempts += 1
            return LeasedRequest(row.id, row.organization_id, row.customer_id)
    return None


async def _try_carry_out(store: Store, leased: LeasedRequest) -> bool:
    try:
        await carry_out(store, leased)
    except Exception as fault:  # noqa: BLE001 - whatever it was: it must be seen, kept and tried again
        log_exception("anonymization_failed", fault, anonymization_id=leased.id.hex)
        await _fail(store, leased, type(fault).__qualname__)
        return False
    return True


async def carry_out(store: Store, leased: LeasedRequest) -> None:
    """The steps after the claim, each of them repeatable, in the order that loses nothing."""
    async with store.database.transaction() as session:
        await erase_customer_data(
            session, store, organization_id=leased.organization_id, customer_id=leased.customer_id
        )
    await discard_spent_keys(store)
    await store.vault.destroy_key(
        leased.customer_id, organization_id=leased.organization_id, anonymization_id=leased.id
    )
    async with store.database.transaction() as session:
        row = await session.get(AnonymizationRequest, leased.id, with_for_update=True)
        if row is None or row.status == Status.COMPLETED.value:
            return
        row.status = Status.COMPLETED.value
        row.completed_at = now()
        row.failure = None
        session.add(row)
        record_system_event(
            session,
            Action.CUSTOMER_ERASED,
            organization_id=leased.organization_id,
            customer_id=leased.customer_id,
            object_id=leased.id,
        )


async def erase_customer_data(session: AsyncSession, store: Store, *, organization_id: UUID, customer_id: UUID) -> None:
    """Take what is personal from every room that keeps something; a new room is added here."""
    # Whoever is writing something of this customer's finishes first, and nobody begins.
    await lock_customer(session, organization_id=organization_id, customer_id=customer_id)
    await payment_methods.erase(session, store.vault, customer_id=customer_id)
    await addresses.erase(session, customer_id=customer_id)
    await orders.erase(session, customer_id=customer_id)
    await sessions.erase(session, customer_id=customer_id)
    await guessing.erase(session, customer_id=customer_id)
    await outbox.erase(session, customer_id=customer_id)
    await proofs.erase(session, customer_id=customer_id)
    await customers.erase(session, customer_id=customer_id)


async def _fail(store: Store, leased: LeasedRequest, failure: str) -> None:
    async with store.database.transaction() as session:
        row = await session.get_one(AnonymizationRequest, leased.id, with_for_update=True)
        row.status = Status.FAILED.value
        row.failed_at = now()
        row.failure = failure[:64]
        row.due_at = now() + min(INITIAL_RETRY_DELAY * 2 ** min(row.attempts - 1, 16), MAX_RETRY_DELAY)
        session.add(row)
