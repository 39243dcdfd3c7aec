"""Compiled writes: deferred to the commit, or run at once."""

import asyncio
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations.tables import Organization
from app.platform.audit.tables import AuditEvent
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.engine import Database, DatabaseOptions
from app.platform.db.reading import Read, columns
from app.platform.db.writing import (
    MAX_STATEMENTS_PER_ROUND_TRIP,
    VersionConflict,
    Write,
    execute,
    execute_at_commit,
    insert_statement,
    savepoint,
)
from tests.shop import Shop, Urls, open_shop

KILL = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")


class _SlugAndName(NamedTuple):
    slug: str
    name: str


ORGANIZATIONS = Read(select(*columns(Organization, _SlugAndName)).order_by(col(Organization.slug)), _SlugAndName._make)
ADD, EVENT = insert_statement(Organization), insert_statement(AuditEvent)
RENAME: Write[Any] = Write(
    update(Organization)
    .where(col(Organization.slug) == bindparam("slug"), col(Organization.name) == bindparam("before"))
    .values(name=bindparam("after")),
    require_row=True,
)
LOCKED = Write(
    select(*columns(Organization, _SlugAndName)).where(col(Organization.slug) == bindparam("slug")).with_for_update(),
    _SlugAndName._make,
)


@pytest.fixture
async def database(shop: Shop) -> Database:
    database = shop.runtime.store.database
    async with database.transaction() as session:
        await session.exec(update(Organization).values(name="A"))
    return database


class _Refused(Exception):
    """Raised by a test inside a transaction."""


Change = tuple[Write[Any], dict[str, object]]


def organization(slug: str) -> Change:
    row = {"id": new_id(), "slug": slug, "name": "B", "settings": {}, "is_default": False, "created_at": now()}
    return ADD, row


def rename(before: str, after: str) -> Change:
    return RENAME, {"slug": "first", "before": before, "after": after}


def plan(session: AsyncSession, *changes: Change, refuse: bool = False) -> None:
    for write, parameters in changes:
        execute_at_commit(session, write, **parameters)
    if refuse:
        raise _Refused


async def transact(database: Database, *changes: Change, refuse: bool = False, lock: bool = False) -> None:
    async with database.transaction() as session:
        if lock:
            await execute(session, LOCKED, slug="first")
        plan(session, *changes, refuse=refuse)


async def within(session: AsyncSession, now: Change, *changes: Change, refuse: bool = False) -> None:
    async with savepoint(session):
        await execute(session, now[0], **now[1])
        plan(session, *changes, refuse=refuse)


async def test_all_is_written_when_the_transaction_ends_and_nothing_before(database: Database) -> None:
    async with database.transaction() as session:
        plan(session, organization("second"), rename("A", "C"))
        assert await database.rows(ORGANIZATIONS) == [("first", "A")]

    assert await database.rows(ORGANIZATIONS) == [("first", "C"), ("second", "B")]


@pytest.mark.parametrize("lock", [False, True])
async def test_nothing_is_written_when_a_certain_change_finds_nothing_to_change(
    database: Database, *, lock: bool
) -> None:
    with pytest.raises(VersionConflict):
        await transact(database, organization("second"), rename("Z", "C"), organization("third"), lock=lock)

    assert await database.rows(ORGANIZATIONS) == [("first", "A")]
    await transact(database, rename("A", "C"), lock=lock)
    assert await database.rows(ORGANIZATIONS) == [("first", "C")]


@pytest.mark.parametrize("lock", [False, True])
async def test_nothing_is_written_when_the_block_raises(database: Database, *, lock: bool) -> None:
    with pytest.raises(_Refused):
        await transact(database, organization("second"), refuse=True, lock=lock)

    assert await database.rows(ORGANIZATIONS) == [("first", "A")]


async def test_what_was_to_be_written_goes_with_its_savepoint(database: Database) -> None:
    async with database.transaction() as session:
        plan(session, organization("second"))
        with pytest.raises(_Refused):
            await within(session, rename("A", "C"), organization("third"), refuse=True)
        await within(session, rename("A", "D"), organization("fourth"))

    assert await database.rows(ORGANIZATIONS) == [("first", "D"), ("fourth", "B"), ("second", "B")]


