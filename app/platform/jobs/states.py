"""Reads and writes the states of background jobs: when each is due, and how its last run ended."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, update
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.db.engine import Database
from app.platform.db.inserts import insert_if_absent
from app.platform.db.reading import Read, columns
from app.platform.db.writing import Write, execute
from app.platform.jobs.tables import JobState


class State(NamedTuple):
    """A row of `job_states`."""

    name: str
    due_at: datetime
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_milliseconds: int | None
    last_count: int | None


_TABLE: type[SQLModel] = JobState
_ALL = Read(select(*columns(_TABLE, State)).order_by(col(JobState.name)), State._make)
_ONE = Read(select(*columns(_TABLE, State)).where(col(JobState.name) == bindparam("name")), State._make)
_TAKE: Write[Any] = Write(
    update(JobState)
    .where(col(JobState.name) == bindparam("job"), col(JobState.due_at) <= bindparam("moment"))
    .values(due_at=bindparam("next_due_at"))
    .returning(col(JobState.name))
)
_SUCCEEDED: Write[Any] = Write(
    update(JobState)
    .where(col(JobState.name) == bindparam("job"))
    .values(
        last_success_at=bindparam("ended_at"),
        last_milliseconds=bindparam("milliseconds"),
        last_count=bindparam("row_count"),
    )
)
_FAILED: Write[Any] = Write(
    update(JobState)
    .where(col(JobState.name) == bindparam("job"))
    .values(
        last_failure_at=bindparam("ended_at"),
        last_milliseconds=bindparam("milliseconds"),
        due_at=bindparam("next_due_at"),
    )
)


async def all_states(database: Database) -> list[State]:
    """The states of all jobs that ever ran, by name."""
    return await database.rows(_ALL)


async def take_if_due(database: Database, name: str, *, moment: datetime, interval: timedelta) -> bool:
    """Whether this worker is to run the job now; if so, the next run is due an `interval` later, for all workers.

    A worker that dies during the run leaves the job to the next interval. The first check takes no lock.
    """
    state = await database.row(_ONE, name=name)
    if state is not None and state.due_at > moment:
        return False
    async with database.transaction() as session:
        if state is None and await _add(session, name, due_at=moment + interval):
            return True
        return bool(await execute(session, _TAKE, job=name, moment=moment, next_due_at=moment + interval))


async def record_success(database: Database, name: str, *, ended_at: datetime, seconds: float, count: int) -> None:
    """Record a run that handled `count` rows in `seconds`."""
    async with database.transaction() as session:
        await _add(session, name, due_at=ended_at)
        await execute(
            session, _SUCCEEDED, job=name, ended_at=ended_at, milliseconds=round(1000 * seconds), row_count=count
        )


async def record_failure(
    database: Database, name: str, *, ended_at: datetime, seconds: float, retry_at: datetime
) -> None:
    """Record a run that raised; any worker tries again at `retry_at`."""
    async with database.transaction() as session:
        await _add(session, name, due_at=retry_at)
        await execute(
            session, _FAILED, job=name, ended_at=ended_at, milliseconds=round(1000 * seconds), next_due_at=retry_at
        )


async def _add(session: AsyncSession, name: str, *, due_at: datetime) -> bool:
    return await insert_if_absent(session, JobState, name=name, due_at=due_at)
