"""Idle connections: closes those of PostgreSQL that nobody has used for a while, so that the server gets them back.

The pools notice when they next reach for one, and open another.
"""

import asyncio
from typing import Any


class IdleConnections:
    """The driver's connections that nobody uses at the moment, each with the time since when."""

    def __init__(self, seconds: float) -> None:
        """Close what was idle for this long; 0 is never."""
        self._seconds = seconds
        self._idle_since: dict[Any, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def use(self, connection: Any) -> None:
        """Somebody takes the connection."""
        self._idle_since.pop(connection, None)

    def release(self, connection: Any) -> None:
        """Nobody uses the connection any more."""
        if not self._seconds or connection.is_closed():
            return
        loop = asyncio.get_running_loop()
        self._idle_since[connection] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._close_idle, loop)

    def stop(self) -> None:
        """Close nothing any more."""
        self._idle_since.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close_idle(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        before = loop.time() - self._seconds
        for connection, since in list(self._idle_since.items()):
            if since <= before:
                del self._idle_since[connection]
                if not connection.is_closed():
                    connection.terminate()
        if self._idle_since:
            oldest = min(self._idle_since.values())
            self._timer = loop.call_at(oldest + self._seconds, self._close_idle, loop)
