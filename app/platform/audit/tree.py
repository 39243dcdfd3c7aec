"""The tree over the audit log as it is stored: its state, its tiles, and the events that are its leaves."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy
from sqlalchemy import ColumnElement, Uuid, bindparam, column, exists, insert, select, table, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.audit.leaves import EventRow
from app.platform.audit.tables import AuditEvent, AuditLeaf, AuditTile, AuditTree
from app.platform.audit.tiles import Tile, TileAddress, partial_tiles
from app.platform.db.engine import Database
from app.platform.db.reading import Read, columns
from app.platform.db.writing import Write, execute

TREE_ID = 1
# How much later than its id was made an event may become visible: transactions last, and clocks of machines differ.
LATE = timedelta(minutes=10)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

# Declared by name: this package may not import the table from `app.accounts`.
_organizations = table("organizations", column("id", Uuid))


class TreeState(NamedTuple):
    """The row of the tree."""

    origin: str
    size: int
    checkpoint: str
    built_until: datetime


class PendingEvent(NamedTuple):
    """An event that is not a leaf yet, and its owner."""

    owner_id: UUID
    event: EventRow


class StoredLeaf(NamedTuple):
    """A leaf and its event, which is None when the audit log does not have it."""

    position: int
    event_id: UUID
    event: EventRow | None


class _TileRow(NamedTuple):
    level: int
    position: int
    hashes: bytes


def _to_tile(values: Sequence[Any]) -> Tile:
    return Tile(TileAddress(values[0], values[1]), bytes(values[2]))


def _to_pending(values: Sequence[Any]) -> PendingEvent:
    return PendingEvent(values[0], EventRow._make(values[1:]))


def _to_leaf(values: Sequence[Any]) -> StoredLeaf:
    return StoredLeaf(values[0], values[1], None if values[2] is None else EventRow._make(values[2:]))


def _to_id(values: Sequence[Any]) -> UUID:
    found: UUID = values[0]
    return found


_SAME_EVENT = (col(AuditLeaf.owner_id) == col(AuditEvent.owner_id)) & (col(AuditLeaf.event_id) == col(AuditEvent.id))
_IS_LEAF = exists().where(_SAME_EVENT)


def _not_in_tree(*selected: Any, condition: ColumnElement[bool]) -> sqlalchemy.Select[Any]:
    return (
        select(*selected)
        .where(col(AuditEvent.organization_id) == bindparam("organization_id"), condition, ~_IS_LEAF)
        .order_by(col(AuditEvent.id))
        .limit(bindparam("limit"))
    )


_STATE = Write(select(*columns(AuditTree, TreeState)).where(col(AuditTree.id) == TREE_ID), TreeState._make)
_LOCK = Write(
    select(*columns(AuditTree, TreeState)).where(col(AuditTree.id) == TREE_ID).with_for_update(), TreeState._make
)
_GROW: Write[Any] = Write(
    update(AuditTree)
    .where(col(AuditTree.id) == TREE_ID)
    .values(size=bindparam("new_size"), checkpoint=bindparam("new_checkpoint"))
)
_BUILT: Write[Any] = Write(
    update(AuditTree).where(col(AuditTree.id) == TREE_ID).values(built_until=bindparam("moment"))
)
_TILES = Write(
    select(*columns(AuditTile, _TileRow))
    .where(
        col(AuditTile.level) == bindparam("tile_level"),
        col(AuditTile.position) >= bindparam("start"),
        col(AuditTile.position) < bindparam("end"),
    )
    .order_by(col(AuditTile.position)),
    _to_tile,
)
_ORGANIZATIONS = Read(select(_organizations.c.id).order_by(_organizations.c.id), _to_id)
_PENDING = Write(
    _not_in_tree(
        col(AuditEvent.owner_id), *columns(AuditEvent, EventRow), condition=col(AuditEvent.id) > bindparam("after")
    ),
    _to_pending,
)
_LEFT_OUT = Read(_not_in_tree(col(AuditEvent.id), condition=col(AuditEvent.id) < bindparam("before")), _to_id)
_LEAVES = Read(
    select(col(AuditLeaf.position), col(AuditLeaf.event_id), *columns(AuditEvent, EventRow))
    .outerjoin_from(AuditLeaf, AuditEvent, _SAME_EVENT)
    .where(col(AuditLeaf.position) >= bindparam("start"), col(AuditLeaf.position) < bindparam("end"))
    .order_by(col(AuditLeaf.position)),
    _to_leaf,
)
_POSITION = Read(
    select(col(AuditLeaf.position)).where(
        col(AuditLeaf.owner_id) == bindparam("owner_id"), col(AuditLeaf.event_id) == bindparam("event_id")
    ),
    lambda values: int(values[0]),
)


def first_id_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 of a time."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62)


async def state(database: Database) -> TreeState | None:
    """The row of the tree; None before the first leaf."""
    return await database.row(_STATE)


async def lock(session: AsyncSession) -> TreeState:
    """The row of the tree, locked until the transaction ends."""
    return (await execute(session, _LOCK))[0]


async def organizations(database: Database) -> list[UUID]:
    """The ids of all organizations."""
    return await database.rows(_ORGANIZATIONS)


async def has_pending(database: Database, organization_id: UUID, *, after: UUID) -> bool:
    """Whether an event of the organization after the id `after` is not a leaf yet; takes no lock."""
    return await database.row(_PENDING, organization_id=organization_id, after=after, limit=1) is not None


async def pending(session: AsyncSession, organization_id: UUID, *, after: UUID, limit: int) -> list[PendingEvent]:
    """The next events of the organization that are not leaves yet, in the order of their ids."""
    return await execute(session, _PENDING, organization_id=organization_id, after=after, limit=limit)


async def left_out(database: Database, organization_id: UUID, *, before: UUID, limit: int) -> list[UUID]:
    """Events of the organization before the id `before` that are not leaves."""
    return await database.rows(_LEFT_OUT, organization_id=organization_id, before=before, limit=limit)


async def leaves(database: Database, start: int, end: int) -> list[StoredLeaf]:
    """The leaves from `start` up to, not including, `end`, with their events."""
    return await database.rows(_LEAVES, start=start, end=end)


async def position(database: Database, *, owner_id: UUID, event_id: UUID) -> int | None:
    """The place of an event in the tree; None when it is not a leaf yet."""
    return await database.row(_POSITION, owner_id=owner_id, event_id=event_id)


async def tiles(database: Database, level: int, start: int, end: int) -> list[Tile]:
    """The stored tiles of a level from `start` up to, not including, `end`."""
    return await database.rows(_TILES, tile_level=level, start=start, end=end)


async def edge_tiles(session: AsyncSession, size: int) -> list[Tile]:
    """The partial tiles of a tree of `size` leaves."""
    found = []
    for address, width in partial_tiles(size):
        if width:
            first = address.position
            found += await execute(session, _TILES, tile_level=address.level, start=first, end=first + 1)
    return found


async def add_leaves(session: AsyncSession, events: Sequence[PendingEvent], *, first: int) -> None:
    """Write the places of events in the tree, the first of them at `first`."""
    rows = [
        {"owner_id": one.owner_id, "event_id": one.event.id, "position": number}
        for number, one in enumerate(events, first)
    ]
    await (await session.connection()).execute(insert(AuditLeaf), rows)


async def put_tiles(session: AsyncSession, changed: Iterable[Tile]) -> None:
    """Write tiles that are new or grew."""
    dialect_insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = dialect_insert(AuditTile)
    upsert = statement.on_conflict_do_update(
        index_elements=["level", "position"], set_={"hashes": statement.excluded.hashes}
    )
    rows = [{"level": one.address.level, "position": one.address.position, "hashes": one.hashes} for one in changed]
    await (await session.connection()).execute(upsert, rows)


async def grow(session: AsyncSession, *, size: int, checkpoint: str) -> None:
    """Write the new size of the tree and its checkpoint."""
    await execute(session, _GROW, new_size=size, new_checkpoint=checkpoint)


async def set_built_until(session: AsyncSession, moment: datetime) -> None:
    """Write that all events up to `moment` are leaves."""
    await execute(session, _BUILT, moment=moment)
