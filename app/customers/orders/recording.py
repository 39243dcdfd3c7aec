"""Writes orders: recorded once by their number, changed, and given to the guest who turns out to be a customer.

Who calls this has locked the customer, or goes on without a lock where there is none; see `locked`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.orders.contents import Contents
from app.customers.orders.records import Copies, OrderRow, OrderStatus, camel, opened, row_of, sealed
from app.customers.orders.tables import Order
from app.platform.clock import now
from app.platform.db.claims import claim
from app.platform.db.columns import new_id
from app.platform.db.locks import lock_customer
from app.platform.errors import Conflict, Invalid, NotFound
from app.platform.money import Money
from app.platform.vault.vault import Vault

GUEST = "guest-order"
CONTENT = "order-content"
FOLLOWING = {
    OrderStatus.PENDING: {OrderStatus.PLACED, OrderStatus.FULFILLED, OrderStatus.CANCELLED},
    OrderStatus.PLACED: {OrderStatus.FULFILLED, OrderStatus.CANCELLED},
    OrderStatus.FULFILLED: {OrderStatus.CANCELLED},
    OrderStatus.CANCELLED: set[OrderStatus](),
}
COPIES = {"shipping_address": "shipping", "billing_address": "billing"}


class NumberUsed(Conflict):
    """There is an order with this number, and it was recorded with another content."""

    message = "An order with this number and another content was recorded already."
    field = ("number",)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose order it is: a customer's, or that of a guest known by the hash of an email address.

    `named` is how the shop named the owner; it does not change when a guest turns out to be a customer.
    """

    named: str
    customer_id: UUID | None = None
    guest_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """An order, the names of the fields that changed, and by how many its owner's placed orders grew."""

    row: OrderRow
    names: list[str]
    grown: int = 0


def guest_hash(vault: Vault, *, organization_id: UUID, email_canonical: str) -> bytes:
    """What finds the orders of a guest; `email_canonical` as made by `EmailAddress`."""
    return vault.fingerprints.of(GUEST, email_canonical, organization_id=organization_id)


async def record(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, owner: Owner, number: str, contents: Contents
) -> tuple[OrderRow, bool]:
    """Record the order; say whether it is new. The same number and content again is the same order.

    Raise `NumberUsed` for the same number and another content.
    """
    content_hash = _content_hash(vault, organization_id, owner, contents)
    # Only so that a repeated call makes no key: the unique index decides.
    found = await _by_number(session, organization_id=organization_id, number=number)
    if found is None:
        values = _values(organization_id, owner, number, contents)
        made_key = await _seal(vault, values, contents.copies)
        if await claim(session, Order, **values, content_hash=content_hash):
            return OrderRow._make(values[name] for name in OrderRow._fields), True
        if made_key:
            await vault.discard_keys([values["id"]])
        found = await _by_number(session, organization_id=organization_id, number=number)
    if found is None or found.content_hash != content_hash:
        raise NumberUsed
    return row_of(found), False


def _values(organization_id: UUID, owner: Owner, number: str, contents: Contents) -> dict[str, Any]:
    recorded_at = now()
    return {
        "id": new_id(),
        "organization_id": organization_id,
        "customer_id": owner.customer_id,
        "guest_hash": owner.guest_hash,
        "number": number,
        "status": contents.status.value,
        "placed_at": contents.placed_at or recorded_at,
        "cancelled_at": recorded_at if contents.status is OrderStatus.CANCELLED else None,
        "total_minor": contents.total.minor,
        "currency_code": contents.total.currency_code,
        "item_count": contents.item_count,
        "country_code": contents.copies.country_code,
        "sealed": None,
        "version": 1,
        "created_at": recorded_at,
        "updated_at": recorded_at,
    }


async def _seal(vault: Vault, values: dict[str, Any], copies: Copies) -> bool:
    """Fill in what is sealed; say whether a key was made for it."""
    if copies == Copies():
        return False
    is_guest = values["customer_id"] is None
    box = (
        await vault.create_key(values["id"], organization_id=values["organization_id"])
        if is_guest
        else await vault.box(values["customer_id"])
    )
    values["sealed"] = sealed(copies, values["id"], box)
    return is_guest


def _content_hash(vault: Vault, organization_id: UUID, owner: Owner, contents: Contents) -> bytes:
    total = contents.total
    parts = [owner.named, contents.status.value, contents.placed_at, total, contents.item_count, contents.copies]
    return vault.fingerprints.of(CONTENT, orjson.dumps(parts).decode(), organization_id=organization_id)


