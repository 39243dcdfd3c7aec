"""Writes orders: records them once by their number, changes them, attaches a guest's orders to a customer.

Lock order: the customer row first, then the order. Callers of `record` and `attach` have locked the customer, where
there is one; `lock` locks both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.orders.contents import OrderContents
from app.customers.orders.records import (
    AddressCopies,
    OrderRow,
    OrderStatus,
    open_copies,
    row_of,
    seal_copies,
)
from app.customers.orders.tables import Order, OrderNumber
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.inserts import insert_if_absent
from app.platform.db.locks import NO_KEY, lock_customer
from app.platform.db.writing import execute_at_commit, insert_statement
from app.platform.errors import Conflict, Invalid, NotFound
from app.platform.money import Money
from app.platform.validation import camel_case
from app.platform.vault.vault import Vault

_INSERT = insert_statement(Order)
GUEST_HASH_PURPOSE = "guest-order"
CONTENT_HASH_PURPOSE = "order-content"
STATUS_TRANSITIONS = {
    OrderStatus.PENDING: {OrderStatus.PLACED, OrderStatus.FULFILLED, OrderStatus.CANCELLED},
    OrderStatus.PLACED: {OrderStatus.FULFILLED, OrderStatus.CANCELLED},
    OrderStatus.FULFILLED: {OrderStatus.CANCELLED},
    OrderStatus.CANCELLED: set[OrderStatus](),
}
ADDRESS_FIELDS = {"shipping_address": "shipping", "billing_address": "billing"}


class OrderNumberConflict(Conflict):
    """An order with this number was recorded with other contents."""

    message = "An order with this number and another content was recorded already."
    field = ("number",)


@dataclass(frozen=True, slots=True)
class OrderOwner:
    """The owner of an order: a customer, or a guest identified by the hash of an email address.

    `buyer_key` identifies the owner as the shop named it; it stays the same when the guest's orders are attached to a
    customer.
    """

    buyer_key: str
    customer_id: UUID | None = None
    guest_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class ChangedOrder:
    """A changed order, the API names of the changed fields, and the change of its owner's number of placed orders."""

    row: OrderRow
    changed_fields: list[str]
    placed_orders_delta: int = 0


def guest_hash(vault: Vault, *, organization_id: UUID, email_canonical: str) -> bytes:
    """The keyed hash that finds a guest's orders; `email_canonical` as made by `EmailAddress`."""
    return vault.fingerprints.compute(GUEST_HASH_PURPOSE, email_canonical, organization_id=organization_id)


async def record(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    owner: OrderOwner,
    number: str,
    contents: OrderContents,
) -> tuple[OrderRow, bool]:
    """Record an order; return it and whether it is new.

    | An order with this number | Its contents and owner | Result                |
    | ------------------------- | ---------------------- | --------------------- |
    | does not exist            |                        | a new order, True     |
    | exists                    | the same               | that order, False     |
    | exists                    | different, or erased   | `OrderNumberConflict` |
    """
    content_hash = _content_hash(vault, organization_id, owner, contents)
    # Only saves a repeated call from making a key: the primary key of `order_numbers` decides.
    found = await _by_number(session, organization_id=organization_id, number=number)
    if found is None:
        values = _values(organization_id, owner, number, contents)
        made_key = await _seal(vault, values, contents.copies)
        if await insert_if_absent(
            session,
            OrderNumber,
            organization_id=organization_id,
            number=number,
            owner_id=values["owner_id"],
            order_id=values["id"],
        ):
            execute_at_commit(session, _INSERT, **values, content_hash=content_hash)
            return OrderRow._make(values[name] for name in OrderRow._fields), True
        if made_key:
            await vault.discard_keys([values["id"]])
        found = await _by_number(session, organization_id=organization_id, number=number)
    if found is None or found.content_hash != content_hash:
        raise OrderNumberConflict
    return row_of(found), False


