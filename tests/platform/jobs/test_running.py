"""Background jobs: who runs one, and what is kept of how it ended."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.platform.clock import now
from app.platform.jobs import running, states
from app.platform.jobs.running import Job, run_jobs
from tests.shop import Shop

HOUR = timedelta(hours=1)


async def look_once(shop: Shop, *jobs: Job, workers: int = 1) -> None:
    """Every worker looks at every job once, all at the same time."""
    database = shop.runtime.store.database
    await asyncio.gather(*(running._JobLoop(database, job)._run_if_due() for job in jobs for _ in range(workers)))


def counting(runs: list[str], name: str, count: int = 3) -> Callable[[], Awaitable[int]]:
    async def run() -> int:
        runs.append(name)
        return count

    return run


async def broken() -> int:
    message = "the address ann@example.org"
    raise RuntimeError(message)


async def test_one_worker_in_an_interval_runs_an_exclusive_job(shop: Shop) -> None:
    runs: list[str] = []
    sweep = Job("sweep", HOUR, counting(runs, "sweep"), exclusive=True)
    other = Job("other", HOUR, counting(runs, "other"), exclusive=True)

    await look_once(shop, sweep, other, workers=4)
    await look_once(shop, sweep, other, workers=4)

    assert sorted(runs) == ["other", "sweep"]


async def test_an_exclusive_job_is_due_again_after_its_interval(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    sweep = Job("sweep", HOUR, counting(runs, "sweep"), exclusive=True)
    await look_once(shop, sweep)

    later = now() + timedelta(minutes=59)
    monkeypatch.setattr("app.platform.jobs.running.now", lambda: later)
    await look_once(shop, sweep)
    assert runs == ["sweep"]

    latest = now() + timedelta(minutes=61)
    monkeypatch.setattr("app.platform.jobs.running.now", lambda: latest)
    await look_once(shop, sweep, workers=3)
    assert runs == ["sweep", "sweep"]


async def test_a_job_that_is_not_exclusive_runs_on_every_worker(shop: Shop) -> None:
    runs: list[str] = []

    await look_once(shop, Job("deliver", timedelta(seconds=1), counting(runs, "deliver")), workers=3)

    assert runs == ["deliver"] * 3


async def test_a_success_is_kept_with_its_count_and_duration(shop: Shop) -> None:
    before = now()
    await look_once(shop, Job("sweep", HOUR, counting([], "sweep", count=7), exclusive=True))

    (state,) = await states.all_states(shop.runtime.store.database)

    assert state.name == "sweep"
    assert state.last_count == 7
    assert state.last_milliseconds is not None
    assert state.last_success_at is not None
    assert before <= state.last_success_at <= now()
    assert state.last_failure_at is None


async def test_a_failure_names_its_job_is_kept_and_tried_again_within_a_minute(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(running, "log_exception", lambda event, _, **ids: logged.append((event, ids)))
    await look_once(shop, Job("sweep", HOUR, broken, exclusive=True))

    (state,) = await states.all_states(shop.runtime.store.database)

    assert logged == [("job_failed", {"job": "sweep"})]
    assert state.last_success_at is None
    assert state.last_failure_at is not None
    assert state.due_at <= now() + timedelta(minutes=1)


async def test_another_job_goes_on_while_one_fails(shop: Shop) -> None:
    stop = asyncio.Event()
    runs: list[str] = []

    async def work() -> int:
        runs.append("work")
        if len(runs) == 3:
            stop.set()
        return 0

    fast = timedelta(milliseconds=1)
    await run_jobs(shop.runtime.store.database, [Job("broken", fast, broken), Job("work", fast, work)], stop)

    assert runs == ["work"] * 3
    kept = {state.name: state for state in await states.all_states(shop.runtime.store.database)}
    assert kept["broken"].last_failure_at is not None
    assert kept["work"].last_success_at is not None


async def test_frequent_successes_are_recorded_twice_a_minute_at_most(shop: Shop) -> None:
    loop = running._JobLoop(shop.runtime.store.database, Job("deliver", timedelta(seconds=1), counting([], "x")))
    await loop._run_if_due()
    (first,) = await states.all_states(shop.runtime.store.database)

    await loop._run_if_due()

    assert await states.all_states(shop.runtime.store.database) == [first]
