"""Work queues: tables from which several workers take due rows, with FOR UPDATE SKIP LOCKED.

    lock_due        looks, without a transaction and without a lock, whether any row is due; usually it stops here
                    then locks the oldest due rows in one transaction and skips those that another worker holds
    in the block    the caller moves `due_at` into the future: the lease; the commit at the end releases the locks
    worker dies     before the commit: the rows are still due; after it: they are due again when the lease ends

So a row is handed out at least once, and to one worker at a time for as long as the lease lasts.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy
from sqlalchemy import bindparam
from sqlmodel import SQLModel, col, select

from app.platform.db.engine import Database
from app.platform.db.locks import NO_KEY
from app.platform.db.reading import Read

Row = TypeVar("Row", bound=SQLModel)


# Read beyond the limit, as other workers may have locked the oldest rows.
SPARE_KEYS = 64


FIRST_RETRY_DELAY = timedelta(seconds=10)
MAX_RETRY_DELAY = timedelta(hours=1)


def retry_delay(attempts: int) -> timedelta:
    """How long a row waits after so many attempts that failed: 10 s, 20 s, 40 s … at most an hour."""
    doubled: int = 2 ** min(attempts - 1, 16)
    return min(FIRST_RETRY_DELAY * doubled, MAX_RETRY_DELAY)


class _Key(NamedTuple):
    owner_id: UUID
    id: UUID


class Queue(Generic[Row]):
    """The rows of a table that meet `conditions`, each due at the time in its column `due_at`."""

    def __init__(self, table: type[Row], due_at: Any, *conditions: Any) -> None:
        """Prepare the statements; the primary key of `table` is the owner and the id of a row."""
        is_due = (*conditions, col(due_at) <= bindparam("moment"))
        owner, row_id = (col(getattr(table, column.name)) for column in sqlalchemy.inspect(table).primary_key)
        oldest_first = sqlalchemy.select(owner, row_id).where(*is_due).order_by(col(due_at))
        self._due_keys = Read(oldest_first.limit(bindparam("limit")), _Key._make)
        self._row = (
            select(table)
            .where(owner == bindparam("owner_id"), row_id == bindparam("row_id"), *is_due)
            .with_for_update(skip_locked=True, **NO_KEY)
        )

    @asynccontextmanager
    async def lock_due(self, database: Database, *, moment: datetime, limit: int) -> AsyncIterator[Sequence[Row]]:
        """The oldest due rows, at most `limit`, locked until the block ends; other workers skip them.

        The block must take a lease by moving `due_at` of every row. If it raises, the rows stay due.
        """
        # The first look takes no lock: on SQLite a transaction would make all other writers wait.
        keys = await database.rows(self._due_keys, moment=moment, limit=limit + SPARE_KEYS)
        if not keys:
            yield []
            return
        async with database.transaction() as session:
            rows: list[Row] = []
            for key in keys:
                found = self._row.params(owner_id=key.owner_id, row_id=key.id, moment=moment)
                rows += (await session.exec(found)).all()
                if len(rows) == limit:
                    break
            yield rows
