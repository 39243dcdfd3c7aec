"""Tracking of the last use of API clients: written in the background, at most once a minute per client."""

import asyncio
from datetime import timedelta
from time import monotonic
from uuid import UUID

import structlog
from sqlalchemy import or_, update
from sqlmodel import col

from app.accounts.organizations.tables import ApiClient
from app.platform.clock import now
from app.platform.db.engine import Database

log = structlog.get_logger(__name__)

WRITE_INTERVAL = timedelta(minutes=1)
CLIENTS_MAX = 10_000


class LastUsedTracker:
    """Writes the last use of clients in background tasks."""

    def __init__(self, database: Database) -> None:
        """Store the last use in `database`."""
        self._database = database
        self._last_writes: dict[UUID, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def touch(self, client_id: UUID) -> None:
        """Record that the client is used now. Returns immediately."""
        moment = monotonic()
        if moment - self._last_writes.get(client_id, float("-inf")) < WRITE_INTERVAL.total_seconds():
            return
        if len(self._last_writes) >= CLIENTS_MAX:
            self._last_writes.clear()
        self._last_writes[client_id] = moment
        task = asyncio.create_task(self._write(client_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait for all pending writes."""
        await asyncio.gather(*self._tasks)

    async def _write(self, client_id: UUID) -> None:
        moment = now()
        # The condition keeps several processes from writing more than once a minute together.
        outdated = or_(col(ApiClient.last_used_at).is_(None), col(ApiClient.last_used_at) < moment - WRITE_INTERVAL)
        try:
            async with self._database.transaction() as session:
                await session.exec(
                    update(ApiClient).where(col(ApiClient.id) == client_id, outdated).values(last_used_at=moment)
                )
        except Exception as fault:  # noqa: BLE001 - no caller depends on it, and a later use is written again
            log.warning("last_use_not_written", kind=type(fault).__qualname__)
