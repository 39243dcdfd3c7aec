"""Connections to PostgreSQL: how many a process opens at most, and when it gives them back."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from app.platform.db.engine import Database, DatabaseOptions
from tests.postgres import database
from tests.shop import Urls, open_shop
from tests.silent_proxy import SilentProxy

OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = ANY($1::text[])"
TOTAL = 6
# The message "BackendKeyData", of twelve bytes: the number of the process follows.
BACKEND_KEY_DATA = b"K\0\0\0\x0c"


async def connections(urls: Urls) -> int:
    """How many are open to the two databases of the test."""
    observer = await asyncpg.connect(database(urls.main, "postgres"))
    try:
        names = [make_url(url).database for url in (urls.main, urls.keystore)]
        found: int = await observer.fetchval(OPEN, names)
        return found
    finally:
        await observer.close()


async def test_a_process_opens_no_more_connections_than_its_setting_says(postgres_urls: Urls) -> None:
    async with open_shop(postgres_urls, database_connections=TOTAL, rate_limit_scale=1e6) as shop:
        most = 0

        async def watch(requests: "asyncio.Future[Any]") -> None:
            nonlocal most
            while not requests.done():
                most = max(most, await connections(postgres_urls))

        many = asyncio.ensure_future(asyncio.gather(*(shop.register(f"c{number}@example.org") for number in range(40))))
        await watch(many)

        assert len({person.id for person in many.result()}) == 40
        assert most == TOTAL


async def test_connections_that_nobody_uses_are_given_back_and_opened_again(postgres_urls: Urls) -> None:
    async with open_shop(postgres_urls, database_idle_timeout=0.05) as shop:
        ann = await shop.register("ann@example.org")
        async with asyncio.timeout(30):
            while await connections(postgres_urls):
                await asyncio.sleep(0.01)

        again = await shop.ask("{ me { email } }", token=ann.token)

        assert again.data == {"me": {"email": "ann@example.org"}}
        assert await connections(postgres_urls) > 0


class Pooler(SilentProxy):
    """A relay that greets with a process of its own, as PgBouncer does."""

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(65536):
                greeting, found, rest = chunk.partition(BACKEND_KEY_DATA)
                writer.write(greeting + found + b"\0\0\0\1" + rest[4:] if found else chunk)
        writer.close()


@pytest.mark.parametrize("through_pooler", [True, False])
async def test_a_pooler_is_found_out_and_no_statement_is_kept_behind_it(
    postgres_urls: Urls, *, through_pooler: bool
) -> None:
    pooler = Pooler(postgres_urls.main)
    server = await asyncio.start_server(pooler.relay, "127.0.0.1", 0)
    pooler.port = server.sockets[0].getsockname()[1]
    url = pooler.proxied(postgres_urls.main) if through_pooler else postgres_urls.main
    database_ = Database(url, DatabaseOptions(pool_size=1))

    for _ in range(3):
        async with database_.transaction() as session:
            kept = await (await session.connection()).exec_driver_sql("SELECT count(*) FROM pg_prepared_statements")
            count = int(kept.scalar_one())

    # The unnamed statement, which the next one takes the place of, is not among them.
    assert (count == 0) is through_pooler
    await database_.close()
    await pooler.stop()
    server.close()
