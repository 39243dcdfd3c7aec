"""Sweeps: delete rows that nobody needs any more, in small transactions beside the normal work."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy
from sqlalchemy import bindparam, delete
from sqlmodel import SQLModel, col

from app.platform.db.engine import Database
from app.platform.db.reading import Read
from app.platform.db.writing import Write, execute_many

BATCH_SIZE = 500


class _Key(NamedTuple):
    owner_id: UUID
    row_id: UUID


class Sweep:
    """Deletes the rows of a table, whose primary key is an owner and an id, that meet `conditions`.

    The conditions may have parameters, and an index should serve them. `belonging` are tables whose rows go first: each
    as the table and its two columns that refer to the owner and the id. Rows are looked for without a lock, and each is
    deleted by its owner if it still meets the conditions, at most `BATCH_SIZE` in one transaction.
    """

    def __init__(
        self, table: type[SQLModel], *conditions: Any, belonging: Sequence[tuple[type[SQLModel], Any, Any]] = ()
    ) -> None:
        """Prepare the statements."""
        owner, row_id = (col(getattr(table, column.name)) for column in sqlalchemy.inspect(table).primary_key)
        found = sqlalchemy.select(owner, row_id).where(*conditions).limit(bindparam("limit"))
        self._keys = Read(found, _Key._make)
        of_row = [(its_table, col(its_owner), col(its_id), ()) for its_table, its_owner, its_id in belonging]
        self._deletes: list[Write[Any]] = [
            Write(delete(each).where(its_owner == bindparam("owner_id"), its_id == bindparam("row_id"), *again))
            for each, its_owner, its_id, again in [*of_row, (table, owner, row_id, conditions)]
        ]

    async def run(self, database: Database, **parameters: object) -> int:
        """Delete until none is left; return how many rows."""
        swept, keys = 0, await self._look(database, parameters)
        while keys:
            rows = [{**parameters, **key._asdict()} for key in keys]
            async with database.transaction() as session:
                for write in self._deletes:
                    await execute_many(session, write, rows)
            swept += len(keys)
            keys = await self._look(database, parameters) if len(keys) == BATCH_SIZE else []
        return swept

    async def _look(self, database: Database, parameters: dict[str, object]) -> list[_Key]:
        return await database.rows(self._keys, limit=BATCH_SIZE, **parameters)
