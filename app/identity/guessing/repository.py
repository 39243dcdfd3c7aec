"""Repository of guess counters: reads, locks, updates and deletes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.identity.guessing.policy import FAILURE_RETENTION
from app.identity.guessing.tables import GuessCounter
from app.platform.clock import now
from app.platform.db.reading import Read, columns
from app.platform.db.writing import Write, execute, execute_at_commit
from app.platform.vault.vault import Store


class CountedAttempt(Protocol):
    """The counters of an attempt, and the customer they belong to."""

    @property
    def organization_id(self) -> UUID:
        """The organization of the request."""

    @property
    def customer_id(self) -> UUID | None:
        """The customer who has the name, if any."""

    @property
    def keys(self) -> list[bytes]:
        """The keyed hashes of one or two counters; the first one belongs to the customer."""


class _Moment(NamedTuple):
    until: datetime


class _CounterRow(NamedTuple):
    failures: int
    last_failed_at: datetime


class LockedCounter(NamedTuple):
    """A counter whose row is locked until the transaction ends."""

    key_hash: bytes
    failures: int
    last_failed_at: datetime
    blocked_until: datetime


_BY_KEYS = or_(col(GuessCounter.key_hash) == bindparam("one"), col(GuessCounter.key_hash) == bindparam("other"))
_BLOCKED_UNTIL = Read(select(col(GuessCounter.blocked_until)).where(_BY_KEYS), _Moment._make)
_BY_KEY = col(GuessCounter.key_hash) == bindparam("counter")
_LOCK = Write(
    select(*columns(GuessCounter, LockedCounter)).where(_BY_KEY).with_for_update(key_share=True), LockedCounter._make
)
_RECORD_FAILURE: Write[Any] = Write(
    update(GuessCounter)
    .where(_BY_KEY)
    .values({name: bindparam(name) for name in ("customer_id", "failures", "last_failed_at", "blocked_until")})
)
_DELETE: Write[Any] = Write(delete(GuessCounter).where(_BY_KEY))


def _create_and_lock(insert: Any) -> Write[LockedCounter]:
    """Insert a counter, or update the existing one to what it is: either way it is locked and returned."""
    new = insert(GuessCounter)
    unchanged = new.on_conflict_do_update(
        index_elements=["key_hash"], set_={"organization_id": new.excluded.organization_id}
    )
    return Write(unchanged.returning(*columns(GuessCounter, LockedCounter)), LockedCounter._make)


_CREATE_AND_LOCK = {
    "sqlite": _create_and_lock(sqlite.insert),
    "postgresql": _create_and_lock(postgresql.insert),
}
_FIND_EXPIRED = Read(
    select(col(GuessCounter.last_failed_at)).where(col(GuessCounter.last_failed_at) < bindparam("before")).limit(1),
    _Moment._make,
)


_BY_CUSTOMER = Read(
    select(*columns(GuessCounter, _CounterRow)).where(
        col(GuessCounter.organization_id) == bindparam("organization_id"),
        col(GuessCounter.customer_id) == bindparam("customer_id"),
    ),
    _CounterRow._make,
)


async def blocked_until(store: Store, keys: Sequence[bytes]) -> list[datetime]:
    """Until when the counters with these one or two keys refuse attempts; the moments may lie in the past."""
    rows = await store.database.rows(_BLOCKED_UNTIL, one=keys[0], other=keys[-1])
    return [row.until for row in rows]


async def lock_counters(session: AsyncSession, attempt: CountedAttempt, *, create: bool) -> list[LockedCounter]:
    """Lock the counters one by one until the transaction ends; with `create`, insert absent ones.

    The fixed order of the keys keeps two concurrent attempts from deadlocking.
    """
    moment, found = now(), list[LockedCounter]()
    for key in sorted(attempt.keys):
        if not create:
            found += await execute(session, _LOCK, counter=key)
            continue
        found += await execute(
            session,
            _CREATE_AND_LOCK[session.get_bind().dialect.name],
            key_hash=key,
            organization_id=attempt.organization_id,
            # The counter of a source belongs to no customer and must outlive an erasure.
            customer_id=attempt.customer_id if key == attempt.keys[0] else None,
            failures=0,
            last_failed_at=moment,
            blocked_until=moment,
        )
    return found


def record_failure(
    session: AsyncSession, row: LockedCounter, *, customer_id: UUID | None, failures: int, blocked_until: datetime
) -> None:
    """Write a failure into a locked counter; `customer_id` is the customer who has the name now."""
    execute_at_commit(
        session,
        _RECORD_FAILURE,
        counter=row.key_hash,
        customer_id=customer_id,
        failures=failures,
        last_failed_at=now(),
        blocked_until=blocked_until,
    )


def delete_counter(session: AsyncSession, row: LockedCounter) -> None:
    """Delete a locked counter at commit."""
    execute_at_commit(session, _DELETE, counter=row.key_hash)


async def reset_for_customer(session: AsyncSession, *, customer_id: UUID) -> int:
    """Delete all counters of a customer who proved ownership in another way; return how many there were."""
    return (await session.exec(delete(GuessCounter).where(col(GuessCounter.customer_id) == customer_id))).rowcount


async def sweep(store: Store) -> int:
    """Delete the counters whose last failure is older than 24 hours; return how many."""
    before = now() - FAILURE_RETENTION
    # Read first: a DELETE takes SQLite's write lock even when it matches nothing, and the worker runs this often.
    if await store.database.row(_FIND_EXPIRED, before=before) is None:
        return 0
    async with store.database.transaction() as session:
        return (await session.exec(delete(GuessCounter).where(col(GuessCounter.last_failed_at) < before))).rowcount


async def erase(session: AsyncSession, *, customer_id: UUID) -> int:
    """Delete the counters of a customer's names and devices; return how many there were."""
    return await reset_for_customer(session, customer_id=customer_id)


async def export(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[dict[str, object]]:
    """The counters of a customer, for a data export."""
    rows = await store.database.rows(_BY_CUSTOMER, organization_id=organization_id, customer_id=customer_id)
    return [{"wrongPasswords": row.failures, "lastAt": row.last_failed_at.isoformat()} for row in rows]
