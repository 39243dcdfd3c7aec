"""Connections that reads keep to themselves: taking one from the pool each time costs as much as the query."""

import asyncio
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine


class Reader(NamedTuple):
    """A connection taken from the pool, and the driver's own inside it."""

    kept: Any
    driver: Any

    @property
    def is_closed(self) -> bool:
        """Whether the server went away in the meantime; a file does not."""
        is_closed = getattr(self.driver, "is_closed", None)
        return is_closed is not None and bool(is_closed())


class Readers:
    """At most `size` connections, taken from the engine's pool once and never given back before the end."""

    def __init__(self, engine: AsyncEngine, size: int) -> None:
        """Open nothing yet."""
        self._engine = engine
        self._places = asyncio.Semaphore(size)
        self._idle: list[Reader] = []

    async def take(self) -> Reader:
        """A connection for one read, the one used last; `put_back` it, whatever happens."""
        await self._places.acquire()
        try:
            while self._idle:
                reader = self._idle.pop()
                if not reader.is_closed:
                    return reader
                reader.kept.invalidate()
                reader.kept.close()
            kept = await self._engine.raw_connection()
        except BaseException:
            self._places.release()
            raise
        return Reader(kept, kept.driver_connection)

    def put_back(self, reader: Reader) -> None:
        """Let the next one read.

        Also after a reader that went away: the driver finishes or cancels what is under way before it does anything
        else. A broken connection is found out by the next reader.
        """
        self._idle.append(reader)
        self._places.release()

    def close(self) -> None:
        """Give all connections back to the pool."""
        while self._idle:
            self._idle.pop().kept.close()
