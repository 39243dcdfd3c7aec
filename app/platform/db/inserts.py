"""INSERT … ON CONFLICT: the unique index decides, without a SELECT before the INSERT."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession


async def insert_if_absent(session: AsyncSession, table: type[SQLModel], **values: Any) -> bool:
    """Insert the row unless a unique index already has an equal one; return whether it was inserted."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return bool((await session.exec(insert(table).values(**values).on_conflict_do_nothing())).rowcount)


async def insert_or_replace(
    session: AsyncSession, table: type[SQLModel], key: Mapping[str, Any], **values: Any
) -> None:
    """Insert the row with this primary key, or set these values of the one that is there."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).values(**key, **values)
    await session.exec(statement.on_conflict_do_update(index_elements=list(key), set_=values))
