"""Reads orders, page by page along an index, and erases the personal data of a customer's."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, String, Uuid, bindparam, func, select, tuple_, update
from sqlalchemy import delete as delete_rows
from sqlmodel import col
from sqlmodel import select as sqlmodel_select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.orders.records import COLUMNS, OrderRow, OrderStatus, open_copies
from app.customers.orders.tables import IS_KEPT, Order, OrderNumber
from app.platform.clock import now
from app.platform.db.columns import TIMESTAMP
from app.platform.db.reading import Read, any_of, columns
from app.platform.vault.vault import Store

EXPORT_BATCH_SIZE = 1000
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(microsecond=0, tzinfo=UTC)
NEWEST_FIRST = (col(Order.placed_at).desc(), col(Order.id).desc())
SMALLEST_ID = UUID(int=0)


Buyer = tuple[UUID | None, bytes | None]


class _CountRow(NamedTuple):
    customer_id: UUID
    orders: int


def _filter_conditions(*, by_status: bool) -> list[ColumnElement[bool]]:
    """The conditions of a page: one range of the index `ix_orders_history`."""
    conditions: list[Any] = [
        col(Order.organization_id) == bindparam("organization_id"),
        tuple_(col(Order.placed_at), col(Order.id))
        < tuple_(bindparam("before_at", type_=TIMESTAMP), bindparam("before_id", type_=Uuid())),
        col(Order.placed_at) >= bindparam("placed_from", type_=TIMESTAMP),
    ]
    return [*conditions, col(Order.status) == bindparam("status", type_=String())] if by_status else conditions


@cache
def page_of_one_customer(*, by_status: bool) -> Read[OrderRow]:
    """The query for a page of one customer."""
    conditions = [
        col(Order.owner_id) == bindparam("customer_id", type_=Uuid()),
        *_filter_conditions(by_status=by_status),
    ]
    size = bindparam("size", type_=Integer())
    return Read(select(*COLUMNS).where(*conditions).order_by(*NEWEST_FIRST).limit(size), OrderRow._make)


@cache
def pages_of_customers(*, by_status: bool) -> Read[OrderRow]:
    """The query for the same page of several customers."""
    place = func.row_number().over(partition_by=col(Order.owner_id), order_by=NEWEST_FIRST).label("place")
    conditions = [any_of(Order.owner_id, "ids"), *_filter_conditions(by_status=by_status)]
    ranked = select(*COLUMNS, place).where(*conditions).subquery()
    shown = [ranked.c[name] for name in OrderRow._fields]
    wanted = select(*shown).where(ranked.c.place <= bindparam("size", type_=Integer())).order_by(ranked.c.place)
    return Read(wanted, OrderRow._make)


@cache
def order_counts(*, by_status: bool) -> Read[_CountRow]:
    """The query for the number of orders of several customers."""
    conditions = [any_of(Order.owner_id, "ids"), *_filter_conditions(by_status=by_status)]
    shape: Sequence[Any] = (Order.owner_id, func.count())
    return Read(select(*shape).where(*conditions).group_by(col(Order.owner_id)), _CountRow._make)


class _OrderKey(NamedTuple):
    owner_id: UUID
    order_id: UUID


_IN_ORGANIZATION = (col(Order.organization_id) == bindparam("organization_id"), col(Order.id) == bindparam("id"))
_BY_ID = Read(select(*COLUMNS).where(*_IN_ORGANIZATION), OrderRow._make)
_BY_KEY = Read(select(*COLUMNS).where(col(Order.owner_id) == bindparam("owner_id"), *_IN_ORGANIZATION), OrderRow._make)
_KEY_BY_NUMBER = Read(
    select(*columns(OrderNumber, _OrderKey)).where(
        col(OrderNumber.organization_id) == bindparam("organization_id"),
        col(OrderNumber.number) == bindparam("number"),
    ),
    _OrderKey._make,
)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """A filter: placed at `placed_from` or later, before `placed_to`, in one status or any."""

    placed_from: datetime | None = None
    placed_to: datetime | None = None
    status: OrderStatus | None = None

    def parameters(self, after: tuple[datetime, UUID] | None = None) -> dict[str, object]:
        """The parameters of the queries; `after` is the position of the last order of the page before."""
        end = (self.placed_to or LATEST, SMALLEST_ID)
        before_at, before_id = min(end, after) if after else end
        found = {"before_at": before_at, "before_id": before_id, "placed_from": self.placed_from or EARLIEST}
        return {**found, "status": self.status.value} if self.status else found


@dataclass(frozen=True, slots=True)
class PageLoader:
    """Loads a page of orders, newest first, of each customer; equal pages share one query (`Context.load`)."""

    order_filter: OrderFilter
    size: int
    after: tuple[datetime, UUID] | None = None

    async def __call__(self, store: Store, organization_id: UUID, ids: Sequence[UUID]) -> list[list[OrderRow]]:
        """The orders of each of these customers, in the order of `ids`."""
        by_status = self.order_filter.status is not None
        shared = {**self.order_filter.parameters(self.after), "organization_id": organization_id, "size": self.size}
        if len(ids) == 1:
            return [await store.database.rows(page_of_one_customer(by_status=by_status), customer_id=ids[0], **shared)]
        found: dict[UUID | None, list[OrderRow]] = defaultdict(list)
        for row in await store.database.rows(pages_of_customers(by_status=by_status), ids=ids, **shared):
            found[row.customer_id].append(row)
        return [found[one] for one in ids]


@dataclass(frozen=True, slots=True)
class CountLoader:
    """Loads the number of orders of each customer; equal filters share one query (`Context.load`)."""

    order_filter: OrderFilter

    async def __call__(self, store: Store, organization_id: UUID, ids: Sequence[UUID]) -> list[int]:
        """The numbers of orders, in the order of `ids`."""
        read = order_counts(by_status=self.order_filter.status is not None)
        shared = self.order_filter.parameters()
        rows = await store.database.rows(read, organization_id=organization_id, ids=ids, **shared)
        found = {row.customer_id: row.orders for row in rows}
        return [found.get(one, 0) for one in ids]


async def by_id(
    store: Store, *, organization_id: UUID, order_id: UUID, customer_id: UUID | None = None
) -> OrderRow | None:
    """The order with this id: of `customer_id`, or of anybody where the back office asks."""
    if customer_id is None:
        return await store.database.row(_BY_ID, organization_id=organization_id, id=order_id)
    return await store.database.row(_BY_KEY, owner_id=customer_id, organization_id=organization_id, id=order_id)


async def by_number(
    store: Store, *, organization_id: UUID, number: str, customer_id: UUID | None = None
) -> OrderRow | None:
    """The order with this number: of `customer_id`, or of anybody where the back office asks."""
    # An order that moves to a customer between the two reads is looked up a second time.
    for _ in range(2):
        key = await store.database.row(_KEY_BY_NUMBER, organization_id=organization_id, number=number)
        if key is None or customer_id not in {None, key.owner_id}:
            return None
        row = await store.database.row(_BY_KEY, owner_id=key.owner_id, organization_id=organization_id, id=key.order_id)
        if row is not None:
            return row
    return None


async def has_orders(session: AsyncSession, *, organization_id: UUID, customer_id: UUID) -> bool:
    """Whether a locked customer has any order, also a cancelled one."""
    statement = sqlmodel_select(Order.id).where(Order.owner_id == customer_id, Order.organization_id == organization_id)
    return (await session.exec(statement.limit(1))).first() is not None


async def erase(session: AsyncSession, *, customer_id: UUID) -> int:
    """Delete the address copies of all orders of a customer; idempotent. Return how many orders had any.

    Numbers, amounts, dates and the country stay. The content hash is deleted too: whoever has the service's hash key
    could test guessed addresses against it.
    """
    statement = (
        update(Order)
        .where(
            col(Order.owner_id) == customer_id, col(Order.content_hash).is_not(None) | col(Order.sealed).is_not(None)
        )
        .values(sealed=None, content_hash=None, updated_at=now())
    )
    return (await session.exec(statement)).rowcount


async def erase_guest(session: AsyncSession, *, organization_id: UUID, guest_hash: bytes) -> int:
    """Delete the address copies of a guest's orders and what found them; idempotent. Return how many there were.

    Nobody who has the address later inherits them. `discard_spent_keys` destroys their keys after the transaction.
    """
    order_ids = await guest_order_ids(session, organization_id=organization_id, guest_hash=guest_hash)
    for order_id in order_ids:
        statement = (
            update(Order)
            .where(col(Order.owner_id) == order_id, col(Order.id) == order_id, col(Order.guest_hash) == guest_hash)
            .values(sealed=None, content_hash=None, guest_hash=None, spent_key_id=order_id, updated_at=now())
        )
        await session.exec(statement)
    return len(order_ids)


async def guest_order_ids(session: AsyncSession, *, organization_id: UUID, guest_hash: bytes) -> Sequence[UUID]:
    """The ids of all orders of a guest."""
    found = sqlmodel_select(Order.id).where(Order.organization_id == organization_id, Order.guest_hash == guest_hash)
    return (await session.exec(found.order_by(col(Order.id)))).all()


async def has_guest_orders(session: AsyncSession, *, organization_id: UUID, guest_hash: bytes) -> bool:
    """Whether a guest has any order, also a cancelled one."""
    statement = sqlmodel_select(Order.id).where(
        Order.organization_id == organization_id, Order.guest_hash == guest_hash
    )
    return (await session.exec(statement.limit(1))).first() is not None


async def buyer(session: AsyncSession, *, organization_id: UUID, number: str) -> Buyer | None:
    """The customer or the guest whose order has this number; both None when the guest was erased."""
    named = await session.get(OrderNumber, (organization_id, number), populate_existing=True)
    order = await session.get(Order, (named.owner_id, named.order_id), populate_existing=True) if named else None
    return (order.customer_id, order.guest_hash) if order else None


class PlacedOrder(NamedTuple):
    """An order by which time it was placed."""

    owner_id: UUID
    id: UUID
    number: str
    placed_at: datetime


_PLACED_BEFORE = Read(
    select(*columns(Order, PlacedOrder))
    .where(
        col(Order.organization_id) == bindparam("organization_id"),
        # As the index `ix_orders_placed` has it.
        IS_KEPT,
        col(Order.placed_at) < bindparam("before"),
        tuple_(col(Order.placed_at), col(Order.id))
        > tuple_(bindparam("after_at", type_=TIMESTAMP), bindparam("after_id", type_=Uuid())),
    )
    .order_by(col(Order.placed_at), col(Order.id))
    .limit(bindparam("limit", type_=Integer())),
    PlacedOrder._make,
)
_NEWEST = Read(
    select(func.max(col(Order.placed_at))).where(
        col(Order.owner_id) == bindparam("customer_id"), col(Order.organization_id) == bindparam("organization_id")
    ),
    tuple,
)


async def placed_before(
    store: Store, *, organization_id: UUID, before: datetime, after: tuple[datetime, UUID], limit: int
) -> list[PlacedOrder]:
    """Up to `limit` orders of an organization that were placed before then, oldest first, after a position."""
    return await store.database.rows(
        _PLACED_BEFORE,
        organization_id=organization_id,
        before=before,
        after_at=after[0],
        after_id=after[1],
        limit=limit,
    )


async def newest_placed_at(store: Store, *, organization_id: UUID, customer_id: UUID) -> datetime | None:
    """When the customer's newest order was placed."""
    row = await store.database.row(_NEWEST, organization_id=organization_id, customer_id=customer_id)
    return row[0] if row else None


