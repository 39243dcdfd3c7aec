"""Tables that workers take from: what is due, without one waiting for another."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy
from sqlalchemy import bindparam
from sqlmodel import SQLModel, col, select

from app.platform.db.engine import Database
from app.platform.db.reading import Read

Row = TypeVar("Row", bound=SQLModel)


class _Id(NamedTuple):
    id: UUID


class Queue(Generic[Row]):
    """The rows of a table that meet the `conditions`, each due at the moment in its column `due_at`."""

    def __init__(self, table: type[Row], due_at: Any, *conditions: Any) -> None:
        """Keep the statements; `table` has a column `id`."""
        is_due = (*conditions, col(due_at) <= bindparam("moment"))
        self._any_due = Read(sqlalchemy.select(table.id).where(*is_due).limit(1), _Id._make)  # type: ignore[attr-defined]
        self._oldest = select(table).where(*is_due).order_by(col(due_at)).with_for_update(skip_locked=True)

    @asynccontextmanager
    async def lock_due(self, database: Database, *, moment: datetime, limit: int) -> AsyncIterator[Sequence[Row]]:
        """The oldest rows that are due, at most `limit`, locked for the length of the block; others skip them.

        The block says in the rows that they are taken, best by a later moment: whoever dies with them leaves them due.
        """
        # A look takes no lock, and most rounds end here: a transaction would make other writers of SQLite wait.
        if await database.row(self._any_due, moment=moment) is None:
            yield []
            return
        async with database.transaction() as session:
            yield (await session.exec(self._oldest.limit(limit).params(moment=moment))).all()
