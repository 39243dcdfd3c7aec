"""The job runner: runs background jobs until it is stopped, and records how each run ended."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter

from app.platform.clock import now
from app.platform.db.engine import Database
from app.platform.jobs import states
from app.platform.logs import log_exception

# How often a worker checks whether an exclusive job is due.
LOOK_INTERVAL = timedelta(seconds=10)
RETRY_INTERVAL = timedelta(minutes=1)
# A job that runs every second would otherwise write a row every second.
RECORD_INTERVAL = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Job:
    """A background job; `run` returns how many rows it handled.

    | `exclusive` | who runs it | after a failure |
    |---|---|---|
    | False | every worker, at its own interval; the job locks what it works on | at the next interval |
    | True | one worker in each interval, the first that checks | after a minute |
    """

    name: str
    interval: timedelta
    run: Callable[[], Awaitable[int]]
    exclusive: bool = False


async def run_jobs(database: Database, jobs: list[Job], stop: asyncio.Event) -> None:
    """Run every job at its interval until `stop` is set; the current run of each is finished first."""
    await asyncio.gather(*(_JobLoop(database, job).run(stop) for job in jobs))


class _JobLoop:
    """The loop of one job in one worker."""

    def __init__(self, database: Database, job: Job) -> None:
        self._database = database
        self._job = job
        self._recorded_at = now() - RECORD_INTERVAL

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. The loop survives failures of the job and of the database."""
        pause = min(self._job.interval, LOOK_INTERVAL) if self._job.exclusive else self._job.interval
        while not stop.is_set():
            try:
                await self._run_if_due()
            except Exception as error:  # noqa: BLE001 - the state could not be read or written: the database is away
                log_exception("job_state_unavailable", error, job=self._job.name)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause.total_seconds())

    async def _run_if_due(self) -> None:
        job = self._job
        if job.exclusive and not await states.take_if_due(
            self._database, job.name, moment=now(), interval=job.interval
        ):
            return
        started = perf_counter()
        try:
            count = await job.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is logged, recorded and tried again
            log_exception("job_failed", error, job=job.name)
            await self._record_failure(perf_counter() - started)
        else:
            await self._record_success(perf_counter() - started, count)

    async def _record_success(self, seconds: float, count: int) -> None:
        moment = now()
        if not self._job.exclusive and moment - self._recorded_at < RECORD_INTERVAL:
            return
        await states.record_success(self._database, self._job.name, ended_at=moment, seconds=seconds, count=count)
        self._recorded_at = moment

    async def _record_failure(self, seconds: float) -> None:
        moment = now()
        retry_at = moment + min(RETRY_INTERVAL, self._job.interval)
        await states.record_failure(self._database, self._job.name, ended_at=moment, seconds=seconds, retry_at=retry_at)
        # Record the next success, so that the table shows the end of the failure.
        self._recorded_at = moment - RECORD_INTERVAL