async def _by_number(session: AsyncSession, *, organization_id: UUID, number: str) -> Order | None:
    statement = select(Order).where(Order.organization_id == organization_id, Order.number == number)
    return (await session.exec(statement)).first()


async def locked(
    session: AsyncSession, *, organization_id: UUID, order_id: UUID | None = None, number: str | None = None
) -> Order:
    """The order with this id or number, its customer locked before it as everywhere; raise `NotFound`, `Conflict`.

    The order of an erased customer can be locked too: it is still delivered, or cancelled.
    """
    named = Order.id == order_id if order_id else Order.number == number
    statement = select(Order.id, Order.customer_id).where(Order.organization_id == organization_id, named)
    found = (await session.exec(statement)).first()
    if found is None:
        raise NotFound("There is no order with this id or number.", field=("by",))
    found_id, customer_id = found
    if customer_id:
        await lock_customer(session, organization_id=organization_id, customer_id=customer_id)
    row = await session.get(Order, found_id, with_for_update=True, populate_existing=True)
    if row is None or row.customer_id != customer_id:
        raise Conflict(field=("by",))
    return row


async def change(
    session: AsyncSession,
    vault: Vault,
    order: Order,
    *,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Written:
    """Set fields of a locked order, named as in GraphQL's input in Python's spelling; one version more if any differs.

    Raise `Conflict` for a stale version, `Invalid` for a status that cannot follow the present one.
    """
    if expected_version is not None and order.version != expected_version:
        raise Conflict(field=("expectedVersion",))
    before = OrderStatus(order.status)
    names = _set_plain(order, changes)
    names += await _set_copies(vault, order, {name: changes[name] for name in COPIES if name in changes})
    if names:
        order.version += 1
        order.updated_at = now()
        session.add(order)
        await session.flush()
    return Written(row_of(order), names, OrderStatus(order.status).counts - before.counts)


def _set_plain(order: Order, changes: Mapping[str, Any]) -> list[str]:
    columns: dict[str, Any] = {name: changes[name] for name in ("placed_at", "item_count") if name in changes}
    total: Money | None = changes.get("total")
    if total is not None:
        columns |= {"total_minor": total.minor, "currency_code": total.currency_code}
    status: OrderStatus | None = changes.get("status")
    if status is not None and status.value != order.status:
        if status not in FOLLOWING[OrderStatus(order.status)]:
            raise Invalid(f"An order that is {order.status} cannot become {status.value}.", field=("status",))
        columns |= {"status": status.value, "cancelled_at": now() if status is OrderStatus.CANCELLED else None}
    differing = [name for name, value in columns.items() if getattr(order, name) != value]
    for name in differing:
        setattr(order, name, columns[name])
    api_names = {"total_minor": "total", "currency_code": "total", "cancelled_at": "status"}
    return sorted({api_names.get(name, camel(name)) for name in differing})


async def _set_copies(vault: Vault, order: Order, changes: Mapping[str, Any]) -> list[str]:
    if not changes:
        return []
    person_id = order.customer_id or order.id
    box = (await vault.boxes([person_id])).get(person_id)
    before = opened(order, box)
    after = replace(before, **{COPIES[name]: copy for name, copy in changes.items()})
    names = [camel(name) for name, place in COPIES.items() if getattr(after, place) != getattr(before, place)]
    if not names:
        return []
    if box is None and order.customer_id is not None:
        raise Invalid("The customer was anonymized: no address is kept any more.", field=names[:1])
    if after == Copies():
        order.sealed = None
    else:
        box = box or await vault.create_key(order.id, organization_id=order.organization_id)
        order.sealed = sealed(after, order.id, box)
    order.country_code = after.country_code
    return names


async def attach(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID, email_canonical: str
) -> list[OrderRow]:
    """Give the orders of a guest to a locked customer who has proven to be the owner of the address.

    The address copies are sealed anew with the customer's key; the orders' own keys are left to `discard_spent`.
    """
    hashed = guest_hash(vault, organization_id=organization_id, email_canonical=email_canonical)
    statement = (
        select(Order)
        .where(Order.organization_id == organization_id, Order.guest_hash == hashed)
        .order_by(col(Order.id))
        .with_for_update()
    )
    orders = (await session.exec(statement)).all()
    boxes = await vault.boxes([order.id for order in orders if order.sealed])
    for order in orders:
        copies = opened(order, boxes.get(order.id))
        order.spent_key_id = order.id
        order.sealed = None if copies == Copies() else sealed(copies, order.id, await vault.box(customer_id))
        order.customer_id, order.guest_hash = customer_id, None
        order.updated_at = now()
        session.add(order)
    await session.flush()
    return [row_of(order) for order in orders]
