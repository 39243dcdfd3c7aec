"""50 concurrent logins: their memory, and their effect on concurrent `me` queries.

`python -m tests.server.bench.logins`: an embedded database, one server process, default argon2 parameters.
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

from app.platform.db.migrating import migrate
from app.platform.db.revisions import DatabaseKind
from app.platform.settings import Settings
from app.server.runtime import databases, open_runtime
from tests.server.bench.processes import MeasuredProcess, served_patron
from tests.shop import CONTRACT, MASTER_KEY, PASSWORD, SeededOrganization, seed_organization

PARALLEL = 50
SAMPLES = 300
console = Console(width=120)


async def organization_in(folder: Path) -> tuple[Settings, SeededOrganization]:
    """Settings of a runtime on new databases in `folder`, and its organization."""
    settings = Settings(
        var_dir=folder,
        database_url=SecretStr(f"sqlite:///{folder / 'main.db'}"),
        keystore_url=SecretStr(f"sqlite:///{folder / 'keystore.db'}"),
        master_key=SecretStr(MASTER_KEY),
        embedded_worker=False,
        rate_limit_scale=10_000,
    )
    for database, kind in zip(databases(settings), DatabaseKind, strict=True):
        await migrate(database, kind)
        await database.close()
    async with open_runtime(settings) as runtime:
        return settings, await seed_organization(runtime, "first")


class FrontEnd:
    """A client that sends requests to a server."""

    def __init__(self, client: httpx.AsyncClient, organization: SeededOrganization) -> None:
        """Send requests for `organization`."""
        self._client = client
        self._headers = {"x-api-key": organization.key}

    async def ask(self, name: str, token: str | None = None, **variables: Any) -> Any:
        """The data of one of the contract's operations."""
        headers = self._headers | ({"authorization": f"Bearer {token}"} if token else {})
        body = {"query": CONTRACT[name], "variables": variables}
        return (await self._client.post("/graphql", json=body, headers=headers)).json()["data"]

    async def register(self, email: str) -> str:
        """Register; return the access token."""
        account = {"email": email, "password": PASSWORD, "passwordConfirmation": PASSWORD}
        token: str = (await self.ask("Register", input=account))["register"]["tokens"]["accessToken"]
        return token


@asynccontextmanager
async def open_front_end(url: str, organization: SeededOrganization) -> AsyncIterator[FrontEnd]:
    """A client without a limit of connections."""
    limits = httpx.Limits(max_connections=PARALLEL * 2)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        yield FrontEnd(client, organization)


async def latencies(ask: Callable[[], Awaitable[Any]], count: int = SAMPLES) -> list[float]:
    """The times of `count` requests in sequence; milliseconds, sorted."""
    found = []
    for _ in range(count):
        started = time.perf_counter()
        await ask()
        found.append((time.perf_counter() - started) * 1000)
    return sorted(found)


def p99(sorted_values: list[float]) -> float:
    """The 99th percentile."""
    return sorted_values[int(len(sorted_values) * 0.99)]


async def _keep_logging_in(front_end: FrontEnd, number: int, stop: asyncio.Event) -> tuple[int, int]:
    done = refused = 0
    while not stop.is_set():
        answer = (await front_end.ask("Login", identifier=f"c{number}@example.org", password=PASSWORD))["login"]
        done, refused = (done + 1, refused) if answer["tokens"] else (done, refused + 1)
    return done, refused


async def _measure(server: MeasuredProcess, organization: SeededOrganization) -> None:
    async with open_front_end(server.url, organization) as front_end:
        tokens = [await front_end.register(f"c{number}@example.org") for number in range(PARALLEL)]
        idle_memory = server.memory_mib
        idle = await latencies(lambda: front_end.ask("Me", tokens[0]))
        stop, started, peak = asyncio.Event(), time.perf_counter(), 0.0
        logins = [asyncio.create_task(_keep_logging_in(front_end, number, stop)) for number in range(PARALLEL)]

        async def ask_and_sample_memory() -> None:
            nonlocal peak
            await front_end.ask("Me", tokens[0])
            peak = max(peak, server.memory_mib)

        beside = await latencies(ask_and_sample_memory)
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
        settings, organization = asyncio.run(organization_in(Path(name)))
        with served_patron(settings) as server:
            asyncio.run(_measure(server, organization))


if __name__ == "__main__":
    main()