async def newest_of_owners(session: AsyncSession, owner_ids: Collection[UUID]) -> datetime | None:
    """When the newest order of these owners was placed; a guest's order is its own owner."""
    newest = None
    for owner_id in owner_ids:
        statement = sqlmodel_select(func.max(col(Order.placed_at))).where(Order.owner_id == owner_id)
        found = (await session.exec(statement)).one()
        newest = max((moment for moment in (newest, found) if moment is not None), default=None)
    return newest


async def delete(session: AsyncSession, *, organization_id: UUID, order: PlacedOrder) -> None:
    """Delete an order and its number; the key of a guest's order is swept as an orphan."""
    await session.exec(delete_rows(Order).where(col(Order.owner_id) == order.owner_id, col(Order.id) == order.id))
    number = delete_rows(OrderNumber).where(
        col(OrderNumber.organization_id) == organization_id, col(OrderNumber.number) == order.number
    )
    await session.exec(number)


async def export(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[dict[str, object]]:
    """All stored data of a customer's orders, newest first, for the customer to read."""
    cipher = (await store.vault.ciphers([customer_id])).get(customer_id)
    found: list[dict[str, object]] = []
    after: tuple[datetime, UUID] | None = None
    while True:
        load_page = PageLoader(OrderFilter(), EXPORT_BATCH_SIZE, after)
        (rows,) = await load_page(store, organization_id, [customer_id])
        found += [row.exported(open_copies(row, cipher)) for row in rows]
        if len(rows) < EXPORT_BATCH_SIZE:
            return found
        after = rows[-1].placed_at, rows[-1].id
