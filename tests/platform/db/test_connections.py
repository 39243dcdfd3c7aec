"""Connections to PostgreSQL: how many a process opens at most, and when it gives them back."""

import asyncio
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from tests.postgres import database
from tests.shop import Urls, open_shop

OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = ANY($1::text[])"
TOTAL = 6


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
