"""Measures: loads on both servers, hashes in a bare loop, round trips on the wire."""

import threading
import time
from dataclasses import dataclass
from statistics import median

import httpx
from pydantic import SecretStr

from app.house import open_house
from app.passwords.hashing import PasswordHasher
from app.settings import Settings
from app.web import create_web
from tests.bench.load import Generator, Load
from tests.bench.operations import NUMBER, Request
from tests.bench.processes import Watched
from tests.bench.town import Town
from tests.bench.wire import counted
from tests.house import PASSWORD


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians of several runs; milliseconds and answers a second."""

    per_second: float
    cpu: float
    p50: float
    p99: float
    errors: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often."""

    seconds: float
    runs: int


def measure(server: Watched, generator: Generator, plan: Plan) -> Measured:
    """Load a server, after a second to warm up."""
    Generator.finish(generator.start(1))
    found = [_one(server, generator, plan.seconds) for _ in range(plan.runs)]
    return Measured(
        median(load.per_second for load, _ in found),
        median(cpu / max(1, load.requests) * 1000 for load, cpu in found),
        median(load.p50 for load, _ in found),
        median(load.p99 for load, _ in found),
        sum(load.errors for load, _ in found),
    )


def _one(server: Watched, generator: Generator, seconds: float) -> tuple[Load, float]:
    before = server.cpu_seconds
    load = Generator.finish(generator.start(seconds))
    return load, server.cpu_seconds - before


def measure_beside(server: Watched, generator: Generator, other: Generator, plan: Plan) -> Measured:
    """The same while `other` loads the server, too."""
    beside = other.start((plan.seconds + 1) * plan.runs + 3)
    try:
        return measure(server, generator, plan)
    finally:
        Generator.finish(beside)


def hashes_per_second(settings: Settings, seconds: float) -> float:
    """How many passwords the machine can verify with our parameters when it does nothing else."""
    hasher = PasswordHasher(settings.argon2_memory, settings.argon2_iterations, settings.argon2_parallel)
    stored = hasher._hash(PASSWORD.encode())
    deadline = time.perf_counter() + seconds
    done = [0] * settings.argon2_parallel

    def loop(index: int) -> None:
        while time.perf_counter() < deadline:
            hasher._context.verify(PASSWORD, stored)
            done[index] += 1

    threads = [threading.Thread(target=loop, args=(index,)) for index in range(settings.argon2_parallel)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hasher.close()
    return sum(done) / (time.perf_counter() - started)


async def round_trips(settings: Settings, town: Town, operations: dict[str, list[Request]]) -> dict[str, int]:
    """How often one operation waits for PostgreSQL, when connections, statements and keys are there already."""
    async with counted(settings.database_url.get_secret_value()) as wire:
        urls = {
            name: SecretStr(wire.through(getattr(settings, name).get_secret_value()))
            for name in ("database_url", "keystore_url")
        }
        async with open_house(settings.model_copy(update={**urls, "database_pool_size": 1})) as house:
            transport = httpx.ASGITransport(create_web(house))
            async with httpx.AsyncClient(transport=transport, base_url="http://patron.test") as client:
                found = {}
                for name, requests in operations.items():
                    counts = []
                    for number in range(5):
                        before = wire.round_trips
                        await _send(client, town, requests[0], number)
                        counts.append(wire.round_trips - before)
                    # The least of them: now and then the house does something of its own in between.
                    found[name] = min(counts)
                return found


async def _send(client: httpx.AsyncClient, town: Town, request: Request, number: int) -> None:
    headers = {"x-api-key": town.key, "content-type": "application/json"}
    if request.token:
        headers["authorization"] = f"Bearer {request.token}"
    body = request.body.replace(NUMBER, f"trip{number}")
    answer = await client.post("/graphql", content=body, headers=headers)
    if answer.status_code != 200 or '"errors":' in answer.text or '"userErrors":[{' in answer.text:
        raise RuntimeError(answer.text)
