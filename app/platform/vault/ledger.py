"""The ledger of erasures in the key store: it decides what becomes of each request, whatever the main database says.

The main database can be restored from a backup that does not know of a cancellation or of an erasure. So every step of
a request is written here first, in a transaction of its own, and only then in the main database:

| From      | To        | By                                       | Refused when                              |
| --------- | --------- | ---------------------------------------- | ----------------------------------------- |
|           | REQUESTED | `add_request`                            | the person has an open request: that one  |
| REQUESTED | CANCELLED | `cancel`; final                          | it is not REQUESTED                       |
| REQUESTED | STARTED   | `start`, by a worker that may now erase  | it is CANCELLED; a legal hold is in force |
| STARTED   | COMPLETED | `complete`, which destroys the keys too  |                                           |
|           | COMPLETED | `complete` of a deletion; never requested |                                          |

An open request is one that is REQUESTED or STARTED; a unique index allows a person one. Each step may be repeated.
"""

from collections.abc import Collection
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy
from sqlalchemy import bindparam, delete, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.clock import now
from app.platform.db.engine import Database
from app.platform.db.inserts import insert_if_absent
from app.platform.db.reading import Read, any_of, columns
from app.platform.vault import holds, versions
from app.platform.vault.epochs import keystore_epoch
from app.platform.vault.tables import DestroyedKey, Erasure, PersonKey


class ErasureStatus(Enum):
    """Where an erasure stands; the table is in the module's docstring."""

    REQUESTED = "REQUESTED"
    STARTED = "STARTED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class Subject(Enum):
    """Whom an erasure is about."""

    CUSTOMER = "CUSTOMER"
    GUEST = "GUEST"
    DELETED_CUSTOMER = "DELETED_CUSTOMER"
    STAFF = "STAFF"


class Entry(NamedTuple):
    """A row of the ledger.

    `person_id` of a guest is derived from `guest_hash`; once the erasure is completed it is the row's own id.
    """

    id: UUID
    organization_id: UUID
    subject: str
    person_id: UUID
    requested_at: datetime
    starts_after: datetime
    guest_hash: bytes | None = None
    status: str = ErasureStatus.REQUESTED.value
    requester_id: UUID | None = None
    canceller_id: UUID | None = None
    started_at: datetime | None = None
    cancelled_at: datetime | None = None
    completed_at: datetime | None = None


class _Key(NamedTuple):
    person_id: UUID


class _KeyVersion(NamedTuple):
    id: UUID
    key_version: int | None


class _Count(NamedTuple):
    number: int


_TABLE: Any = Erasure
_CHANGED = Read(
    sqlalchemy.select(*columns(_TABLE, Entry))
    .where(col(Erasure.epoch) >= bindparam("since"))
    .order_by(col(Erasure.id)),
    Entry._make,
)
_DESTROYED = Read(
    sqlalchemy.select(col(DestroyedKey.person_id)).where(col(DestroyedKey.epoch) >= bindparam("since")), _Key._make
)
_KEY_VERSIONS = Read(
    sqlalchemy.select(*columns(_TABLE, _KeyVersion)).where(any_of(_TABLE.id, "ids")), _KeyVersion._make
)
_COMPLETED = Read(
    sqlalchemy.select(func.count()).select_from(Erasure).where(col(Erasure.status) == "COMPLETED"), _Count._make
)
OPEN = (ErasureStatus.REQUESTED.value, ErasureStatus.STARTED.value)


def to_entry(row: Erasure) -> Entry:
    """The columns of a row."""
    return Entry(*(getattr(row, name) for name in Entry._fields))


async def add_request(keystore: Database, wanted: Entry) -> Entry:
    """Write a request; return it, or the person's open request if there is one already.

    The caller, who holds the person's lock, then writes the returned one into the main database. One that is open
    here and not known there was written by a call that was interrupted, or forgotten by a restore.
    """
    async with keystore.transaction() as session:
        await insert_if_absent(session, Erasure, **wanted._asdict(), epoch=await keystore_epoch(session))
        statement = select(Erasure).where(Erasure.person_id == wanted.person_id, col(Erasure.status).in_(OPEN))
        return to_entry((await session.exec(statement)).one())


