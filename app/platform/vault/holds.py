"""Legal holds in the key store: it decides whether an erasure may start, so it decides what stands in the way, too.

| Erasure in the ledger | `place`                        | `ledger.start` while a hold is in force |
| --------------------- | ------------------------------ | --------------------------------------- |
| none, CANCELLED       | placed                         |                                         |
| REQUESTED             | placed                         | stays REQUESTED                         |
| STARTED, COMPLETED    | `ErasureStarted`               | goes on                                 |

`place` and `start` lock the erasure before they look, so that one of them comes first. A hold is in force until it is
released, or its `until` is over.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.clock import now
from app.platform.db.engine import Database
from app.platform.db.inserts import insert_if_absent
from app.platform.db.reading import Read, any_of, columns
from app.platform.vault.epochs import keystore_epoch
from app.platform.vault.tables import Erasure, ErasureHold

BEGUN = ("STARTED", "COMPLETED")


class ErasureStarted(Exception):
    """The erasure of the person has started: it is too late for a hold."""


class Hold(NamedTuple):
    """A hold as the key store has it."""

    id: UUID
    organization_id: UUID
    person_id: UUID
    until: datetime | None
    placed_at: datetime
    released_at: datetime | None = None

    def is_in_force(self, moment: datetime) -> bool:
        """Whether it stands in the way of an erasure."""
        return self.released_at is None and (self.until is None or self.until > moment)


_TABLE: Any = ErasureHold
_HOLDS = columns(_TABLE, Hold)
_OF_PERSON = Read(
    select(*_HOLDS)
    .where(
        col(ErasureHold.organization_id) == bindparam("organization_id"),
        col(ErasureHold.person_id) == bindparam("person_id"),
    )
    .order_by(col(ErasureHold.id)),
    Hold._make,
)
_IN_FORCE: tuple[Any, ...] = (
    col(ErasureHold.organization_id) == bindparam("organization_id"),
    col(ErasureHold.released_at).is_(None),
    or_(col(ErasureHold.until).is_(None), col(ErasureHold.until) > bindparam("moment")),
)
_PAGE = Read(
    select(*_HOLDS)
    .where(*_IN_FORCE, col(ErasureHold.id) > bindparam("after"))
    .order_by(col(ErasureHold.id))
    .limit(bindparam("limit")),
    Hold._make,
)
_HELD = Read(select(*_HOLDS).where(*_IN_FORCE, any_of(_TABLE.person_id, "ids")), Hold._make)
_COUNT = Read(select(func.count()).select_from(ErasureHold).where(*_IN_FORCE), lambda row: int(row[0]))
_CHANGED = Read(
    select(*_HOLDS).where(col(ErasureHold.epoch) >= bindparam("since")).order_by(col(ErasureHold.id)), Hold._make
)


async def place(keystore: Database, hold: Hold) -> None:
    """Place a hold; raise `ErasureStarted`. Repeating is harmless."""
    async with keystore.transaction() as session:
        statement = select(Erasure.status).where(Erasure.person_id == hold.person_id).with_for_update()
        if any(status in BEGUN for status in (await session.exec(statement)).all()):
            raise ErasureStarted
        await insert_if_absent(session, ErasureHold, **hold._asdict(), epoch=await keystore_epoch(session))


async def restore(keystore: Database, hold: Hold) -> None:
    """Write a hold that a key store from a backup has forgotten, as the main database has it."""
    async with keystore.transaction() as session:
        await insert_if_absent(session, ErasureHold, **hold._asdict(), epoch=await keystore_epoch(session))
        if hold.released_at is not None:
            await _release(session, hold.id, hold.released_at)


async def release(keystore: Database, hold_id: UUID, *, released_at: datetime) -> None:
    """Release a hold; the first release decides when that was."""
    async with keystore.transaction() as session:
        await _release(session, hold_id, released_at)


async def _release(session: AsyncSession, hold_id: UUID, released_at: datetime) -> None:
    statement = update(ErasureHold).where(col(ErasureHold.id) == hold_id, col(ErasureHold.released_at).is_(None))
    await session.exec(statement.values(released_at=released_at, epoch=await keystore_epoch(session)))


async def of_person(keystore: Database, *, organization_id: UUID, person_id: UUID) -> list[Hold]:
    """All holds of a person, oldest first."""
    return await keystore.rows(_OF_PERSON, organization_id=organization_id, person_id=person_id)


async def in_force(keystore: Database, *, organization_id: UUID, person_id: UUID) -> list[Hold]:
    """The holds that stand in the way of the person's erasure now."""
    moment = now()
    found = await of_person(keystore, organization_id=organization_id, person_id=person_id)
    return [hold for hold in found if hold.is_in_force(moment)]


async def held_among(keystore: Database, *, organization_id: UUID, person_ids: Collection[UUID]) -> set[UUID]:
    """Which of these people have a hold in force."""
    rows = await keystore.rows(_HELD, organization_id=organization_id, moment=now(), ids=list(person_ids))
    return {row.person_id for row in rows}


async def page_in_force(keystore: Database, *, organization_id: UUID, after: UUID | None, limit: int) -> list[Hold]:
    """Up to `limit` holds of an organization that are in force, oldest first, after the hold `after`."""
    return await keystore.rows(
        _PAGE, organization_id=organization_id, moment=now(), after=after or UUID(int=0), limit=limit
    )


async def count_in_force(keystore: Database, *, organization_id: UUID) -> int:
    """How many holds of an organization are in force."""
    return await keystore.row(_COUNT, organization_id=organization_id, moment=now()) or 0


async def is_held(session: AsyncSession, person_id: UUID) -> bool:
    """Whether a hold is in force, seen from an open transaction of the key store."""
    statement = select(ErasureHold.id).where(
        ErasureHold.person_id == person_id,
        col(ErasureHold.released_at).is_(None),
        or_(col(ErasureHold.until).is_(None), col(ErasureHold.until) > now()),
    )
    return (await session.exec(statement.limit(1))).first() is not None


async def changed_since(keystore: Database, epoch: int) -> list[Hold]:
    """The holds that changed in this epoch or later, oldest first."""
    return await keystore.rows(_CHANGED, since=epoch)


def latest_end(found: Sequence[Hold]) -> datetime | None:
    """When the last of these holds is over; None when one has no end."""
    ends = [hold.until for hold in found]
    return None if None in ends else max(end for end in ends if end is not None)
