"""Rotation: makes a new key version current, and wraps every key again with it. Sealed values do not change.

start        a new version is current from one moment on, for all processes; an unfinished rotation is finished first
re-wrapping  in key order, in short transactions; each key is read once. Stopped anywhere, it starts again at the
first key and passes over those that are done
end          when no key of an older version is left: then these versions have `rewrapped_at`
beside it    new keys are of the new version; a key that is destroyed meanwhile stays destroyed
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import bindparam, column, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import LargeBinary, Uuid
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.clock import now
from app.platform.db.engine import Database
from app.platform.db.reading import Read
from app.platform.vault import versions
from app.platform.vault.providers import MasterKeyError
from app.platform.vault.ring import KeyRing
from app.platform.vault.tables import KeyVersion, PersonKey, SystemKey
from app.platform.vault.versions import VersionRow
from app.platform.vault.wrapping import unwrap, wrap

BATCH = 1000
log = structlog.get_logger(__name__)
# Two rotations at the same time take turns; a lock of rows would be written twice.
_ADVISORY_LOCK = text("SELECT pg_advisory_xact_lock(7274670)")


class _KeyRow(NamedTuple):
    id: UUID
    wrapped: bytes
    master_version: int


class _Table(NamedTuple):
    """The statements that re-wrap one table."""

    outdated: Read[_KeyRow]
    update_one: Any
    update_many: Any


def _statements(table: Any, identity: Any) -> _Table:
    rows = (
        func.unnest(bindparam("ids", type_=ARRAY(Uuid)), bindparam("keys", type_=ARRAY(LargeBinary)))
        .table_valued(column("id", Uuid), column("wrapped", LargeBinary), name="rewrapped")
        .render_derived()
    )
    # The version is a condition, so a row that was changed or deleted meanwhile is left alone.
    outdated = col(table.master_version) < bindparam("current")
    return _Table(
        Read(
            select(identity, table.wrapped, table.master_version)
            .where(col(identity) > bindparam("after"), outdated)
            .order_by(col(identity))
            .limit(BATCH),
            _KeyRow._make,
        ),
        update(table)
        .where(col(identity) == bindparam("row_id"), outdated)
        .values(wrapped=bindparam("key"), master_version=bindparam("current")),
        update(table)
        .where(col(identity) == rows.c.id, outdated)
        .values(wrapped=rows.c.wrapped, master_version=bindparam("current")),
    )


_TABLES = (_statements(PersonKey, PersonKey.person_id), _statements(SystemKey, SystemKey.id))


class Unopenable(MasterKeyError):
    """Some keys could not be re-wrapped: their version is missing, or they are damaged. All others were."""


async def rotate(keystore: Database, ring: KeyRing, *, progress: Callable[[int], None] = lambda _: None) -> int:
    """Finish the rotation that is unfinished, or else make a new version current; re-wrap; return how many keys were.

    Raise `Unopenable` when a key is left that cannot be.
    """
    rows = await versions.all_versions(keystore)
    current = rows[-1].version
    if not is_unfinished(rows):
        await ring.add_version(current + 1)
    return await rewrap(keystore, ring, progress=progress)


def is_unfinished(rows: Sequence[VersionRow]) -> bool:
    """Whether a key of a replaced version is left."""
    return any(row.needed and row.replaced_at is not None for row in rows)


def is_due(rows: list[VersionRow], *, moment: datetime, interval: timedelta) -> bool:
    """Whether the current version has been in use for `interval`."""
    return rows[-1].created_at + interval <= moment


async def rewrap(keystore: Database, ring: KeyRing, *, progress: Callable[[int], None] = lambda _: None) -> int:
    """Wrap all keys with the current version; return how many were wrapped."""
    await ring.refresh()
    current, done, unopenable = ring.current, 0, Counter[int]()
    for table in _TABLES:
        after = UUID(int=0)
        while rows := await keystore.rows(table.outdated, after=after, current=current):
            after = rows[-1].id
            wrapped = await _wrap_again(ring, rows, current)
            await _write(keystore, table, wrapped, current)
            done += len(wrapped)
            unopenable.update(row.master_version for row in rows if row.id not in wrapped)
            progress(done)
    if unopenable:
        for version, count in sorted(unopenable.items()):
            log.error("keys_not_rewrapped", version=version, count=count)
        message = f"{unopenable.total()} keys could not be opened, and stay as they are. The log names the versions."
        raise Unopenable(message)
    await _record_end(keystore)
    return done


async def _wrap_again(ring: KeyRing, rows: list[_KeyRow], current: int) -> dict[UUID, bytes]:
    new = await ring.cipher(current)
    wrapped = {}
    for row in rows:
        subject = row.id.hex
        try:
            old = ring.loaded(row.master_version) or await ring.cipher(row.master_version)
            key = unwrap(old, row.wrapped, subject=subject, version=row.master_version)
        except MasterKeyError:
            continue
        wrapped[row.id] = wrap(new, key, subject=subject, version=current)
    return wrapped


async def _write(keystore: Database, table: _Table, wrapped: Mapping[UUID, bytes], current: int) -> None:
    if not wrapped:
        return
    async with keystore.transaction() as session:
        connection = await session.connection()
        if keystore.embedded:
            values = [{"row_id": id_, "key": key, "current": current} for id_, key in wrapped.items()]
            await connection.execute(table.update_one, values)
        else:
            await connection.execute(_ADVISORY_LOCK)
            await connection.execute(
                table.update_many, {"ids": list(wrapped), "keys": list(wrapped.values()), "current": current}
            )


async def _record_end(keystore: Database) -> None:
    """Mark the replaced versions that no key needs. No key of theirs can be stored any more, so this stays true."""
    free = [
        row.version
        for row in await versions.all_versions(keystore)
        if row.replaced_at is not None and row.rewrapped_at is None and not row.needed
    ]
    if free:
        async with keystore.transaction() as session:
            await _mark(session, free)


async def _mark(session: AsyncSession, free: list[int]) -> None:
    await session.exec(
        update(KeyVersion)
        .where(col(KeyVersion.version).in_(free), col(KeyVersion.rewrapped_at).is_(None))
        .values(rewrapped_at=now())
    )
