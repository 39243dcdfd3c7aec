"""Changes that are sent when the transaction ends."""

import asyncio
from typing import Any, NamedTuple, cast

import pytest
from sqlalchemy import bindparam, select, text, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations.tables import Organization
from app.platform.audit.tables import AuditEvent
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.engine import Database
from app.platform.db.reading import Read, columns
from app.platform.db.writing import TOGETHER, Stale, Write, adding, later, run, savepoint
from tests.house import House, Urls, open_test_house

KILL = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")


class _Shop(NamedTuple):
    slug: str
    name: str


SHOPS = Read(select(*columns(Organization, _Shop)).order_by(col(Organization.slug)), _Shop._make)
ADD, EVENT = adding(Organization), adding(AuditEvent)
RENAME: Write[Any] = Write(
    update(Organization)
    .where(col(Organization.slug) == bindparam("slug"), col(Organization.name) == bindparam("before"))
    .values(name=bindparam("after")),
    certain=True,
)
HELD = Write(
    select(*columns(Organization, _Shop)).where(col(Organization.slug) == bindparam("slug")).with_for_update(),
    _Shop._make,
)


@pytest.fixture
async def database(house: House) -> Database:
    database = house.patron.store.database
    async with database.transaction() as session:
        await session.exec(update(Organization).values(name="A"))
    return database


class _Refused(Exception):
    """What somebody raises in a transaction."""


Change = tuple[Write[Any], dict[str, object]]


def shop(slug: str) -> Change:
    row = {"id": new_id(), "slug": slug, "name": "B", "settings": {}, "is_default": False, "created_at": now()}
    return ADD, row


def rename(before: str, after: str) -> Change:
    return RENAME, {"slug": "first", "before": before, "after": after}


def plan(session: AsyncSession, *changes: Change, refuse: bool = False) -> None:
    for write, parameters in changes:
        later(session, write, **parameters)
    if refuse:
        raise _Refused


async def transact(database: Database, *changes: Change, refuse: bool = False, hold: bool = False) -> None:
    async with database.transaction() as session:
        if hold:
            await run(session, HELD, slug="first")
        plan(session, *changes, refuse=refuse)


async def within(session: AsyncSession, now: Change, *changes: Change, refuse: bool = False) -> None:
    async with savepoint(session):
        await run(session, now[0], **now[1])
        plan(session, *changes, refuse=refuse)


async def test_all_is_written_when_the_transaction_ends_and_nothing_before(database: Database) -> None:
    async with database.transaction() as session:
        plan(session, shop("second"), rename("A", "C"))
        assert await database.rows(SHOPS) == [("first", "A")]

    assert await database.rows(SHOPS) == [("first", "C"), ("second", "B")]


@pytest.mark.parametrize("hold", [False, True])
async def test_nothing_is_written_when_a_certain_change_finds_nothing_to_change(
    database: Database, *, hold: bool
) -> None:
    with pytest.raises(Stale):
        await transact(database, shop("second"), rename("Z", "C"), shop("third"), hold=hold)

    assert await database.rows(SHOPS) == [("first", "A")]
    await transact(database, rename("A", "C"), hold=hold)
    assert await database.rows(SHOPS) == [("first", "C")]


@pytest.mark.parametrize("hold", [False, True])
async def test_nothing_is_written_when_the_block_raises(database: Database, *, hold: bool) -> None:
    with pytest.raises(_Refused):
        await transact(database, shop("second"), refuse=True, hold=hold)

    assert await database.rows(SHOPS) == [("first", "A")]


async def test_what_was_to_be_written_goes_with_its_savepoint(database: Database) -> None:
    async with database.transaction() as session:
        plan(session, shop("second"))
        with pytest.raises(_Refused):
            await within(session, rename("A", "C"), shop("third"), refuse=True)
        await within(session, rename("A", "D"), shop("fourth"))

    assert await database.rows(SHOPS) == [("first", "D"), ("fourth", "B"), ("second", "B")]


async def test_a_change_done_now_is_seen_and_refused_at_once(database: Database) -> None:
    async with database.transaction() as session:
        await run(session, RENAME, **rename("A", "C")[1])
        assert await run(session, HELD, slug="first") == [_Shop("first", "C")]
        with pytest.raises(Stale):
            await run(session, RENAME, **rename("A", "D")[1])

    assert await database.rows(SHOPS) == [("first", "C")]


async def test_what_was_added_to_the_session_is_there_before_what_refers_to_it(database: Database) -> None:
    second = Organization(slug="second", name="B", created_at=now())
    extra = {"id": new_id(), "action": "x", "actor_kind": "HOUSE", "fields": [], "at": now()}

    async with database.transaction() as session:
        later(session, EVENT, organization_id=second.id, **extra)
        session.add(second)

    assert await database.rows(SHOPS) == [("first", "A"), ("second", "B")]


async def test_many_changes_are_all_written_or_none(database: Database) -> None:
    many = [f"n{number}" for number in range(10, 10 + 2 * TOGETHER + 1)]
    await transact(database, *(shop(slug) for slug in many))
    with pytest.raises(Stale):
        await transact(database, *(shop(f"m{slug}") for slug in many), rename("Z", "C"))

    assert [one.slug for one in await database.rows(SHOPS)] == ["first", *many]


async def test_what_an_index_refuses_takes_along_all_that_came_with_it(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)unique"):
        await transact(database, rename("A", "C"), shop("first"))

    assert await database.rows(SHOPS) == [("first", "A")]


async def test_a_change_goes_to_no_connection_that_the_server_closed(postgres_urls: Urls) -> None:
    async with open_test_house(postgres_urls) as house:
        database, other = house.patron.store.database, Database(postgres_urls.keystore)
        for _ in range(2):
            await transact(database, *(shop(new_id().hex) for _ in range(2)))
        async with other.engine.connect() as connection:
            await connection.execute(KILL, {"name": database.url.database})
        await other.close()
        kept = await database.engine.raw_connection()
        async with asyncio.timeout(30):
            while not cast("Any", kept.driver_connection).is_closed():
                await asyncio.sleep(0.01)
        kept.close()

        await transact(database, shop("second"))

        assert "second" in [one.slug for one in await database.rows(SHOPS)]
