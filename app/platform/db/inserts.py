"""INSERT … ON CONFLICT DO NOTHING: the unique index decides, without a SELECT before the INSERT."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession


async def insert_if_absent(session: AsyncSession, table: type[SQLModel], **values: Any) -> bool:
    """Insert the row unless a unique index already has an equal one; return whether it was inserted."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return bool((await session.exec(insert(table).values(**values).on_conflict_do_nothing())).rowcount)
