"""The connection pool of reads."""

import asyncio
from typing import NamedTuple

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from app.accounts.organizations.tables import Organization
from app.platform.db.engine import Database, DatabaseOptions
from app.platform.db.reading import Read
from tests.shop import Shop, Urls


class _Slug(NamedTuple):
    slug: str


SLUGS = Read(select(col(Organization.slug)), _Slug._make)
BROKEN = Read(select(text("no_such_column")).select_from(Organization), _Slug._make)


async def test_more_reads_than_connections_wait_for_one_another(urls: Urls) -> None:
    database = Database(urls.main, DatabaseOptions(pool_size=2))

    found = await asyncio.gather(*(database.rows(SLUGS) for _ in range(20)))

    assert found == [[]] * 20
    await database.close()


async def test_a_read_that_failed_takes_its_connection_with_it_and_no_other(shop: Shop) -> None:
    database = shop.runtime.store.database
    await database.rows(SLUGS)

    for _ in range(25):
        with pytest.raises(Exception, match="no_such_column"):
            await database.rows(BROKEN)

    assert await database.rows(SLUGS) == [_Slug("first")]


async def test_a_cancelled_read_leaves_nothing_of_its_answer_to_the_next(shop: Shop) -> None:
    database = shop.runtime.store.database

    for _ in range(25):
        reading = asyncio.create_task(database.rows(SLUGS))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    assert await database.rows(SLUGS) == [_Slug("first")]


async def test_reads_never_keep_a_transaction_waiting(urls: Urls) -> None:
    database = Database(urls.main, DatabaseOptions(pool_size=1))
    await database.rows(SLUGS)

    async with database.transaction() as session, asyncio.timeout(30):
        assert (await session.exec(select(col(Organization.slug)))).all() == []  # type: ignore[call-overload]

    await database.close()


async def test_connections_the_server_closed_are_replaced_before_anybody_reads_from_them(postgres_urls: Urls) -> None:
    database = Database(postgres_urls.main, DatabaseOptions(pool_size=3))
    other = Database(postgres_urls.keystore)
    await asyncio.gather(*(database.rows(SLUGS) for _ in range(3)))
    async with other.engine.connect() as connection:
        await connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": database.url.database},
        )
    async with asyncio.timeout(30):
        while not all(reader.is_closed for reader in database._read_pool._idle):
            await asyncio.sleep(0.01)

    assert await database.rows(SLUGS) == []
    await database.close()
    await other.close()