async def restore(keystore: Database, entry: Entry) -> None:
    """Write a request that a key store from a backup has forgotten; one that it has stays as it is."""
    async with keystore.transaction() as session:
        await insert_if_absent(session, Erasure, **entry._asdict(), epoch=await keystore_epoch(session))


async def changed_since(keystore: Database, epoch: int) -> list[Entry]:
    """The rows that changed in this epoch or later, oldest first."""
    return await keystore.rows(_CHANGED, since=epoch)


async def destroyed_since(keystore: Database, epoch: int) -> list[UUID]:
    """The keys that were destroyed in this epoch or later."""
    return [row.person_id for row in await keystore.rows(_DESTROYED, since=epoch)]


async def key_versions(keystore: Database, ids: Collection[UUID]) -> dict[UUID, int]:
    """By completed erasure, the key version that was current when the keys were destroyed."""
    rows = await keystore.rows(_KEY_VERSIONS, ids=list(ids))
    return {row.id: row.key_version for row in rows if row.key_version is not None}


async def completed(keystore: Database) -> int:
    """The number of completed erasures."""
    row = await keystore.row(_COMPLETED)
    return row.number if row else 0


async def cancel(keystore: Database, erasure_id: UUID, *, canceller_id: UUID) -> Entry | None:
    """Cancel a request that has not started; return the row as it is then, which tells whether it was cancelled."""
    async with keystore.transaction() as session:
        row = await session.get(Erasure, erasure_id, with_for_update=True)
        if row is None:
            return None
        if row.status == ErasureStatus.REQUESTED.value:
            row.status, row.canceller_id, row.cancelled_at = ErasureStatus.CANCELLED.value, canceller_id, now()
            row.epoch = await keystore_epoch(session)
            session.add(row)
            await session.flush()
        return to_entry(row)


async def start(keystore: Database, erasure_id: UUID) -> Entry | None:
    """Start a request, unless it was cancelled or a legal hold is in force; return the row as it is then.

    None: the ledger does not have it.
    """
    async with keystore.transaction() as session:
        # Locked before the holds are looked at: `holds.place` does the same.
        row = await session.get(Erasure, erasure_id, with_for_update=True)
        if row is None:
            return None
        if row.status == ErasureStatus.REQUESTED.value and not await holds.is_held(session, row.person_id):
            row.status, row.started_at, row.epoch = ErasureStatus.STARTED.value, now(), await keystore_epoch(session)
            session.add(row)
            await session.flush()
        return to_entry(row)


async def complete(
    keystore: Database,
    erasure_id: UUID,
    *,
    organization_id: UUID,
    subject: Subject,
    person_id: UUID,
    key_ids: Collection[UUID],
) -> Entry:
    """Destroy the keys and write COMPLETED, in one transaction; the first call decides when it was."""
    moment = now()
    async with keystore.transaction() as session:
        await _destroy(session, key_ids, organization_id=organization_id)
        version = await versions.lock_current(session)
        row = await session.get(Erasure, erasure_id, with_for_update=True)
        if row is None:
            row = Erasure(
                id=erasure_id,
                organization_id=organization_id,
                subject=subject.value,
                person_id=person_id,
                requested_at=moment,
                starts_after=moment,
            )
        if row.status != ErasureStatus.COMPLETED.value:
            row.status, row.completed_at = ErasureStatus.COMPLETED.value, moment
            row.epoch = await keystore_epoch(session)
            row.key_version = version
            row.started_at = row.started_at or moment
            if row.subject == Subject.GUEST.value:
                # Nothing derived from the address is kept.
                row.guest_hash, row.person_id = None, row.id
        session.add(row)
        await session.flush()
        return to_entry(row)


async def destroy_guest_keys(keystore: Database, key_ids: Collection[UUID], *, organization_id: UUID) -> None:
    """Destroy the keys of erased guest orders, and remember that they were."""
    async with keystore.transaction() as session:
        await _destroy(session, key_ids, organization_id=organization_id)


async def _destroy(session: AsyncSession, key_ids: Collection[UUID], *, organization_id: UUID) -> None:
    epoch = await keystore_epoch(session)
    for key_id in sorted(key_ids):
        await session.exec(delete(PersonKey).where(col(PersonKey.person_id) == key_id))
        await insert_if_absent(session, DestroyedKey, person_id=key_id, organization_id=organization_id, epoch=epoch)
