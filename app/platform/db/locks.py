"""The row lock that serializes all writers of one customer, and the order in which locks are taken.

Every transaction takes its locks in this order, so that no two wait for each other:

    1  group          FOR KEY SHARE by a change that refers to it, FOR UPDATE by the one that deletes it
    2  customer       `lock_customer`, FOR UPDATE: before any write of what the customer owns
    3  what it owns   addresses, payment methods, orders, login sessions, requests: FOR UPDATE where a row is changed

Rows of a work queue (`queues.py`) are locked alone, in a short transaction that only takes the lease. SQLite has one
writer at a time and ignores row locks.
"""

from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import column, table
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

# FOR NO KEY UPDATE: no key changes, and rows that refer to the locked one may still be inserted.
NO_KEY: dict[str, Any] = {"key_share": True}
# Declared by name: this package may not import the table from `app.customers`.
_customers = table(
    "customers",
    column("id", sqlalchemy.Uuid),
    column("organization_id", sqlalchemy.Uuid),
    column("erased_at"),
)


async def lock_customer(session: AsyncSession, *, organization_id: UUID, customer_id: UUID) -> bool:
    """Lock the customer's row until the transaction ends, so that all writers of what it owns run one after the other.

    Return False, and lock nothing, when the organization has no such customer or its data was erased.
    """
    statement = (
        select(_customers.c.id)
        .where(_customers.c.id == customer_id, _customers.c.organization_id == organization_id)
        .where(_customers.c.erased_at.is_(None))
        .with_for_update(**NO_KEY)
    )
    return (await session.exec(statement)).first() is not None
