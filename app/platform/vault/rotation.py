"""Rotation: wraps every key again with the newest master version. Sealed values do not change."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from app.platform.db.engine import Database
from app.platform.vault.master import MasterKey
from app.platform.vault.tables import PersonKey, SystemKey

BATCH = 500


async def rewrap(keystore: Database, master: MasterKey, *, progress: Callable[[int], None] = lambda _: None) -> int:
    """Wrap all keys with `master.version`, in short transactions; return how many were wrapped.

    It can be stopped and started again at any time. Processes that know both versions are not affected.
    """
    done = 0
    for table, identity in ((PersonKey, "person_id"), (SystemKey, "id")):
        while count := await _rewrap_batch(keystore, master, table, identity):
            done += count
            progress(done)
    return done


async def _rewrap_batch(keystore: Database, master: MasterKey, table: Any, identity: str) -> int:
    outdated = (
        select(table)
        .where(col(table.master_version) != master.version)
        .order_by(getattr(table, identity))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    async with keystore.transaction() as session:
        rows = (await session.exec(outdated)).all()
        for row in rows:
            row_id: UUID = getattr(row, identity)
            key = master.unwrap(row.wrapped, subject=row_id.hex, version=row.master_version)
            row.wrapped = master.wrap(key, subject=row_id.hex)
            row.master_version = master.version
            session.add(row)
    return len(rows)
