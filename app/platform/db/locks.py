"""Locks that order the writers of one customer."""

from uuid import UUID

import sqlalchemy
from sqlalchemy import column, table
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

# By name: the rooms that need this stand below the room the table belongs to.
_customers = table(
    "customers",
    column("id", sqlalchemy.Uuid),
    column("organization_id", sqlalchemy.Uuid),
    column("erased_at"),
)


async def lock_customer(session: AsyncSession, *, organization_id: UUID, customer_id: UUID) -> bool:
    """Make all who write what this customer owns queue up until the transaction ends.

    False when the organization has no such customer, or its data was erased: then nothing is locked.
    SQLite has one writer at a time anyway and ignores the lock.
    """
    statement = (
        select(_customers.c.id)
        .where(_customers.c.id == customer_id, _customers.c.organization_id == organization_id)
        .where(_customers.c.erased_at.is_(None))
        .with_for_update()
    )
    return (await session.exec(statement)).first() is not None
