"""Reads addresses, and erases those of a customer."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.addresses.records import COLUMNS, AddressRecord, AddressRow, open_row
from app.customers.addresses.tables import Address
from app.platform.db.reading import Read, any_of
from app.platform.vault.vault import Store

_OF_CUSTOMERS = Read(
    select(*COLUMNS)
    .where(Address.organization_id == bindparam("organization_id"), any_of(Address.customer_id, "ids"))
    .order_by(col(Address.created_at), col(Address.id)),
    AddressRow._make,
)


async def of_customers(store: Store, organization_id: UUID, ids: Sequence[UUID]) -> list[list[AddressRecord]]:
    """The addresses of each of these customers, oldest first."""
    rows = await store.database.rows(_OF_CUSTOMERS, organization_id=organization_id, ids=ids)
    found: dict[UUID, list[AddressRecord]] = defaultdict(list)
    for record in await _open_rows(store, rows):
        found[record.row.customer_id].append(record)
    return [found[one] for one in ids]


async def _open_rows(store: Store, rows: list[AddressRow]) -> list[AddressRecord]:
    """The records of rows; rows of customers whose key was destroyed are left out."""
    ciphers = await store.vault.ciphers({row.customer_id for row in rows})
    return [open_row(row, ciphers[row.customer_id]) for row in rows if row.customer_id in ciphers]


async def rows_of(session: AsyncSession, *, organization_id: UUID, customer_id: UUID) -> list[Address]:
    """The rows of a customer, whom the caller has locked, oldest first."""
    statement = (
        select(Address)
        .where(Address.organization_id == organization_id, Address.customer_id == customer_id)
        .order_by(col(Address.created_at), col(Address.id))
    )
    return list((await session.exec(statement)).all())


async def erase(session: AsyncSession, *, customer_id: UUID) -> int:
    """Delete all addresses of a customer; idempotent. Return how many there were."""
    return (await session.exec(delete(Address).where(col(Address.customer_id) == customer_id))).rowcount


async def export(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[dict[str, object]]:
    """All stored data of a customer's addresses, for the customer to read."""
    (records,) = await of_customers(store, organization_id, [customer_id])
    return [record.exported() for record in records]
