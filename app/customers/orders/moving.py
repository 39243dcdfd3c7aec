"""Moves orders between a guest and a customer: attached when an address is proven, detached when that is undone.

The owner is part of the primary key, so each row is deleted and inserted again, with its address copies sealed by the
key of the new owner.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.orders.recording import guest_hash
from app.customers.orders.records import AddressCopies, OrderRow, open_copies, row_of, seal_copies
from app.customers.orders.tables import Order, OrderNumber
from app.platform.clock import now
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.vault import Vault


async def attach(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID, email_canonical: str
) -> list[OrderRow]:
    """Attach the orders of a guest to a locked customer who has verified the email address.

    `discard_spent_keys` destroys the orders' own keys.
    """
    hashed = guest_hash(vault, organization_id=organization_id, email_canonical=email_canonical)
    found = select(Order.id).where(Order.organization_id == organization_id, Order.guest_hash == hashed)
    order_ids = (await session.exec(found.order_by(col(Order.id)))).all()
    orders = [order for one in order_ids if (order := await _lock_guest_order(session, one, hashed))]
    ciphers = await vault.ciphers([order.id for order in orders if order.sealed])
    moved = [await _to_customer(session, vault, order, customer_id, ciphers.get(order.id)) for order in orders]
    await session.flush()
    return [row_of(order) for order in moved]


async def detach(
    session: AsyncSession,
    vault: Vault,
    *,
    customer_id: UUID,
    attached: Collection[UUID],
    since: datetime,
    email_canonical: str,
) -> list[OrderRow]:
    """Make orders of a locked customer a guest's again: those `attached` and those recorded `since`.

    Return them as they were.
    """
    statement = (
        select(Order)
        .where(Order.customer_id == customer_id, Order.owner_id == customer_id)
        .where(or_(col(Order.id).in_(attached), col(Order.created_at) >= since))
    )
    orders = (await session.exec(statement.order_by(col(Order.id)).with_for_update())).all()
    before = [row_of(order) for order in orders]
    # What is left of the keys that they had before they were attached.
    await vault.discard_keys([order.id for order in orders])
    cipher = (await vault.ciphers([customer_id])).get(customer_id)
    for order in orders:
        hashed = guest_hash(vault, organization_id=order.organization_id, email_canonical=email_canonical)
        await _to_guest(session, vault, order, hashed, cipher)
    await session.flush()
    return before


async def _lock_guest_order(session: AsyncSession, order_id: UUID, hashed: bytes) -> Order | None:
    """The locked order; None when another transaction has moved it."""
    row = await session.get(Order, (order_id, order_id), with_for_update=True, populate_existing=True)
    return row if row is not None and row.guest_hash == hashed else None


async def _to_customer(
    session: AsyncSession, vault: Vault, order: Order, customer_id: UUID, cipher: DataKeyCipher | None
) -> Order:
    copies = open_copies(order, cipher)
    sealed = None if copies == AddressCopies() else seal_copies(copies, order.id, await vault.cipher(customer_id))
    values = {"customer_id": customer_id, "guest_hash": None, "spent_key_id": order.id, "sealed": sealed}
    return await _move(session, order, owner_id=customer_id, **values)


async def _to_guest(
    session: AsyncSession, vault: Vault, order: Order, hashed: bytes, cipher: DataKeyCipher | None
) -> Order:
    copies, sealed = open_copies(order, cipher), None
    if copies != AddressCopies():
        own_key = await vault.create_key(order.id, organization_id=order.organization_id)
        sealed = seal_copies(copies, order.id, own_key)
    values = {"customer_id": None, "guest_hash": hashed, "spent_key_id": None, "sealed": sealed}
    return await _move(session, order, owner_id=order.id, **values)


async def _move(session: AsyncSession, order: Order, *, owner_id: UUID, **values: Any) -> Order:
    row = Order(**{**order.model_dump(), **values, "owner_id": owner_id, "updated_at": now()})
    await session.delete(order)
    session.add(row)
    number = await session.get_one(OrderNumber, (order.organization_id, order.number), populate_existing=True)
    number.owner_id = owner_id
    session.add(number)
    return row
