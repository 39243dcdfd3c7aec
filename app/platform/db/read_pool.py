"""Connections that reads keep to themselves: taking one from the pool each time costs as much as the query."""

import asyncio
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine


class ReadConnection(NamedTuple):
    """A connection taken from the pool, and the driver's own inside it."""

    pooled: Any
    driver: Any

    @property
    def is_closed(self) -> bool:
        """Whether the server went away in the meantime; a file does not."""
        is_closed = getattr(self.driver, "is_closed", None)
        return is_closed is not None and bool(is_closed())


class ReadConnectionPool:
    """At most `size` connections, taken from the engine's pool once and never given back before the end."""

    def __init__(self, engine: AsyncEngine, size: int) -> None:
        """Open nothing yet."""
        self._engine = engine
        self._slots = asyncio.Semaphore(size)
        self._idle: list[ReadConnection] = []

    async def acquire(self) -> ReadConnection:
        """A connection for one read, the one used last; `release` it, whatever happens."""
        await self._slots.acquire()
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

    def release(self, reader: ReadConnection) -> None:
        """Let the next one read.

        Also after a reader that went away: the driver finishes or cancels what is under way before it does anything
        else. A broken connection is found out by the next reader.
        """
        self._idle.append(reader)
        self._slots.release()

    def close(self) -> None:
        """Give all connections back to the pool."""
        while self._idle:
            self._idle.pop().pooled.close()
