"""Repository of key versions: which is current, which a row still needs, which were destroyed.

| State     | Columns                                   | Wraps | Unwraps |
|-----------|-------------------------------------------|-------|---------|
| current   | `replaced_at` null                        | yes   | yes     |
| replaced  | `replaced_at`; `rewrapped_at` when no row needs it | no | yes |
| retiring  | `retiring_at`                             | no    | no      |
| destroyed | `destroyed_at`, `wrapped` null            | no    | no      |
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy
from sqlalchemy import exists, literal_column, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.db.engine import Database
from app.platform.db.inserts import insert_if_absent
from app.platform.db.reading import Read
from app.platform.db.writing import Write, execute
from app.platform.vault.tables import KeyVersion, PersonKey, SystemKey


class VersionRow(NamedTuple):
    """A key version; `needed`: a row of the key store is wrapped by it, or the next one will be."""

    version: int
    provider: str
    wrapped: bytes | None
    created_at: datetime
    replaced_at: datetime | None
    rewrapped_at: datetime | None
    retiring_at: datetime | None
    destroyed_at: datetime | None
    needed: bool

    @property
    def state(self) -> str:
        """`current`, `replaced`, `retiring` or `destroyed`."""
        if self.destroyed_at is not None:
            return "destroyed"
        if self.retiring_at is not None:
            return "retiring"
        return "current" if self.replaced_at is None else "replaced"


def all_destroyed_at(rows: Iterable[VersionRow], *, version: int) -> datetime | None:
    """When the last of the versions up to this one was destroyed; None while there is one."""
    moments = [row.destroyed_at for row in rows if row.version <= version]
    destroyed = [moment for moment in moments if moment is not None]
    return max(destroyed) if destroyed and len(destroyed) == len(moments) else None


class _Version(NamedTuple):
    version: int


class _Count(NamedTuple):
    version: int
    rows: int


_HAS_ROWS = or_(
    exists(literal_column("1")).where(col(PersonKey.master_version) == KeyVersion.version).correlate(KeyVersion),
    exists(literal_column("1")).where(col(SystemKey.master_version) == KeyVersion.version).correlate(KeyVersion),
)
_COLUMNS = [getattr(KeyVersion, name) for name in VersionRow._fields[:-1]]
_ALL = Read(
    sqlalchemy.select(*_COLUMNS, or_(col(KeyVersion.replaced_at).is_(None), _HAS_ROWS)).order_by(
        col(KeyVersion.version)
    ),
    VersionRow._make,
)
_COUNTS = [
    Read(sqlalchemy.select(column, sqlalchemy.func.count()).group_by(column), _Count._make)  # type: ignore[arg-type]
    for column in (col(PersonKey.master_version), col(SystemKey.master_version))
]
_LOCK_CURRENT = Write(
    sqlalchemy.select(col(KeyVersion.version)).where(col(KeyVersion.replaced_at).is_(None)).with_for_update(read=True),
    _Version._make,
)


async def count_rows(keystore: Database) -> dict[int, int]:
    """How many keys each version wraps; it reads the whole index."""
    counts: dict[int, int] = {}
    for read in _COUNTS:
        for version, count in await keystore.rows(read):
            counts[version] = counts.get(version, 0) + count
    return counts


async def all_versions(keystore: Database) -> list[VersionRow]:
    """All versions there ever were, oldest first."""
    return await keystore.rows(_ALL)


async def lock_current(session: AsyncSession) -> int:
    """The current version; until the transaction ends no other one becomes current."""
    ((version,),) = await execute(session, _LOCK_CURRENT)
    return version


async def make_current(session: AsyncSession, *, version: int, provider: str, wrapped: bytes, moment: datetime) -> bool:
    """Make a new version the current one; False when another process did.

    It waits for the transactions that are storing a key wrapped by the old version.
    """
    current = select(KeyVersion).where(col(KeyVersion.replaced_at).is_(None)).with_for_update()
    for old in (await session.exec(current)).all():
        if old.version >= version:
            return False
        old.replaced_at = moment
        session.add(old)
    await session.flush()
    return await insert_if_absent(
        session, KeyVersion, version=version, provider=provider, wrapped=wrapped, created_at=moment
    )
