"""Connection pool for reads: keeps connections checked out, as checking one out costs as much as a query."""

import asyncio
from typing import Any, NamedTuple

from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine


class ReadConnection(NamedTuple):
    """A connection of the engine's pool, with the driver's own connection inside it."""

    pooled: Any
    driver: Any

    @property
    def is_closed(self) -> bool:
        """Whether the server closed the connection. A SQLite connection never is."""
        is_closed = getattr(self.driver, "is_closed", None)
        return is_closed is not None and bool(is_closed())


class ReadConnectionPool:
    """At most `size` connections, taken from the engine's pool when first needed and kept until `close`.

    What a caller may rely on:

        acquire   waits at most `timeout` seconds while all `size` connections are in use; drops closed connections
        release   must follow every `acquire`, also after a failure
        close     returns all idle connections to the engine's pool
    """

    def __init__(self, engine: AsyncEngine, size: int, timeout: float) -> None:
        """Open no connection yet; wait for one at most `timeout` seconds."""
        self._timeout = timeout
        self._engine = engine
        self._slots = asyncio.Semaphore(size)
        self._idle: list[ReadConnection] = []

    async def acquire(self) -> ReadConnection:
        """A connection for one read, the most recently used first. The caller must `release` it in any case."""
        await self._acquire_slot()
        try:
            while self._idle:
                reader = self._idle.pop()
                if not reader.is_closed:
                    return reader
                reader.pooled.invalidate()
                reader.pooled.close()
            pooled = await self._engine.raw_connection()
        except BaseException:
            self._slots.release()
            raise
        return ReadConnection(pooled, pooled.driver_connection)

    async def _acquire_slot(self) -> None:
        # A timer costs more than a free slot.
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise PoolTimeout from None

    def release(self, reader: ReadConnection) -> None:
        """Make the connection available to the next read.

        This is safe after a failed or cancelled read: the driver finishes or cancels the current statement before it
        starts another. `acquire` detects a broken connection.
        """
        self._idle.append(reader)
        self._slots.release()

    def close(self) -> None:
        """Return all connections to the engine's pool."""
        while self._idle:
            self._idle.pop().pooled.close()
