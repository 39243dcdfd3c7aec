"""50 logins at once: how much memory they take, and what they do to `me` beside them.

`python -m tests.server.bench.logins`: an embedded database, one server process, argon2 parameters as shipped.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from rich.console import Console

from app.platform.db.migrating import Line, migrate
from app.platform.settings import Settings
from app.server.house import databases, open_house
from tests.house import CONTRACT, MASTER_KEY, PASSWORD, Shop, make_shop
from tests.server.bench.processes import Watched, patron

PARALLEL = 50
SAMPLES = 300
console = Console(width=120)


async def shop_in(folder: Path) -> tuple[Settings, Shop]:
    """Settings of a house on new databases in `folder`, and its shop."""
    settings = Settings(
        var_dir=folder,
        database_url=SecretStr(f"sqlite:///{folder / 'main.db'}"),
        keystore_url=SecretStr(f"sqlite:///{folder / 'keystore.db'}"),
        master_key=SecretStr(MASTER_KEY),
        embedded_worker=False,
        rate_limit_scale=10_000,
    )
    for database, line in zip(databases(settings), Line, strict=True):
        await migrate(database, line)
        await database.close()
    async with open_house(settings) as house:
        return settings, await make_shop(house, "first")


class Front:
    """A front end that talks to a server."""

    def __init__(self, client: httpx.AsyncClient, shop: Shop) -> None:
        """Send requests for `shop`."""
        self._client = client
        self._headers = {"x-api-key": shop.key}

    async def ask(self, name: str, token: str | None = None, **variables: Any) -> Any:
        """The data of one of the contract's operations."""
        headers = self._headers | ({"authorization": f"Bearer {token}"} if token else {})
        body = {"query": CONTRACT[name], "variables": variables}
        return (await self._client.post("/graphql", json=body, headers=headers)).json()["data"]

    async def register(self, email: str) -> str:
        """Open an account; its access token."""
        account = {"email": email, "password": PASSWORD, "passwordConfirmation": PASSWORD}
        token: str = (await self.ask("Register", input=account))["register"]["tokens"]["accessToken"]
        return token


@asynccontextmanager
async def front(url: str, shop: Shop) -> AsyncIterator[Front]:
    """A front end with as many connections as it likes."""
    limits = httpx.Limits(max_connections=PARALLEL * 2)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        yield Front(client, shop)


async def latencies(ask: Callable[[], Awaitable[Any]], count: int = SAMPLES) -> list[float]:
    """How long each of `count` requests took, one after the other; milliseconds, sorted."""
    found = []
    for _ in range(count):
        started = time.perf_counter()
        await ask()
        found.append((time.perf_counter() - started) * 1000)
    return sorted(found)


def p99(sorted_values: list[float]) -> float:
    """The 99th percentile."""
    return sorted_values[int(len(sorted_values) * 0.99)]


async def _keep_logging_in(asking: Front, number: int, stop: asyncio.Event) -> tuple[int, int]:
    done = refused = 0
    while not stop.is_set():
        answer = (await asking.ask("Login", identifier=f"c{number}@example.org", password=PASSWORD))["login"]
        done, refused = (done + 1, refused) if answer["tokens"] else (done, refused + 1)
    return done, refused


async def _measure(server: Watched, shop: Shop) -> None:
    async with front(server.url, shop) as asking:
        tokens = [await asking.register(f"c{number}@example.org") for number in range(PARALLEL)]
        idle_memory = server.memory_mib
        idle = await latencies(lambda: asking.ask("Me", tokens[0]))
        stop, started, peak = asyncio.Event(), time.perf_counter(), 0.0
        logins = [asyncio.create_task(_keep_logging_in(asking, number, stop)) for number in range(PARALLEL)]

        async def watched() -> None:
            nonlocal peak
            await asking.ask("Me", tokens[0])
            peak = max(peak, server.memory_mib)

        beside = await latencies(watched)
        stop.set()
        done = await asyncio.gather(*logins)
    seconds = time.perf_counter() - started
    console.print(f"logins: {sum(one for one, _ in done) / seconds:.1f} a second, {PARALLEL} at once")
    console.print(f"refused because the queue was full: {sum(one for _, one in done)}")
    console.print(f"memory: {idle_memory:.0f} MiB idle, {peak:.0f} MiB at most beside the logins")
    console.print(
        f"p99 of Me: {p99(idle):.1f} ms idle, {p99(beside):.1f} ms beside: {p99(beside) / p99(idle):.1f} times"
    )


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="patron-logins-") as name:
        settings, shop = asyncio.run(shop_in(Path(name)))
        with patron(settings) as server:
            asyncio.run(_measure(server, shop))


if __name__ == "__main__":
    main()
