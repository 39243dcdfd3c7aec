"""Reads, locks and removes the counters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import bindparam, delete, or_, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.identity.guessing.policy import FORGOTTEN_AFTER
from app.identity.guessing.tables import GuessCounter
from app.platform.clock import now
from app.platform.db.claims import claim
from app.platform.db.reading import Read, columns
from app.platform.db.writing import Write, later, run
from app.platform.vault.vault import Store


class Counted(Protocol):
    """What is counted, and for whom."""

    @property
    def organization_id(self) -> UUID:
        """The organization."""

    @property
    def customer_id(self) -> UUID | None:
        """Whom the name belongs to."""

    @property
    def keys(self) -> list[bytes]:
        """One or two counters."""


class _Blocked(NamedTuple):
    until: datetime


class _Counter(NamedTuple):
    failures: int
    last_failed_at: datetime


class Locked(NamedTuple):
    """A counter that nobody else changes until the transaction ends."""

    key_hash: bytes
    failures: int
    last_failed_at: datetime
    blocked_until: datetime


_THESE = or_(col(GuessCounter.key_hash) == bindparam("one"), col(GuessCounter.key_hash) == bindparam("other"))
_BLOCKED = Read(select(col(GuessCounter.blocked_until)).where(_THESE), _Blocked._make)
_LOCKED = Write(
    select(*columns(GuessCounter, Locked)).where(_THESE).order_by(col(GuessCounter.key_hash)).with_for_update(),
    Locked._make,
)
_COUNT: Write[Any] = Write(
    update(GuessCounter)
    .where(col(GuessCounter.key_hash) == bindparam("counter"))
    .values({name: bindparam(name) for name in ("customer_id", "failures", "last_failed_at", "blocked_until")})
)
_FORGET: Write[Any] = Write(delete(GuessCounter).where(col(GuessCounter.key_hash) == bindparam("counter")))
_OLD = Read(
    select(col(GuessCounter.last_failed_at)).where(col(GuessCounter.last_failed_at) < bindparam("before")).limit(1),
    _Blocked._make,
)


_OF_CUSTOMER = Read(
    select(*columns(GuessCounter, _Counter)).where(
        col(GuessCounter.organization_id) == bindparam("organization_id"),
        col(GuessCounter.customer_id) == bindparam("customer_id"),
    ),
    _Counter._make,
)


async def blocked_until(store: Store, keys: Sequence[bytes]) -> list[datetime]:
    """Until when the counters with these one or two keys let nothing through; may lie in the past."""
    rows = await store.database.rows(_BLOCKED, one=keys[0], other=keys[-1])
    return [row.until for row in rows]


async def locked(session: AsyncSession, counted: Counted, *, create: bool) -> list[Locked]:
    """The counters, locked in one order until the transaction ends; made first where `create` is asked for."""
    moment = now()
    keys = sorted(counted.keys)
    for key in keys if create else ():
        await claim(
            session,
            GuessCounter,
            key_hash=key,
            organization_id=counted.organization_id,
            # Of a source nobody in particular; its counter must outlive an erasure.
            customer_id=counted.customer_id if key == counted.keys[0] else None,
            failures=0,
            last_failed_at=moment,
            blocked_until=moment,
        )
    return await run(session, _LOCKED, one=keys[0], other=keys[-1])


def count(
    session: AsyncSession, row: Locked, *, customer_id: UUID | None, failures: int, blocked_until: datetime
) -> None:
    """Write a wrong guess into a locked counter; `customer_id` is whom its name belongs to now."""
    later(
        session,
        _COUNT,
        counter=row.key_hash,
        customer_id=customer_id,
        failures=failures,
        last_failed_at=now(),
        blocked_until=blocked_until,
    )


def forget(session: AsyncSession, row: Locked) -> None:
    """Delete a locked counter."""
    later(session, _FORGET, counter=row.key_hash)


async def forgive(session: AsyncSession, *, customer_id: UUID) -> int:
    """Forget all wrong guesses about a customer, who has proven otherwise to be the owner; return how many counters."""
    return (await session.exec(delete(GuessCounter).where(col(GuessCounter.customer_id) == customer_id))).rowcount


async def sweep(store: Store) -> int:
    """Delete the counters that no longer count; return how many."""
    before = now() - FORGOTTEN_AFTER
    # Looked for first: a delete would make every other writer of SQLite wait, once a second.
    if await store.database.row(_OLD, before=before) is None:
        return 0
    async with store.database.transaction() as session:
        return (await session.exec(delete(GuessCounter).where(col(GuessCounter.last_failed_at) < before))).rowcount


async def erase(session: AsyncSession, *, customer_id: UUID) -> int:
    """Delete the counters of a customer's names and devices; return how many there were."""
    return await forgive(session, customer_id=customer_id)


async def export(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[dict[str, object]]:
    """The counters of a customer."""
    rows = await store.database.rows(_OF_CUSTOMER, organization_id=organization_id, customer_id=customer_id)
    return [{"wrongPasswords": row.failures, "lastAt": row.last_failed_at.isoformat()} for row in rows]
