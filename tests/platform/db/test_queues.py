"""Work queues: each row goes to one worker, and not before it is due."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.queues import Queue
from app.platform.mail.tables import OutgoingMail
from tests.shop import Shop

QUEUE = Queue(OutgoingMail, OutgoingMail.due_at)
LEASE = timedelta(minutes=5)


async def enqueue(shop: Shop, *minutes: int) -> list[UUID]:
    """Add rows that are due that many minutes from now."""
    moment = now()
    rows = [
        OutgoingMail(
            organization_id=shop.organization.id,
            customer_id=new_id(),
            template="APPROVED",
            state="QUEUED",
            due_at=moment + timedelta(minutes=one),
            created_at=moment,
        )
        for one in minutes
    ]
    async with shop.runtime.store.database.transaction() as session:
        session.add_all(rows)
    return [row.id for row in rows]


async def take(shop: Shop, limit: int = 1) -> list[UUID]:
    moment = now()
    async with QUEUE.lock_due(shop.runtime.store.database, moment=moment, limit=limit) as rows:
        for row in rows:
            row.due_at = moment + LEASE
        return [row.id for row in rows]


async def test_the_oldest_come_first_and_only_when_their_moment_has_come(shop: Shop) -> None:
    late, early, _ = await enqueue(shop, -1, -2, 5)

    assert [await take(shop), await take(shop), await take(shop)] == [[early], [late], []]


async def test_takers_side_by_side_get_each_row_once(shop: Shop) -> None:
    waiting = await enqueue(shop, *range(-12, 0))

    taken = await asyncio.gather(*(take(shop, 5) for _ in range(8)))
    taken += [await take(shop, 12)]

    assert sorted(one for batch in taken for one in batch) == sorted(waiting)


async def test_what_a_taker_died_with_is_still_due(shop: Shop) -> None:
    (waiting,) = await enqueue(shop, -1)

    async def die(row: OutgoingMail) -> None:
        row.due_at = now() + LEASE
        raise RuntimeError

    with pytest.raises(RuntimeError):
        async with QUEUE.lock_due(shop.runtime.store.database, moment=now(), limit=1) as rows:
            await die(rows[0])

    assert await take(shop) == [waiting]