def _values(organization_id: UUID, owner: OrderOwner, number: str, contents: OrderContents) -> dict[str, Any]:
    recorded_at, order_id = now(), new_id()
    return {
        "owner_id": owner.customer_id or order_id,
        "id": order_id,
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


async def _seal(vault: Vault, values: dict[str, Any], copies: AddressCopies) -> bool:
    """Set the sealed address copies; return whether a key was created for the order."""
    if copies == AddressCopies():
        return False
    is_guest = values["customer_id"] is None
    cipher = (
        await vault.create_key(values["id"], organization_id=values["organization_id"])
        if is_guest
        else await vault.cipher(values["customer_id"])
    )
    values["sealed"] = seal_copies(copies, values["id"], cipher)
    return is_guest


def _content_hash(vault: Vault, organization_id: UUID, owner: OrderOwner, contents: OrderContents) -> bytes:
    total = contents.total
    parts = [owner.buyer_key, contents.status.value, contents.placed_at, total, contents.item_count, contents.copies]
    return vault.fingerprints.compute(
        CONTENT_HASH_PURPOSE, orjson.dumps(parts).decode(), organization_id=organization_id
    )


async def _by_number(session: AsyncSession, *, organization_id: UUID, number: str) -> Order | None:
    # An order that moves to a customer between the two reads is looked up a second time.
    for _ in range(2):
        key = await _key_by_number(session, organization_id=organization_id, number=number)
        if key is None:
            return None
        row = await session.get(Order, key, populate_existing=True)
        if row is not None:
            return row
    return None


async def _key_by_number(session: AsyncSession, *, organization_id: UUID, number: str) -> tuple[UUID, UUID] | None:
    found = await session.get(OrderNumber, (organization_id, number), populate_existing=True)
    return (found.owner_id, found.order_id) if found else None


async def _key_by_id(session: AsyncSession, *, organization_id: UUID, order_id: UUID) -> tuple[UUID, UUID] | None:
    statement = select(Order.owner_id).where(Order.organization_id == organization_id, Order.id == order_id)
    owner_id = (await session.exec(statement)).first()
    return (owner_id, order_id) if owner_id else None


async def lock(
    session: AsyncSession, *, organization_id: UUID, order_id: UUID | None = None, number: str | None = None
) -> Order:
    """Lock an order by its id or number, after its customer; raise `NotFound`, `Conflict`.

    The order of an erased customer can be locked too: it is still delivered, or cancelled. `Conflict` when the owner
    changed between the read and the lock.
    """
    key = (
        await _key_by_id(session, organization_id=organization_id, order_id=order_id)
        if order_id
        else await _key_by_number(session, organization_id=organization_id, number=number or "")
    )
    if key is None:
        raise NotFound("There is no order with this id or number.", field=("by",))
    owner_id, found_id = key
    if owner_id != found_id:
        await lock_customer(session, organization_id=organization_id, customer_id=owner_id)
    row = await session.get(Order, key, with_for_update=NO_KEY, populate_existing=True)
    if row is None:
        # It was moved to a customer in the meantime.
        raise Conflict(field=("by",))
    return row


async def change(
    session: AsyncSession,
    vault: Vault,
    order: Order,
    *,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> ChangedOrder:
    """Set fields of a locked order, by their names in Python; the version grows by one if any differs.

    | From      | Allowed next status          |
    | --------- | ---------------------------- |
    | PENDING   | PLACED, FULFILLED, CANCELLED |
    | PLACED    | FULFILLED, CANCELLED         |
    | FULFILLED | CANCELLED                    |
    | CANCELLED | none                         |

    Raise `Conflict` for a stale version, `Invalid` for any other status.
    """
    if expected_version is not None and order.version != expected_version:
        raise Conflict(field=("expectedVersion",))
    before = OrderStatus(order.status)
    changed_fields = _set_plain(order, changes)
    copies = {name: changes[name] for name in ADDRESS_FIELDS if name in changes}
    if copies:
        changed_fields += await _set_copies(session, vault, order, copies)
    if changed_fields:
        order.version += 1
        order.updated_at = now()
        session.add(order)
        await session.flush()
    return ChangedOrder(
        row_of(order), changed_fields, OrderStatus(order.status).counts_as_placed - before.counts_as_placed
    )


def _set_plain(order: Order, changes: Mapping[str, Any]) -> list[str]:
    columns: dict[str, Any] = {name: changes[name] for name in ("placed_at", "item_count") if name in changes}
    total: Money | None = changes.get("total")
    if total is not None:
        columns |= {"total_minor": total.minor, "currency_code": total.currency_code}
    status: OrderStatus | None = changes.get("status")
    if status is not None and status.value != order.status:
        if status not in STATUS_TRANSITIONS[OrderStatus(order.status)]:
            raise Invalid(
                "An order that is {before} cannot become {after}.",
                field=("status",),
                before=order.status,
                after=status.value,
            )
        columns |= {"status": status.value, "cancelled_at": now() if status is OrderStatus.CANCELLED else None}
    changed = [name for name, value in columns.items() if getattr(order, name) != value]
    for name in changed:
        setattr(order, name, columns[name])
    api_names = {"total_minor": "total", "currency_code": "total", "cancelled_at": "status"}
    return sorted({api_names.get(name, camel_case(name)) for name in changed})


async def _set_copies(session: AsyncSession, vault: Vault, order: Order, changes: Mapping[str, Any]) -> list[str]:
    key_owner_id = order.customer_id or order.id
    cipher = (await vault.ciphers([key_owner_id])).get(key_owner_id)
    before = open_copies(order, cipher)
    after = replace(before, **{ADDRESS_FIELDS[name]: copy for name, copy in changes.items()})
    changed_fields = [
        camel_case(name) for name, place in ADDRESS_FIELDS.items() if getattr(after, place) != getattr(before, place)
    ]
    if not changed_fields:
        return []
    # The row says who is erased, not a key that this process may still have. It was locked with the order.
    if order.customer_id is not None and not await lock_customer(
        session, organization_id=order.organization_id, customer_id=order.customer_id
    ):
        raise Invalid("The customer was anonymized: no address is kept any more.", field=changed_fields[:1])
    if after == AddressCopies():
        order.sealed = None
    else:
        cipher = cipher or await vault.create_key(order.id, organization_id=order.organization_id)
        order.sealed = seal_copies(after, order.id, cipher)
    order.country_code = after.country_code
    return changed_fields
