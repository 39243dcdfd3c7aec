"""Reads and moves the customers and markets of a group; by table name, as both packages are above this one."""

from uuid import UUID

import sqlalchemy
from sqlalchemy import column, table, update
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

_REFERENCES = tuple(
    table(name, column("id", sqlalchemy.Uuid), column("group_id", sqlalchemy.Uuid)) for name in ("customers", "markets")
)


async def in_use(session: AsyncSession, *, group_id: UUID) -> bool:
    """Whether any customer or market belongs to the group."""
    for one in _REFERENCES:
        statement = select(one.c.id).where(one.c.group_id == group_id).limit(1)
        if (await session.exec(statement)).first():
            return True
    return False


async def reassign(session: AsyncSession, *, group_id: UUID, to: UUID) -> int:
    """Move all customers and markets of a group to another group; return how many customers there were.

    The versions of the customers stay, so that concurrent edits of profiles get no conflict.
    """
    moved = [
        (await session.exec(update(one).where(one.c.group_id == group_id).values(group_id=to))).rowcount
        for one in _REFERENCES
    ]
    return moved[0]
