"""Ends a process within ten seconds of SIGTERM, whatever it waits for.

    seconds   what ends
    0         no new requests are accepted, the worker takes no new work
    6         requests that are still being answered are cancelled
    7         what the worker still does is cancelled
    9         the process exits where it is

Supervisors kill after ten (`docker stop`) or thirty seconds (Kubernetes).
"""

import asyncio
import os
import threading
from time import monotonic

import structlog

REQUESTS_SECONDS = 6
WORKER_SECONDS = 7
EXIT_SECONDS = 9

log = structlog.get_logger(__name__)


class Shutdown:
    """Whether the process was asked to end, and how much time is left."""

    def __init__(self) -> None:
        """Nobody asked yet."""
        self.requested = asyncio.Event()
        self._requested_at = 0.0

    def request(self) -> None:
        """Start the clock; asking again changes nothing."""
        if self.requested.is_set():
            return
        self._requested_at = monotonic()
        self.requested.set()
        # A thread: the event loop may be what does not end.
        timer = threading.Timer(EXIT_SECONDS, _exit)
        timer.daemon = True
        timer.start()

    async def finish(self, work: "asyncio.Task[None]") -> None:
        """Wait for work that ends by itself after `request`, and cancel it when its time is over."""
        self.request()
        left = self._requested_at + WORKER_SECONDS - monotonic()
        await asyncio.wait([work], timeout=max(0.1, left))
        if work.done():
            await work
        else:
            work.cancel()
            await asyncio.wait([work], timeout=1)


def _exit() -> None:
    log.warning("shutdown_forced", seconds=EXIT_SECONDS)
    os._exit(0)
