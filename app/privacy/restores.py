"""Restores: brings a restored database up to what the other one knows, and says what is at stake.

| Which is older | Applied by `reconcile`, before the first request              | An operator confirms       |
| -------------- | ------------------------------------------------------------- | -------------------------- |
| neither        | both of the following, of the last minutes, as the difference |                            |
|                | may be smaller than one epoch                                 |                            |
| main database  | erasures, deletions, cancellations, requests, legal holds     | before a key is destroyed  |
| key store      | the same of the main database: keys are destroyed again       | before anything is served  |
| (a wrong pair) | nothing                                                       | (cannot be confirmed)      |

Everything here may be repeated, and destroys only keys of people who were erased before.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import and_, bindparam, or_, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.anonymizations.repository import AnonymizationStatus
from app.customers.anonymizations.tables import AnonymizationRequest
from app.customers.orders import repository as orders
from app.customers.orders.tables import Order
from app.customers.tables import Customer
from app.identity.staff import repository as staff
from app.identity.staff.tables import StaffMember
from app.platform.audit.log import Action, record_system_event
from app.platform.db.locks import NO_KEY
from app.platform.db.reading import Read
from app.platform.vault import epochs, holds, ledger
from app.platform.vault.epochs import Pair, PairState
from app.platform.vault.holds import Hold
from app.platform.vault.ledger import Entry, ErasureStatus, Subject
from app.platform.vault.orphans import missing_keys
from app.platform.vault.vault import Store
from app.privacy.erasure import erase_customer_data
from app.privacy.legal_holds import placing as legal_holds
from app.privacy.requests import add_from_ledger, mark_cancelled, owner_id
from app.privacy.tables import Deletion, LegalHold

log = structlog.get_logger(__name__)
BATCH = 500
# Clocks of several machines differ, and a worker may have stopped before its key store was backed up.
OVERLAP = timedelta(hours=1)
_SMALLEST_ID = UUID(int=0)


class RestoreUnconfirmed(Exception):
    """The databases do not belong together, or the key store is older: nothing is served until that is settled."""


class Stakes(NamedTuple):
    """What an operator should know before confirming a restore."""

    pair: Pair
    erasures: int
    unopenable: dict[str, int]


def refuse_wrong_pair(pair: Pair) -> None:
    """Raise `RestoreUnconfirmed` for databases that do not belong together."""
    if pair.state is PairState.WRONG_PAIR:
        message = (
            "The main database and the key store do not belong together. Nothing was changed. "
            "Check PATRON_DATABASE_URL and PATRON_KEYSTORE_URL."
        )
        raise RestoreUnconfirmed(message)


async def open_pair(store: Store) -> Pair:
    """Compare the databases at start-up and reconcile them; raise `RestoreUnconfirmed` when they must not be served."""
    pair = await reconcile(store)
    refuse_wrong_pair(pair)
    if pair.state is PairState.KEYSTORE_OLDER:
        message = (
            "The key store is older than the main database: keys may be missing. "
            "See `patron restore check`, then restore a newer one or run `patron restore confirm`."
        )
        raise RestoreUnconfirmed(message)
    if pair.state is PairState.MAIN_OLDER:
        log.warning("main_database_restored", waits_for="patron restore confirm")
    return pair


async def reconcile(store: Store) -> Pair:
    """Apply to the older database what the other one knows; return their epochs, which do not change."""
    pair = await epochs.read(store.database, store.vault.keystore)
    if pair.state in {PairState.SAME, PairState.MAIN_OLDER}:
        assert pair.main is not None  # noqa: S101 - both are there
        await _apply_ledger(store, since=pair.main.epoch - 1)
    if pair.state in {PairState.SAME, PairState.KEYSTORE_OLDER}:
        await _apply_main(store, pair)
    return pair


async def keep_pair(store: Store) -> int:
    """Advance the epochs, or reconcile databases that were restored while this process ran; return 1 if advanced."""
    pair = await epochs.advance(store.database, store.vault.keystore)
    await reconcile(store)
    return int(pair.state is PairState.SAME)


async def check(store: Store) -> Stakes:
    """What a restore puts at stake: the ledger's erasures, and living rows whose key is missing, by table."""
    pair = await epochs.read(store.database, store.vault.keystore)
    unopenable = {}
    for name, read in _SEALED.items():
        unopenable[name] = 0
        after = _SMALLEST_ID
        while rows := await store.database.rows(read, after=after):
            ids = [row.id for row in rows]
            unopenable[name] += len(await missing_keys(store.vault, ids))
            after = ids[-1]
    return Stakes(pair, await ledger.completed(store.vault.keystore), unopenable)