async def test_a_change_done_now_is_seen_and_refused_at_once(database: Database) -> None:
    async with database.transaction() as session:
        await execute(session, RENAME, **rename("A", "C")[1])
        assert await execute(session, LOCKED, slug="first") == [_SlugAndName("first", "C")]
        with pytest.raises(VersionConflict):
            await execute(session, RENAME, **rename("A", "D")[1])

    assert await database.rows(ORGANIZATIONS) == [("first", "C")]


async def test_what_was_added_to_the_session_is_there_before_what_refers_to_it(database: Database) -> None:
    second = Organization(slug="second", name="B", created_at=now())
    extra = {"id": new_id(), "action": "x", "actor_kind": "SYSTEM", "fields": [], "at": now()}

    async with database.transaction() as session:
        execute_at_commit(session, EVENT, owner_id=second.id, organization_id=second.id, **extra)
        session.add(second)

    assert await database.rows(ORGANIZATIONS) == [("first", "A"), ("second", "B")]


async def test_many_changes_are_all_written_or_none(database: Database) -> None:
    many = [f"n{number}" for number in range(10, 10 + 2 * MAX_STATEMENTS_PER_ROUND_TRIP + 1)]
    await transact(database, *(organization(slug) for slug in many))
    with pytest.raises(VersionConflict):
        await transact(database, *(organization(f"m{slug}") for slug in many), rename("Z", "C"))

    assert [one.slug for one in await database.rows(ORGANIZATIONS)] == ["first", *many]


async def test_what_an_index_refuses_takes_along_all_that_came_with_it(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)unique"):
        await transact(database, rename("A", "C"), organization("first"))

    assert await database.rows(ORGANIZATIONS) == [("first", "A")]


async def test_a_change_goes_to_no_connection_that_the_server_closed(postgres_urls: Urls) -> None:
    async with open_shop(postgres_urls) as shop:
        database, other = shop.runtime.store.database, Database(postgres_urls.keystore)
        for _ in range(2):
            await transact(database, *(organization(new_id().hex) for _ in range(2)))
        async with other.engine.connect() as connection:
            await connection.execute(KILL, {"name": database.url.database})
        await other.close()
        async with asyncio.timeout(30):
            while not all(one.is_closed() for one in database.circuit._connections):
                await asyncio.sleep(0.01)

        await transact(database, organization("second"))

        assert "second" in [one.slug for one in await database.rows(ORGANIZATIONS)]


def event(owner_id: UUID, organization_id: UUID) -> Change:
    row = {"owner_id": owner_id, "id": new_id(), "organization_id": organization_id, "actor_kind": "SYSTEM"}
    about = {"customer_id": None if owner_id == organization_id else owner_id}
    return EVENT, {**row, **about, "action": "organization.updated", "fields": [], "at": now()}


async def sent(urls: Urls, *changes: Change, sharded: bool) -> list[str]:
    """The statements of one transaction that defers these changes."""
    database = Database(urls.main, DatabaseOptions(sharded=sharded))
    heard: list[str] = []
    database.on_statement = heard.append
    async with database.transaction() as session:
        plan(session, *changes)
    await database.close()
    return heard


async def test_a_sharded_database_gets_the_changes_of_each_owner_apart_and_still_all_or_none(
    postgres_urls: Urls,
) -> None:
    async with open_shop(postgres_urls) as shop:
        organization_id, first, second = shop.organization.id, new_id(), new_id()
        changes = [event(one, organization_id) for one in (first, second, first)]

        assert len(await sent(postgres_urls, *changes, sharded=False)) == 1
        again = [event(one, organization_id) for one in (first, second, first)]
        assert [statement.count("INSERT") for statement in await sent(postgres_urls, *again, sharded=True)] == [2, 1]
        assert len(await sent(postgres_urls, event(first, organization_id), sharded=True)) == 1
        with pytest.raises(IntegrityError):
            await sent(postgres_urls, event(first, organization_id), event(second, new_id()), sharded=True)
        assert await shop.count("audit_events") == 7
