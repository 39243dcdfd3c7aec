"""Lists of customers from a replica: what is read there, what never is, and what happens without it."""

import shutil
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from app.platform.principal import Scope
from app.server.runtime import BadSetting, databases
from tests import postgres
from tests.shop import Shop, Urls, open_shop

LIST = "{ customers(first: 10) { totalCount nodes { email } } }"
ME = "{ me { email } }"


@pytest.fixture
async def stale_url(urls: Urls) -> AsyncIterator[str]:
    """A copy of the main database in which nothing of what the test writes ever arrives."""
    if urls.main.startswith("sqlite"):
        shutil.copy(urls.folder / "main.db", urls.folder / "stale.db")
        yield f"sqlite:///{urls.folder / 'stale.db'}"
        return
    name = f"{make_url(urls.main).database}_stale"
    await postgres.execute(urls.keystore, f"CREATE DATABASE {name} TEMPLATE {make_url(urls.main).database}")
    yield postgres.database(urls.main, name)
    await postgres.execute(urls.keystore, f"DROP DATABASE {name} WITH (FORCE)")


async def listed(shop: Shop) -> tuple[int, list[str]]:
    token = await shop.integration(Scope.CUSTOMERS_READ)
    found = (await shop.ask(LIST, token=token)).data["customers"]
    return found["totalCount"], [one["email"] for one in found["nodes"]]


async def test_lists_and_counts_come_from_the_replica_and_nothing_that_was_just_written(
    urls: Urls, stale_url: str
) -> None:
    async with open_shop(urls, database_reads_url=SecretStr(stale_url)) as shop:
        ann = await shop.register("ann@example.org")
        token = await shop.integration(Scope.CUSTOMERS_READ)

        assert (await shop.ask(ME, token=ann.token)).data == {"me": {"email": "ann@example.org"}}
        one = (await shop.ask("CustomerByEmail", token=token, email="ann@example.org")).data["customer"]
        assert one["id"] == ann.id
        assert await listed(shop) == (0, [])


async def test_lists_come_from_the_main_database_while_the_replica_does_not_answer(postgres_urls: Urls) -> None:
    nobody = SecretStr("postgresql://patron@127.0.0.1:1,127.0.0.1:2/patron")
    async with open_shop(postgres_urls, database_reads_url=nobody) as shop:
        await shop.register("ann@example.org")

        assert await listed(shop) == (1, ["ann@example.org"])
        assert (await shop.client.get("/readyz")).json() == {"status": "ready"}


async def test_a_replica_needs_connections_of_its_own(sqlite_urls: Urls) -> None:
    with pytest.raises(BadSetting, match="needs at least 6"):
        databases(sqlite_urls.settings(database_connections=4, database_reads_url=SecretStr(sqlite_urls.main)))