async def confirm(store: Store) -> None:
    """Declare the databases to be of the same moment, after applying what can be; raise for a wrong pair."""
    await reconcile(store)
    await epochs.align(store.database, store.vault.keystore)


async def _apply_ledger(store: Store, *, since: int) -> None:
    for entry in await ledger.changed_since(store.vault.keystore, since):
        await _apply_entry(store, entry)
    await _wipe_orders(store, await ledger.destroyed_since(store.vault.keystore, since))
    for hold in await holds.changed_since(store.vault.keystore, since):
        async with store.database.transaction() as session:
            if await session.get(Customer, hold.person_id) is not None:
                await legal_holds.follow(session, hold)


async def _apply_entry(store: Store, entry: Entry) -> None:
    status = ErasureStatus(entry.status)
    async with store.database.transaction() as session:
        if entry.subject == Subject.STAFF.value:
            await staff.forget(session, staff_id=entry.person_id)
            return
        is_customer = entry.subject != Subject.GUEST.value
        if is_customer and await session.get(Customer, entry.person_id) is None:
            # Registered after the backup: nothing of this person came back.
            return
        if entry.subject == Subject.DELETED_CUSTOMER.value:
            await _delete_again(session, store, entry)
            return
        await add_from_ledger(session, entry, requester_known=await staff.exists(session, entry.requester_id))
        row = await session.get_one(AnonymizationRequest, (owner_id(entry), entry.id), with_for_update=NO_KEY)
        if status is ErasureStatus.CANCELLED and row.cancelled_at is None:
            mark_cancelled(row, entry, canceller_known=await staff.exists(session, entry.canceller_id))
        if status is ErasureStatus.COMPLETED and not await _is_done(session, row, entry):
            await _erase_again(session, store, row, entry)
        session.add(row)


async def _is_done(session: AsyncSession, row: AnonymizationRequest, entry: Entry) -> bool:
    if row.status != AnonymizationStatus.COMPLETED.value or row.completed_at is None:
        return False
    if row.customer_id is None:
        return True
    customer = await session.get(Customer, entry.person_id)
    return customer is not None and customer.erased_at is not None


async def _erase_again(session: AsyncSession, store: Store, row: AnonymizationRequest, entry: Entry) -> None:
    if row.customer_id:
        await erase_customer_data(session, store, organization_id=entry.organization_id, customer_id=row.customer_id)
    elif row.guest_hash:
        await orders.erase_guest(session, organization_id=entry.organization_id, guest_hash=row.guest_hash)
    row.status = AnonymizationStatus.COMPLETED.value
    row.started_at, row.completed_at = row.started_at or entry.started_at, entry.completed_at
    row.guest_hash, row.failure = None, None
    record_system_event(
        session,
        Action.CUSTOMER_ERASED,
        organization_id=entry.organization_id,
        customer_id=row.customer_id,
        object_id=row.id,
    )


async def _delete_again(session: AsyncSession, store: Store, entry: Entry) -> None:
    customer = await session.get(Customer, entry.person_id, with_for_update=True)
    if customer is None or customer.deleted_at is not None:
        return
    await erase_customer_data(session, store, organization_id=entry.organization_id, customer_id=entry.person_id)
    customer.deleted_at = entry.completed_at
    session.add(customer)


async def _wipe_orders(store: Store, key_ids: Collection[UUID]) -> None:
    async with store.database.transaction() as session:
        # Only a guest's order has a key of its own id: no order of a customer is among them.
        for key_id in key_ids:
            wiped = update(Order).where(
                col(Order.owner_id) == key_id, col(Order.id) == key_id, col(Order.guest_hash).is_not(None)
            )
            await session.exec(wiped.values(sealed=None, content_hash=None, guest_hash=None))


