"""Erasure: carries out due anonymization requests in repeatable steps.

The key store's ledger decides what may happen (`app.platform.vault.ledger`); the request in the main database follows.
Each line is one transaction in one database, in this order; a process that dies between two lines leaves the next
worker to repeat all of them when the lease ends, and each is harmless to repeat:

| Step     | Key store, first                       | Main database, then                                       |
| -------- | -------------------------------------- | --------------------------------------------------------- |
| request  | REQUESTED                              | REQUESTED                                                 |
| cancel   | CANCELLED, if it is REQUESTED          | CANCELLED                                                 |
| lease    |                                        | `due_at` 5 minutes ahead, one more attempt                |
| start    | STARTED, unless it is CANCELLED, or a  | STARTED, or CANCELLED as the key store says; `due_at` is  |
|          | legal hold is in force                 | put off while there is a hold                             |
| erase    |                                        | what is there is counted, the first time; then the rows   |
|          |                                        | of every package go, and guest orders of its addresses    |
| destroy  | keys gone, COMPLETED                   |                                                           |
| complete |                                        | every store is read again; COMPLETED, and an audit event  |

| Status      | Next                                               | Cancelled           | Requested again    |
| ----------- | -------------------------------------------------- | ------------------- | ------------------ |
| `REQUESTED` | STARTED after delay and holds, or CANCELLED        | accepted            | `AlreadyRequested` |
| `STARTED`   | COMPLETED, FAILED, or again when the lease ends    | `AlreadyStarted`    | `AlreadyRequested` |
| `FAILED`    | STARTED after 10 s, 20 s … at most 1 h, for ever   | if it never started | `AlreadyRequested` |
| `COMPLETED` | final                                              | `AlreadyStarted`    | `AlreadyRequested` |
| `CANCELLED` | final                                              | `NothingRequested`  | accepted           |
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlmodel import or_
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.webhooks import deliveries as webhooks
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
from app.identity.staff import repository as staff
from app.platform.audit.log import Action, record_system_event
from app.platform.clock import now
from app.platform.db.locks import NO_KEY, lock_customer
from app.platform.db.queues import Queue, retry_delay
from app.platform.db.retrying import may_succeed_again, run_again
from app.platform.logs import log_exception
from app.platform.mail import outbox
from app.platform.vault import epochs, ledger
from app.platform.vault.ledger import ErasureStatus, Subject
from app.platform.vault.vault import Store
from app.privacy import inventory
from app.privacy.erasure_requests import deciding as erasure_requests
from app.privacy.exports import repository as exports
from app.privacy.inventory import Inventory
from app.privacy.legal_holds import placing as legal_holds
from app.privacy.requests import mark_cancelled

LEASE = timedelta(minutes=5)
# How often a request is looked at that waits for a hold without an end, or with a later one.
HOLD_INTERVAL = timedelta(hours=1)
Status = AnonymizationStatus
_UNFINISHED = (Status.REQUESTED, Status.STARTED, Status.FAILED)
_REQUESTS = Queue(
    AnonymizationRequest,
    AnonymizationRequest.due_at,
    or_(*(AnonymizationRequest.status == status.value for status in _UNFINISHED)),
)


class NotInLedger(Exception):
    """The key store does not know the request: it is older than the main database, or another one."""


class StillThere(Exception):
    """Something that should be gone was found when every store was read again: the erasure is repeated."""


class LeasedRequest(NamedTuple):
    """A request that this worker alone may carry out until its lease ends. `customer_id` is None for a guest."""

    id: UUID
    owner_id: UUID
    organization_id: UUID
    customer_id: UUID | None
    guest_hash: bytes | None

    @property
    def subject(self) -> Subject:
        """Whom it is about."""
        return Subject.CUSTOMER if self.customer_id else Subject.GUEST


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
            row.due_at = moment + LEASE
            row.attempts += 1
            return LeasedRequest(row.id, row.owner_id, row.organization_id, row.customer_id, row.guest_hash)
    return None


async def _try_carry_out(store: Store, leased: LeasedRequest) -> bool:
    try:
        return await run_again(lambda: carry_out(store, leased), may_succeed=_may_succeed_again)
    except Exception as fault:  # noqa: BLE001 - any failure must be logged, stored and retried
        log_exception("anonymization_failed", fault, anonymization_id=leased.id.hex)
        await _fail(store, leased, type(fault).__qualname__)
        return False


def _may_succeed_again(fault: Exception) -> bool:
    # What the person did at the same moment came between the erasure and the second look, or a deadlock was broken.
    return isinstance(fault, StillThere) or may_succeed_again(fault)


async def carry_out(store: Store, leased: LeasedRequest) -> bool:
    """Run the steps after the lease; return whether it was completed.

    False: the ledger says that it was cancelled, or that it must wait for a legal hold.

    The rows go before the key, as the key opens what a retry must read.
    """
    if not await _start(store, leased):
        return False
    await _erase(store, leased)
    await discard_spent_keys(store)
    entry = await store.vault.destroy_key(
        leased.customer_id or leased.id,
        organization_id=leased.organization_id,
        anonymization_id=leased.id,
        subject=leased.subject,
    )
    async with store.database.transaction() as session:
        row = await _lock_request(session, leased)
        if row.status == Status.COMPLETED.value:
            return True
        left = await inventory.left_of(
            session,
            store.vault.keystore,
            customer_id=leased.customer_id,
            guest_orders=Inventory.from_json(row.counts).guest_orders,
        )
        if left:
            raise StillThere(left)
        row.status = Status.COMPLETED.value
        row.completed_at = entry.completed_at
        row.guest_hash = None
        row.failure = None
        session.add(row)
        record_system_event(
            session,
            Action.CUSTOMER_ERASED,
            organization_id=leased.organization_id,
            customer_id=leased.customer_id,
            object_id=leased.id,
        )
    return True


async def _erase(store: Store, leased: LeasedRequest) -> None:
    """Erase the rows, after counting them for the receipt. A repeated erasure does not count again: less is left."""
    organization_id, customer_id, guest_hash = leased.organization_id, leased.customer_id, leased.guest_hash
    async with store.database.transaction() as session:
        if customer_id:
            # Before counting: nobody adds anything afterwards. And before the request, as everywhere.
            await lock_customer(session, organization_id=organization_id, customer_id=customer_id)
        row = await _lock_request(session, leased)
        if row.counts is None:
            row.counts = (await _count(session, store, leased)).to_json()
            session.add(row)
        if customer_id:
            await erase_customer_data(session, store, organization_id=organization_id, customer_id=customer_id)
        elif guest_hash:
            await orders.erase_guest(session, organization_id=organization_id, guest_hash=guest_hash)


async def _count(session: AsyncSession, store: Store, leased: LeasedRequest) -> Inventory:
    organization_id, customer_id, guest_hash = leased.organization_id, leased.customer_id, leased.guest_hash
    if customer_id:
        return await inventory.of_customer(session, store, organization_id=organization_id, customer_id=customer_id)
    assert guest_hash is not None  # noqa: S101 - a request is about a customer or a guest
    return await inventory.of_guest(session, store, organization_id=organization_id, guest_hash=guest_hash)


async def _start(store: Store, leased: LeasedRequest) -> bool:
    await epochs.require_same(store.database, store.vault.keystore)
    entry = await ledger.start(store.vault.keystore, leased.id)
    if entry is None:
        raise NotInLedger
    async with store.database.transaction() as session:
        row = await _lock_request(session, leased)
        if entry.status == ErasureStatus.CANCELLED.value:
            mark_cancelled(row, entry, canceller_known=await staff.exists(session, entry.canceller_id))
        elif entry.status == ErasureStatus.REQUESTED.value:
            row.status = Status.REQUESTED.value
            row.due_at, row.attempts = now() + HOLD_INTERVAL, 0
        else:
            row.status = Status.STARTED.value
            row.started_at = row.started_at or entry.started_at
        session.add(row)
    return entry.status in {ErasureStatus.STARTED.value, ErasureStatus.COMPLETED.value}


async def _lock_request(session: AsyncSession, leased: LeasedRequest) -> AnonymizationRequest:
    return await session.get_one(AnonymizationRequest, (leased.owner_id, leased.id), with_for_update=NO_KEY)


async def erase_customer_data(session: AsyncSession, store: Store, *, organization_id: UUID, customer_id: UUID) -> None:
    """Erase the personal data of a customer in every package that stores some. Add every new such package here."""
    # Wait for transactions that write data of this customer, and keep new ones from starting.
    await lock_customer(session, organization_id=organization_id, customer_id=customer_id)
    # First, as the sealed profile names the addresses.
    for hashed in await inventory.guest_hashes(
        session, store.vault, organization_id=organization_id, customer_id=customer_id
    ):
        await orders.erase_guest(session, organization_id=organization_id, guest_hash=hashed)
    await payment_methods.erase(session, store.vault, customer_id=customer_id)
    await addresses.erase(session, customer_id=customer_id)
    await orders.erase(session, customer_id=customer_id)
    await sessions.erase(session, customer_id=customer_id)
    await guessing.erase(session, customer_id=customer_id)
    await outbox.erase(session, customer_id=customer_id)
    await proofs.erase(session, customer_id=customer_id)
    await legal_holds.erase(session, customer_id=customer_id)
    await erasure_requests.erase(session, customer_id=customer_id)
    await webhooks.erase(session, customer_id=customer_id)
    await exports.erase(session, customer_id=customer_id)
    await customers.erase(session, customer_id=customer_id)


async def _fail(store: Store, leased: LeasedRequest, failure: str) -> None:
    async with store.database.transaction() as session:
        row = await _lock_request(session, leased)
        row.status = Status.FAILED.value
        row.failed_at = now()
        row.failure = failure[:64]
        row.due_at = now() + retry_delay(row.attempts)
        session.add(row)
