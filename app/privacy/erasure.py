"""Erasure: carries out due anonymization requests in repeatable steps.

The steps: lease the request (STARTED), erase the customer's rows of every package in one transaction, destroy the data
key and write the ledger, mark the request COMPLETED. If the process dies between two steps, the next worker repeats all
of them when the lease ends; each is harmless to repeat.

| Status      | Set by             | Next                                                         | New request        |
|-------------|--------------------|--------------------------------------------------------------|--------------------|
| `REQUESTED` | `requests.request` | STARTED after the delay; CANCELLED by `requests.cancel`      | `AlreadyRequested` |
| `STARTED`   | `lease_due`        | COMPLETED, FAILED, or STARTED again when the lease ends      | `AlreadyRequested` |
| `FAILED`    | `_fail`            | STARTED after 10 s, 20 s, 40 s … at most 1 hour, without end | `AlreadyRequested` |
| `COMPLETED` | `carry_out`        | final                                                        | `NotFound`         |
| `CANCELLED` | `requests.cancel`  | final                                                        | accepted           |

Only REQUESTED can be cancelled: after that, parts of the data may be gone.
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
from app.platform.db.locks import NO_KEY, lock_customer
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
    """A request that this worker alone may carry out until its lease ends."""

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
    """Lease the oldest due request for 5 minutes; other workers skip it until then. None when nothing is due."""
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
    except Exception as fault:  # noqa: BLE001 - any failure must be logged, stored and retried
        log_exception("anonymization_failed", fault, anonymization_id=leased.id.hex)
        await _fail(store, leased, type(fault).__qualname__)
        return False
    return True


async def carry_out(store: Store, leased: LeasedRequest) -> None:
    """Run the steps after the lease. Each is repeatable; the rows go first, as the key opens what a retry must read."""
    async with store.database.transaction() as session:
        await erase_customer_data(
            session, store, organization_id=leased.organization_id, customer_id=leased.customer_id
        )
    await discard_spent_keys(store)
    await store.vault.destroy_key(
        leased.customer_id, organization_id=leased.organization_id, anonymization_id=leased.id
    )
    async with store.database.transaction() as session:
        row = await session.get(AnonymizationRequest, (leased.customer_id, leased.id), with_for_update=NO_KEY)
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
    """Erase the personal data of a customer in every package that stores some. Add every new such package here."""
    # Wait for transactions that write data of this customer, and keep new ones from starting.
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
        row = await session.get_one(AnonymizationRequest, (leased.customer_id, leased.id), with_for_update=NO_KEY)
        row.status = Status.FAILED.value
        row.failed_at = now()
        row.failure = failure[:64]
        row.due_at = now() + min(INITIAL_RETRY_DELAY * 2 ** min(row.attempts - 1, 16), MAX_RETRY_DELAY)
        session.add(row)
