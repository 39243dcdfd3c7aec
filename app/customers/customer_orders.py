"""Writes orders and keeps the customer's number of placed orders, from which its status is derived."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers
from app.customers.identifiers import IdentifierKind
from app.customers.orders import moving, recording
from app.customers.orders.contents import OrderContents
from app.customers.orders.recording import OrderOwner
from app.customers.orders.records import OrderRow, OrderStatus
from app.customers.records import REPEAT_MIN_ORDERS, status_of
from app.customers.repository import LockedCustomer
from app.customers.tables import Customer
from app.platform.audit.log import Action, record, record_system_event
from app.platform.db.locks import lock_customer
from app.platform.errors import NotFound
from app.platform.principal import RequestOrigin
from app.platform.values import EmailAddress
from app.platform.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class RecordedOrder:
    """An order, and whether this call created it."""

    order: OrderRow
    created: bool


async def record_order(
    session: AsyncSession,
    vault: Vault,
    origin: RequestOrigin,
    *,
    buyer: UUID | EmailAddress,
    number: str,
    contents: OrderContents,
) -> RecordedOrder:
    """Record an order of a customer, or of a guest by email, once by its number.

    | Buyer                                           | The order belongs to                           |
    | ----------------------------------------------- | ---------------------------------------------- |
    | a customer's id                                 | that customer                                  |
    | an email that a customer has verified           | that customer                                  |
    | any other email                                 | nobody, until a customer verifies the address  |

    Lock order: the customer first, then the order. Raise `NotFound` for a customer the organization does not have,
    `OrderNumberConflict`.
    """
    organization_id = origin.principal.organization.id
    owner = await (
        _guest_owner(session, vault, organization_id=organization_id, email=buyer)
        if isinstance(buyer, EmailAddress)
        else _customer_owner(session, organization_id=organization_id, customer_id=buyer)
    )
    order, created = await recording.record(
        session, vault, organization_id=organization_id, owner=owner, number=number, contents=contents
    )
    if created:
        record(session, origin, Action.ORDER_RECORDED, customer_id=owner.customer_id, object_id=order.id)
        placed_orders_delta = int(contents.status.counts_as_placed)
        await _change_placed_orders(
            session, organization_id=organization_id, order=order, placed_orders_delta=placed_orders_delta
        )
    return RecordedOrder(order, created)


async def _customer_owner(session: AsyncSession, *, organization_id: UUID, customer_id: UUID) -> OrderOwner:
    if not await lock_customer(session, organization_id=organization_id, customer_id=customer_id):
        raise NotFound("There is no customer with this id.", field=("customerId",))
    return OrderOwner(f"customer:{customer_id.hex}", customer_id=customer_id)


async def _guest_owner(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, email: EmailAddress
) -> OrderOwner:
    hashed = recording.guest_hash(vault, organization_id=organization_id, email_canonical=email.canonical)
    buyer_key = f"guest:{hashed.hex()}"
    verified_id = await _verified_customer_id(session, vault, organization_id=organization_id, email=email)
    return OrderOwner(buyer_key, customer_id=verified_id) if verified_id else OrderOwner(buyer_key, guest_hash=hashed)


async def _verified_customer_id(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, email: EmailAddress
) -> UUID | None:
    name: dict[str, Any] = {
        "organization_id": organization_id,
        "kind": IdentifierKind.EMAIL,
        "canonical": email.canonical,
    }
    found = await identifiers.owner_id(session, vault, **name)
    # Lock, then read again: a concurrent verification either attaches this order, or waits for this transaction.
    if found is None or not await lock_customer(session, organization_id=organization_id, customer_id=found):
        return None
    verified = select(Customer.id).where(Customer.id == found, col(Customer.email_verified_at).is_not(None))
    if (await session.exec(verified)).first() is None:
        return None
    return found if await identifiers.owner_id(session, vault, **name) == found else None


async def change_order(
    session: AsyncSession,
    vault: Vault,
    origin: RequestOrigin,
    *,
    by: Mapping[str, Any],
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> OrderRow:
    """Change an order named by `order_id` or `number`; nothing is written when nothing differs.

    Lock order: the customer first, then the order. Raise `NotFound`, `Conflict`, `Invalid`.
    """
    organization_id = origin.principal.organization.id
    order = await recording.lock(session, organization_id=organization_id, **by)
    written = await recording.change(session, vault, order, changes=changes, expected_version=expected_version)
    if written.changed_fields:
        cancelled = "status" in written.changed_fields and written.row.status == OrderStatus.CANCELLED.value
        action = Action.ORDER_CANCELLED if cancelled else Action.ORDER_UPDATED
        customer_id = written.row.customer_id
        record(
            session, origin, action, customer_id=customer_id, object_id=written.row.id, fields=written.changed_fields
        )
        await _change_placed_orders(
            session, organization_id=organization_id, order=written.row, placed_orders_delta=written.placed_orders_delta
        )
    return written.row


async def attach_guest_orders(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID, email_canonical: str
) -> list[UUID]:
    """Attach the orders of a guest to the customer who has just verified the email address; return their ids.

    To be called in the transaction that sets `email_verified_at`. Idempotent.
    """
    if not await lock_customer(session, organization_id=organization_id, customer_id=customer_id):
        return []
    orders = await moving.attach(
        session, vault, organization_id=organization_id, customer_id=customer_id, email_canonical=email_canonical
    )
    for order in orders:
        record_system_event(
            session,
            Action.ORDER_ATTACHED,
            organization_id=organization_id,
            customer_id=customer_id,
            object_id=order.id,
        )
        await _change_placed_orders(
            session,
            organization_id=organization_id,
            order=order,
            placed_orders_delta=int(OrderStatus(order.status).counts_as_placed),
        )
    return [order.id for order in orders]


async def detach_orders(
    session: AsyncSession, vault: Vault, customer: LockedCustomer, *, attached: Collection[UUID], since: datetime
) -> int:
    """Make orders of a locked customer those of a guest with its present address; return how many.

    They are those that were `attached`, and those that were recorded `since`. It is for somebody who loses the account
    again: whoever has the address then keeps them.
    """
    if customer.personal.email is None:
        return 0
    row, canonical = customer.row, EmailAddress.parse(customer.personal.email).canonical
    orders = await moving.detach(
        session, vault, customer_id=row.id, attached=attached, since=since, email_canonical=canonical
    )
    for order in orders:
        counted = int(OrderStatus(order.status).counts_as_placed)
        await _change_placed_orders(
            session, organization_id=row.organization_id, order=order, placed_orders_delta=-counted
        )
    return len(orders)


async def attach_guest_orders_of(session: AsyncSession, vault: Vault, customer: LockedCustomer) -> list[UUID]:
    """Attach the guest orders of a locked customer whose present address was just verified; return their ids."""
    if customer.personal.email is None:
        return []
    return await attach_guest_orders(
        session,
        vault,
        organization_id=customer.row.organization_id,
        customer_id=customer.row.id,
        email_canonical=EmailAddress.parse(customer.personal.email).canonical,
    )


async def _change_placed_orders(
    session: AsyncSession, *, organization_id: UUID, order: OrderRow, placed_orders_delta: int
) -> None:
    """Change the number of placed orders of the order's locked customer, and audit a change of its status.

    | Change of the order                       | Placed orders | From and to    | Audited                   |
    | ----------------------------------------- | ------------- | -------------- | ------------------------- |
    | recorded or attached as PLACED, FULFILLED | + 1           | 0 to 1         | `CUSTOMER_ACQUIRED`       |
    | PENDING to PLACED or FULFILLED            | + 1           | 1 to 2         | `CUSTOMER_REPEAT`         |
    | PLACED or FULFILLED to CANCELLED          | - 1           | 2 to 1, 1 to 0 | `CUSTOMER_STATUS_LOWERED` |
    | any other                                 | unchanged     |                | nothing                   |

    The first two rows each lead to either number; from two orders on a further one does not change the status.
    """
    if not placed_orders_delta or order.customer_id is None:
        return
    statement = (
        update(Customer)
        .where(col(Customer.id) == order.customer_id, col(Customer.organization_id) == organization_id)
        .values(placed_orders=col(Customer.placed_orders) + placed_orders_delta)
        .returning(col(Customer.placed_orders))
    )
    placed: int = (await session.exec(statement)).scalar_one()
    action = _status_change_action(placed - placed_orders_delta, placed)
    if action is not None:
        record_system_event(
            session, action, organization_id=organization_id, customer_id=order.customer_id, object_id=order.id
        )


def _status_change_action(before: int, after: int) -> Action | None:
    if status_of(before) is status_of(after):
        return None
    if after < before:
        return Action.CUSTOMER_STATUS_LOWERED
    return Action.CUSTOMER_REPEAT if after >= REPEAT_MIN_ORDERS else Action.CUSTOMER_ACQUIRED