async def _apply_main(store: Store, pair: Pair) -> None:
    """Do in an older key store what the main database says was done: since its last epoch, and an hour before it."""
    assert pair.keystore is not None  # noqa: S101 - both are there
    moment = pair.keystore.advanced_at - OVERLAP
    for entry in await store.database.rows(_REQUESTS, moment=moment):
        await ledger.restore(store.vault.keystore, entry)
        if entry.status == ErasureStatus.CANCELLED.value and entry.canceller_id:
            await ledger.cancel(store.vault.keystore, entry.id, canceller_id=entry.canceller_id)
        elif entry.status == ErasureStatus.COMPLETED.value:
            await store.vault.destroy_key(
                entry.person_id,
                organization_id=entry.organization_id,
                anonymization_id=entry.id,
                subject=Subject(entry.subject),
            )
    for deleted in await store.database.rows(_DELETED, moment=moment):
        await store.vault.destroy_key(
            deleted.person_id,
            organization_id=deleted.organization_id,
            anonymization_id=deleted.id,
            subject=Subject.DELETED_CUSTOMER,
        )
    for member in await store.database.rows(_REMOVED, moment=moment):
        await store.vault.destroy_key(
            member.person_id,
            organization_id=member.organization_id,
            anonymization_id=member.id,
            subject=Subject.STAFF,
        )
    for hold in await store.database.rows(_HOLDS, moment=moment):
        await holds.restore(store.vault.keystore, hold)
    for order in await store.database.rows(_ERASED_ORDERS, moment=moment):
        await store.vault.destroy_guest_keys([order.person_id], organization_id=order.organization_id)


class _Row(NamedTuple):
    id: UUID


class _Erased(NamedTuple):
    id: UUID
    person_id: UUID
    organization_id: UUID


def _to_entry(row: Sequence[Any]) -> Entry:
    owner_id, customer_id, *values = row
    subject = Subject.CUSTOMER if customer_id else Subject.GUEST
    entry = Entry._make([*values[:2], subject.value, customer_id or owner_id, *values[2:]])
    status = ErasureStatus.STARTED.value if entry.started_at else ErasureStatus.REQUESTED.value
    final = {ErasureStatus.CANCELLED.value, ErasureStatus.COMPLETED.value}
    return entry if entry.status in final else entry._replace(status=status)


_REQUEST_COLUMNS: Sequence[Any] = [
    getattr(AnonymizationRequest, name)
    for name in ("owner_id", "customer_id", *(one for one in Entry._fields if one not in {"subject", "person_id"}))
]
_REQUESTS = Read(
    select(*_REQUEST_COLUMNS).where(
        or_(
            col(AnonymizationRequest.completed_at) >= bindparam("moment"),
            col(AnonymizationRequest.cancelled_at) >= bindparam("moment"),
            and_(col(AnonymizationRequest.completed_at).is_(None), col(AnonymizationRequest.cancelled_at).is_(None)),
        )
    ),
    _to_entry,
)
_HOLD_COLUMNS: Sequence[Any] = [
    col(LegalHold.customer_id) if name == "person_id" else getattr(LegalHold, name) for name in Hold._fields
]
_HOLDS = Read(
    select(*_HOLD_COLUMNS).where(
        or_(col(LegalHold.placed_at) >= bindparam("moment"), col(LegalHold.released_at) >= bindparam("moment"))
    ),
    Hold._make,
)
_DELETED_COLUMNS: Sequence[Any] = (col(Deletion.id), col(Deletion.customer_id), col(Deletion.organization_id))
_DELETED = Read(
    select(*_DELETED_COLUMNS).where(col(Deletion.deleted_at) >= bindparam("moment"), col(Deletion.due_at).is_(None)),
    _Erased._make,
)
_REMOVED_COLUMNS: Sequence[Any] = (col(StaffMember.id), col(StaffMember.id), col(StaffMember.organization_id))
_REMOVED = Read(
    select(*_REMOVED_COLUMNS).where(
        col(StaffMember.removed_at) >= bindparam("moment"), col(StaffMember.key_due_at).is_(None)
    ),
    _Erased._make,
)
_ERASED_ORDERS_COLUMNS: Sequence[Any] = (col(Order.id), col(Order.id), col(Order.organization_id))
_ERASED_ORDERS = Read(
    select(*_ERASED_ORDERS_COLUMNS).where(
        col(Order.customer_id).is_(None), col(Order.guest_hash).is_(None), col(Order.updated_at) >= bindparam("moment")
    ),
    _Erased._make,
)


def _with_key(table: Any, *conditions: Any) -> Read[_Row]:
    """The rows in order of their ids, that have a key of their own and need it."""
    statement = select(table.id).where(table.sealed.is_not(None), table.id > bindparam("after"), *conditions)
    return Read(statement.order_by(table.id).limit(BATCH), _Row._make)


_SEALED = {
    "customers": _with_key(Customer),
    "staff members": _with_key(StaffMember),
    "guest orders": _with_key(Order, col(Order.customer_id).is_(None)),
}
