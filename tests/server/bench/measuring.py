"""Measurements: loads on both servers, hashes in a bare loop."""

import threading
import time
from dataclasses import dataclass
from statistics import median

from app.identity.passwords.hashing import PasswordHasher
from app.platform.settings import Settings
from tests.server.bench.load import Generator, LoadResult
from tests.server.bench.processes import MeasuredProcess
from tests.shop import PASSWORD


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians of several runs; milliseconds and responses per second."""

    per_second: float
    cpu: float
    p50: float
    p99: float
    errors: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Length and number of runs."""

    seconds: float
    runs: int


def measure(server: MeasuredProcess, generator: Generator, plan: Plan) -> Measured:
    """Load a server, after a second to warm up."""
    Generator.finish(generator.start(1))
    found = [_measure_once(server, generator, plan.seconds) for _ in range(plan.runs)]
    return Measured(
        median(load.per_second for load, _ in found),
        median(cpu / max(1, load.requests) * 1000 for load, cpu in found),
        median(load.p50 for load, _ in found),
        median(load.p99 for load, _ in found),
        sum(load.errors for load, _ in found),
    )


def _measure_once(server: MeasuredProcess, generator: Generator, seconds: float) -> tuple[LoadResult, float]:
    before = server.cpu_seconds
    load = Generator.finish(generator.start(seconds))
    return load, server.cpu_seconds - before


def measure_beside(server: MeasuredProcess, generator: Generator, other: Generator, plan: Plan) -> Measured:
    """The same while `other` also loads the server."""
    beside = other.start((plan.seconds + 1) * plan.runs + 3)
    try:
        return measure(server, generator, plan)
    finally:
        Generator.finish(beside)


def hashes_per_second(settings: Settings, seconds: float) -> float:
    """How many passwords per second the machine can verify with our parameters."""
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
