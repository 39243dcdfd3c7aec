"""Outages of a database: which failures are one, a circuit breaker, and connections that are thrown away.

failure                                     what follows
no answer in time, connection lost/refused  `DatabaseUnavailable`; the connection is closed; a probe starts
the probe fails                             circuit open: all connections are closed, every use fails immediately
the probe succeeds (one try a second)       circuit closed: the next use opens a new connection
read-only server (25006)                    `DatabaseUnavailable`; all connections are closed: the next one is looked
                                            for anew among the hosts of the URL
lock not granted, too many connections,     `DatabaseUnavailable`; nothing is closed
none free in the pool, SQLite file busy

A process knows only what it has met itself: each has circuits of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any
from weakref import WeakSet

import structlog
from sqlalchemy.exc import TimeoutError as PoolTimeout

RETRY_SECONDS = 1.0
LOG_SECONDS = 1.0
READ_ONLY = "25006"
# SQLSTATE: class 08 is "connection exception".
CONNECTION_CLASS = "08"
SHUTTING_DOWN = frozenset({"57P01", "57P02", "57P03"})
BUSY = frozenset({"53300", "55P03", "57014"})
EMBEDDED = ("database is locked", "unable to open database file", "disk I/O error")

log = structlog.get_logger(__name__)


class DatabaseUnavailable(Exception):
    """A database does not answer, or cannot do it now: nothing is known to be wrong with the request; try again.

    `already_logged`: the outage is logged here, at most once a second, and not for every request it fails.
    """

    already_logged = True
    retry_after_seconds = 1

    def __init__(self, name: str) -> None:
        """Name the database, without its address."""
        super().__init__(f"The {name} database is not available.")
        self.name = name


class CircuitBreaker:
    """Whether one database can be used, and its open connections."""

    def __init__(self, name: str, probe: Callable[[], Awaitable[None]]) -> None:
        """`probe` opens a connection of its own and raises unless the database answers on it."""
        self.name = name
        self.is_open = False
        self._probe = probe
        self._connections: WeakSet[Any] = WeakSet()
        self._probing: asyncio.Task[None] | None = None
        self._logged_at = -LOG_SECONDS

    def check(self) -> None:
        """Raise `DatabaseUnavailable` while the database is known not to answer."""
        if self.is_open:
            raise DatabaseUnavailable(self.name)

    def add(self, connection: Any) -> None:
        """Remember a connection that was opened."""
        self._connections.add(connection)

    def unavailable(self, fault: BaseException) -> DatabaseUnavailable | None:
        """What to raise in place of `fault` when it is an outage of the database; None when it is something else."""
        if isinstance(fault, DatabaseUnavailable):
            return fault
        original = getattr(fault, "orig", None) or fault
        state = _sqlstate(original)
        if state == READ_ONLY:
            self.close_connections()
        elif _is_lost(original, state):
            self._start_probing()
        elif state not in BUSY and not isinstance(fault, PoolTimeout) and not _is_busy_file(original):
            return None
        self._log(original, state)
        return DatabaseUnavailable(self.name)

    def close_connections(self) -> None:
        """Close all connections immediately: what waits on one fails, pools open new ones."""
        for connection in list(self._connections):
            with suppress(Exception):
                connection.terminate()
        self._connections.clear()

    async def close(self) -> None:
        """Stop probing."""
        if self._probing is not None:
            self._probing.cancel()
            with suppress(asyncio.CancelledError):
                await self._probing

    def _start_probing(self) -> None:
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._until_it_answers())

    async def _until_it_answers(self) -> None:
        while True:
            try:
                await self._probe()
            except Exception as fault:  # noqa: BLE001 - whatever keeps the probe from an answer
                if _sqlstate(fault) and not _is_lost(fault, _sqlstate(fault)):
                    break  # It answered, if only with a refusal.
                self._open(fault)
            else:
                break
            await asyncio.sleep(RETRY_SECONDS)
        if self.is_open:
            self.is_open = False
            log.warning("database_available", database=self.name)

    def _open(self, fault: BaseException) -> None:
        self.is_open = True
        self._log(fault, _sqlstate(fault))
        self.close_connections()

    def _log(self, fault: BaseException, state: str | None) -> None:
        if monotonic() - self._logged_at >= LOG_SECONDS:
            self._logged_at = monotonic()
            # Without its message: that of a driver may quote the statement's values.
            log.error("database_unavailable", database=self.name, kind=type(fault).__qualname__, sqlstate=state)


def is_lost(fault: BaseException) -> bool:
    """Whether the connection a failure came from can be of no more use."""
    state = _sqlstate(fault)
    return state == READ_ONLY or _is_lost(fault, state)


def _is_lost(fault: BaseException, state: str | None) -> bool:
    if state:
        return state.startswith(CONNECTION_CLASS) or state in SHUTTING_DOWN
    # The driver's own: "connection is closed", "the underlying connection is closed", "… was closed in the middle …".
    return isinstance(fault, OSError) or (type(fault).__name__ == "InterfaceError" and "clos" in str(fault))


def _sqlstate(fault: BaseException) -> str | None:
    found = getattr(fault, "sqlstate", None)
    return found if isinstance(found, str) else None


def _is_busy_file(fault: BaseException) -> bool:
    return "sqlite" in type(fault).__module__ and any(one in str(fault) for one in EMBEDDED)
