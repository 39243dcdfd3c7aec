"""Maps a customer to its id at a gateway; the id is created when the customer first needs it."""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy
from sqlalchemy import and_, bindparam, column, select, table
from sqlmodel import col

from app.customers.payment_methods import attempts
from app.customers.payment_methods.attempts import AttemptKind, AttemptPayload, NewAttempt
from app.customers.payment_methods.gateways.interface import Gateway
from app.customers.payment_methods.tables import GatewayCustomer
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.inserts import insert_if_absent
from app.platform.db.locks import lock_customer
from app.platform.db.reading import Read
from app.platform.errors import NotFound
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.vault import Store

TABLE = "gateway_customers"

# By name: `payment_methods` is below the package that defines the table of customers.
_customers = table(
    "customers",
    column("id", sqlalchemy.Uuid),
    column("organization_id", sqlalchemy.Uuid),
    column("shopper_reference", sqlalchemy.String),
    column("erased_at"),
)


class _ShopperRow(NamedTuple):
    shopper_reference: str
    row_id: UUID | None
    sealed: bytes | None


class CustomerNotFound(NotFound):
    """The organization has no such customer, or the customer was erased."""

    message = "There is no customer with this id."
    field = ("customerId",)


_SHOPPER = Read(
    select(_customers.c.shopper_reference, col(GatewayCustomer.id), col(GatewayCustomer.sealed))
    .select_from(_customers)
    .outerjoin(
        GatewayCustomer,
        and_(col(GatewayCustomer.customer_id) == _customers.c.id, col(GatewayCustomer.gateway) == bindparam("gateway")),
    )
    .where(
        _customers.c.id == bindparam("customer_id"),
        _customers.c.organization_id == bindparam("organization_id"),
        _customers.c.erased_at.is_(None),
    ),
    _ShopperRow._make,
)


def open_gateway_customer(row: GatewayCustomer | _ShopperRow, cipher: DataKeyCipher) -> str:
    """The decrypted id of the customer at the gateway."""
    row_id = row.id if isinstance(row, GatewayCustomer) else row.row_id
    assert row_id is not None and row.sealed is not None  # noqa: S101, PT018 - the caller has checked
    return str(cipher.open(TABLE, row_id, row.sealed))


async def get_or_create_gateway_customer(
    store: Store, gateway: Gateway, *, organization_id: UUID, customer_id: UUID
) -> str:
    """The id of a customer at the gateway, created there if needed. No transaction may be open.

    Raise `CustomerNotFound`, `GatewayDeclined`, `GatewayUnavailable`.
    """
    shopper = await store.database.row(
        _SHOPPER, organization_id=organization_id, customer_id=customer_id, gateway=gateway.name
    )
    if shopper is None:
        raise CustomerNotFound
    cipher = await store.vault.cipher(customer_id)
    if shopper.sealed:
        return open_gateway_customer(shopper, cipher)
    gateway_customer = await gateway.create_customer(
        # One key for each customer: concurrent calls, or a call whose answer was lost, create only one.
        shopper_reference=shopper.shopper_reference,
        idempotency_key=f"customer-{customer_id.hex}",
    )
    row_id = new_id()
    row = GatewayCustomer(
        id=row_id,
        organization_id=organization_id,
        customer_id=customer_id,
        gateway=gateway.name,
        sealed=cipher.seal(TABLE, row_id, gateway_customer),
        created_at=now(),
    )
    if not await _save(store, row, gateway_customer):
        raise CustomerNotFound
    return gateway_customer


async def _save(store: Store, row: GatewayCustomer, gateway_customer: str) -> bool:
    """Write the row; False when the customer was erased meanwhile: then a DELETE_CUSTOMER attempt is written."""
    async with store.database.transaction() as session:
        if await lock_customer(session, organization_id=row.organization_id, customer_id=row.customer_id):
            await insert_if_absent(session, GatewayCustomer, **row.model_dump())
            return True
        new_attempt = NewAttempt(
            kind=AttemptKind.DELETE_CUSTOMER,
            gateway=row.gateway,
            payload=AttemptPayload(gateway_customer=gateway_customer),
        )
        attempts.add(session, store.vault, row, new_attempt)
        return False
