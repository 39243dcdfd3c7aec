"""A database that does not answer any more: what callers are answered, for how long, and what comes after."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests import postgres
from tests.shop import PASSWORD, Shop, Urls, open_shop
from tests.silent_proxy import SilentProxy, silent_proxy

ME = {"query": "{ me { email } }"}
SHORT: dict[str, Any] = {
    "database_command_timeout": 2.5,
    "database_connect_timeout": 2.5,
    "database_pool_timeout": 2.5,
    "database_connections": 6,
}
UNAVAILABLE = {
    "message": "The service is not available for a moment. Try again.",
    "extensions": {"code": "UNAVAILABLE"},
}


@pytest.fixture
async def proxy(postgres_urls: Urls) -> AsyncIterator[SilentProxy]:
    async with silent_proxy(postgres_urls.main) as found:
        yield found


def through(proxy: SilentProxy, urls: Urls, database: str) -> Urls:
    """The same databases, one of them behind the relay."""
    main, keystore = urls.main, urls.keystore
    if database == "main":
        return Urls(proxy.proxied(main), keystore, urls.folder)
    return Urls(main, proxy.proxied(keystore), urls.folder)


async def until_ready(shop: Shop) -> None:
    async with asyncio.timeout(60):
        while (await shop.client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)


async def test_while_the_main_database_is_silent_every_caller_gets_503_and_then_goes_on(
    postgres_urls: Urls, proxy: SilentProxy
) -> None:
    async with open_shop(through(proxy, postgres_urls, "main"), **SHORT) as shop:
        ann = await shop.register("ann@example.org")
        bearer = {"authorization": f"Bearer {ann.token}"}

        proxy.silence()
        async with asyncio.timeout(60):
            reads = await asyncio.gather(*(shop.post(ME, **bearer) for _ in range(8)))
            login = await shop.ask("Login", identifier="ann@example.org", password=PASSWORD)
            form = {
                "grant_type": "client_credentials",
                "client_id": str(shop.organization.client_id),
                "client_secret": shop.organization.client_secret,
            }
            token = await shop.client.post("/oauth/token", data=form)
            readiness = await shop.client.get("/readyz")
            health = await shop.client.get("/healthz")

        for answer in (*reads, login):
            assert (answer.status, answer.body) == (503, {"errors": [UNAVAILABLE]})
            assert answer.headers["retry-after"] == "1"
        assert (token.status_code, token.headers["retry-after"]) == (503, "1")
        assert token.json()["error"] == "temporarily_unavailable"
        assert (readiness.status_code, readiness.json()["databases"]) == (503, {"main": "unavailable"})
        assert health.status_code == 200

        proxy.speak()
        await until_ready(shop)
        assert (await shop.post(ME, **bearer)).data["me"] == {"email": "ann@example.org"}
        assert (await shop.ask("Login", identifier="ann@example.org", password=PASSWORD)).payload("login")
        assert await shop.count("customers") == 1


async def test_while_the_key_store_is_silent_nothing_personal_is_written_and_readyz_names_it(
    postgres_urls: Urls, proxy: SilentProxy
) -> None:
    async with open_shop(through(proxy, postgres_urls, "keystore"), **SHORT) as shop:
        account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}
        before = await shop.counts()

        proxy.silence()
        async with asyncio.timeout(60):
            refused = await shop.ask("Register", input=account)
            readiness = await shop.client.get("/readyz")

        assert refused.status == 503
        assert refused.codes == ["UNAVAILABLE"]
        assert readiness.json() == {"status": "unavailable", "databases": {"keystore": "unavailable"}}
        assert await shop.counts() == before

        proxy.speak()
        await until_ready(shop)
        assert (await shop.ask("Register", input=account)).payload("register")


async def test_a_connection_that_timed_out_is_never_used_again(postgres_urls: Urls, proxy: SilentProxy) -> None:
    async with open_shop(through(proxy, postgres_urls, "main"), **SHORT) as shop:
        await shop.register("ann@example.org")
        before = proxy.connections

        proxy.silence()
        async with asyncio.timeout(60):
            while not shop.runtime.store.database.circuit.is_open:
                await shop.ask("Login", identifier="ann@example.org", password=PASSWORD)
                await asyncio.sleep(0.01)
        proxy.speak()
        await until_ready(shop)
        await shop.ask("Login", identifier="ann@example.org", password=PASSWORD)

        assert proxy.connections > before
        assert all(not reader.is_closed for reader in shop.runtime.store.database._read_pool._idle)


async def test_a_read_only_server_is_left_immediately(postgres_urls: Urls) -> None:
    async with open_shop(postgres_urls, database_connections=6) as shop:
        await asyncio.gather(*(shop.register(f"{name}@example.org") for name in ("ann", "ben", "cat")))
        circuit, name = shop.runtime.store.database.circuit, shop.runtime.store.database.url.database
        read_only = f"ALTER DATABASE {name} SET default_transaction_read_only"
        account = {"email": "dan@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}

        await postgres.execute(postgres_urls.keystore, f"{read_only} = on")
        circuit.close_connections()
        refused = await shop.ask("Register", input=account)
        await postgres.execute(postgres_urls.keystore, f"{read_only} = off")
        accepted = await shop.ask("Register", input=account)

        assert (refused.status, refused.codes) == (503, ["UNAVAILABLE"])
        assert accepted.payload("register")["customer"]["email"] == "dan@example.org"


async def test_a_lock_that_somebody_keeps_is_given_up(postgres_urls: Urls) -> None:
    async with open_shop(postgres_urls, database_lock_timeout=0.2) as shop:
        ann = await shop.register("ann@example.org")
        async with shop.runtime.store.database.engine.begin() as other:
            await other.exec_driver_sql("SELECT 1 FROM customers FOR UPDATE")
            update = {"query": 'mutation { updateCustomer(input: { firstName: "Ann" }) { userErrors { code } } }'}

            answer = await shop.post(update, authorization=f"Bearer {ann.token}")

        assert (answer.status, answer.codes) == (503, ["UNAVAILABLE"])
        assert (await shop.post(update, authorization=f"Bearer {ann.token}")).payload("updateCustomer")
