"""Connections that reads keep to themselves: taking one from the pool each time costs as much as the query."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine


class Readers:
    """At most `size` connections, taken from the engine's pool once and never given back before the end."""

    def __init__(self, engine: AsyncEngine, size: int) -> None:
        """Open nothing yet."""
        self._engine = engine
        self._places = asyncio.Semaphore(size)
        self._idle: list[Any] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """The driver's own connection, to one reader at a time; the one used last is used next."""
        async with self._places:
            kept = await self._take()
            try:
                yield kept.driver_connection
            finally:
                # Also when its reader went away: the driver finishes or cancels what is under way before it
                # does anything else. A broken one is found out by the next reader.
                self._idle.append(kept)

    async def _take(self) -> Any:
        while self._idle:
            kept = self._idle.pop()
            if not _is_closed(kept.driver_connection):
                return kept
            kept.invalidate()
            kept.close()
        return await self._engine.raw_connection()

    def close(self) -> None:
        """Give all connections back to the pool."""
        while self._idle:
            self._idle.pop().close()


def _is_closed(connection: Any) -> bool:
    """Whether the server went away in the meantime; a file does not."""
    is_closed = getattr(connection, "is_closed", None)
    return is_closed is not None and bool(is_closed())
