"""Reads payment methods, and erases those of a customer."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.payment_methods import attempts
from app.customers.payment_methods.attempts import AttemptKind, AttemptPayload, NewAttempt
from app.customers.payment_methods.gateway_customers import open_gateway_customer
from app.customers.payment_methods.records import COLUMNS, PaymentMethodRecord, PaymentMethodRow, open_row, open_rows
from app.customers.payment_methods.tables import GatewayCustomer, PaymentMethod
from app.platform.db.reading import Read, any_of
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.vault import Store, Vault

TOKEN_HASH_PURPOSE = "gateway-token"


class Owner(NamedTuple):
    """The owner of a payment method."""

    organization_id: UUID
    customer_id: UUID


_OF_CUSTOMERS = Read(
    select(*COLUMNS)
    .where(PaymentMethod.organization_id == bindparam("organization_id"), any_of(PaymentMethod.customer_id, "ids"))
    .order_by(col(PaymentMethod.id)),
    PaymentMethodRow._make,
)
_BY_TOKEN = Read(
    select(PaymentMethod.organization_id, PaymentMethod.customer_id).where(  # type: ignore[arg-type]
        PaymentMethod.token_hash == bindparam("token_hash")
    ),
    Owner._make,
)


def token_hash(vault: Vault, gateway: str, token: str) -> bytes:
    """The keyed hash by which a row is found when a gateway's event names the token."""
    return vault.fingerprints.compute(TOKEN_HASH_PURPOSE, f"{gateway}:{token}")


async def of_customers(store: Store, organization_id: UUID, ids: Sequence[UUID]) -> list[list[PaymentMethodRecord]]:
    """The payment methods of each of these customers, oldest first."""
    rows = await store.database.rows(_OF_CUSTOMERS, organization_id=organization_id, ids=ids)
    found: dict[UUID, list[PaymentMethodRecord]] = defaultdict(list)
    for record in open_rows(rows, await store.vault.ciphers({row.customer_id for row in rows})):
        found[record.row.customer_id].append(record)
    return [found[one] for one in ids]


async def owners_of_token(store: Store, *, hashed: bytes) -> list[Owner]:
    """The customers who have saved the instrument with this token hash."""
    return await store.database.rows(_BY_TOKEN, token_hash=hashed)


async def rows_of(session: AsyncSession, *, organization_id: UUID, customer_id: UUID) -> list[PaymentMethod]:
    """The rows of a customer, whom the caller has locked, oldest first."""
    statement = (
        select(PaymentMethod)
        .where(PaymentMethod.organization_id == organization_id, PaymentMethod.customer_id == customer_id)
        .order_by(col(PaymentMethod.id))
    )
    return list((await session.exec(statement)).all())


async def is_saved(session: AsyncSession, *, customer_id: UUID, hashed: bytes) -> bool:
    """Whether a locked customer has saved the instrument with this token hash."""
    statement = select(PaymentMethod.id).where(
        PaymentMethod.customer_id == customer_id, PaymentMethod.token_hash == hashed
    )
    return (await session.exec(statement)).first() is not None


async def erase(session: AsyncSession, vault: Vault, *, customer_id: UUID) -> int:
    """Delete all payment methods of a customer, whom the caller has locked; idempotent. Return how many there were.

    The reconciler then informs the gateways; it does not need the customer's key. Without the key (after a restore of
    a backup) no attempt is written: the first erasure has informed the gateways.
    """
    methods = (await session.exec(select(PaymentMethod).where(PaymentMethod.customer_id == customer_id))).all()
    customers = (await session.exec(select(GatewayCustomer).where(GatewayCustomer.customer_id == customer_id))).all()
    cipher = (await vault.ciphers([customer_id])).get(customer_id)
    if cipher is not None:
        for method in methods:
            request_detach(session, vault, method, cipher)
        for customer in customers:
            payload = AttemptPayload(gateway_customer=open_gateway_customer(customer, cipher))
            attempts.add(
                session,
                vault,
                customer,
                NewAttempt(kind=AttemptKind.DELETE_CUSTOMER, gateway=customer.gateway, payload=payload),
            )
    await session.exec(delete(GatewayCustomer).where(col(GatewayCustomer.customer_id) == customer_id))
    await session.exec(delete(PaymentMethod).where(col(PaymentMethod.customer_id) == customer_id))
    return len(methods)


def request_detach(session: AsyncSession, vault: Vault, method: PaymentMethod, cipher: DataKeyCipher) -> None:
    """Write a DETACH attempt for a row that is about to be deleted."""
    payload = AttemptPayload(token=open_row(method, cipher).token)
    new_attempt = NewAttempt(
        kind=AttemptKind.DETACH, gateway=method.gateway, payload=payload, token_hash=method.token_hash
    )
    attempts.add(session, vault, method, new_attempt)


async def export(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[dict[str, object]]:
    """All stored data of a customer's payment methods, for the customer to read; without tokens."""
    (found,) = await of_customers(store, organization_id, [customer_id])
    return [record.exported() for record in found]
