"""Backfills: fill a new column in batches, by a job of the worker, between an expand and a contract step."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, inspect, select, tuple_, update
from sqlmodel import SQLModel

from app.platform.db.engine import Database

BATCH_SIZE = 500


async def backfill(
    database: Database,
    table: type[SQLModel],
    *,
    pending: ColumnElement[bool],
    values: Mapping[str, Any],
    batch_size: int = BATCH_SIZE,
) -> int:
    """Set `values` (expressions of the row) in all rows that are `pending`; return how many there were.

    Each batch is a transaction of its own; rows that somebody else holds are skipped, and found by the next run. So the
    contract step may follow once a run returned 0. `values` must make a row not `pending` any more.
    """
    key = list(inspect(table).primary_key)
    batch = select(*key).where(pending).limit(batch_size).with_for_update(skip_locked=True)
    statement = update(table).where(tuple_(*key).in_(batch)).values(values)
    total = 0
    while True:
        async with database.transaction() as session:
            done = (await (await session.connection()).execute(statement)).rowcount
        total += done
        if done < batch_size:
            return total
