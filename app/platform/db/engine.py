"""One database: engine, connection pools, reads and transactions, the same on SQLite and PostgreSQL.

What it promises:

    rows, row      one compiled read on a connection of the read pool; sees committed rows only
    transaction    one session; committed when the block ends, rolled back when it raises
    pools          PostgreSQL: one engine of 2 x `pool_size`, at most `pool_size` of them for reads
                   SQLite: an engine for reads, and one of a single connection for the one writer it can have
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.db.read_pool import ReadConnectionPool
from app.platform.db.reading import Read
from app.platform.db.writing import DeferredWriteSession

Row = TypeVar("Row")

DRIVERS = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
BUSY_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """Options of the connection pools: up to `pool_size` connections for transactions, and as many for reads.

    `statement_cache_size` must be 0 behind a pgbouncer in transaction mode. `secure_delete` leaves no copy of a deleted
    row in a SQLite file: no write-ahead log, and freed pages are overwritten.
    """

    pool_size: int = 10
    statement_cache_size: int = 200
    secure_delete: bool = False


class Database:
    """Runs reads (`rows`, `row`) and transactions; neither sees uncommitted work of the other."""

    def __init__(self, url: str, options: DatabaseOptions | None = None) -> None:
        """Prepare the engines for `url` (`sqlite:///path` or `postgresql://…`); open no connection yet."""
        self._options = options or DatabaseOptions()
        parsed = make_url(url)
        self.url = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
        self.embedded = self.url.get_backend_name() == "sqlite"
        pool = self._options.pool_size
        self.engine = self._embedded_engine(self.url, 2 * pool) if self.embedded else self._server_engine(self.url)
        # SQLite has one writer at a time. Writers that wait for it must not use up the connections of reads.
        self._write_engine = self._embedded_engine(self.url, 1) if self.embedded else self.engine
        self._dialect = self.engine.dialect
        self._read_pool = ReadConnectionPool(self.engine, pool)
        self.on_statement: Callable[[str], None] | None = None
        for engine in {self.engine, self._write_engine}:
            event.listen(engine.sync_engine, "before_cursor_execute", self._before_cursor_execute)

    def _before_cursor_execute(self, _: object, __: object, statement: str, *___: object) -> None:
        self._notify(statement)

    def _notify(self, statement: str) -> None:
        """Report every statement sent to the driver. Tests count them: their number can be observed by timing."""
        if self.on_statement is not None:
            self.on_statement(statement)

    def _server_engine(self, url: URL) -> AsyncEngine:
        cache = self._options.statement_cache_size
        return create_async_engine(
            url,
            pool_size=2 * self._options.pool_size,
            max_overflow=0,
            # Reads never open a transaction and sessions end their own, so there is nothing to reset.
            pool_reset_on_return=None,
            hide_parameters=True,
            connect_args={"statement_cache_size": cache, "prepared_statement_cache_size": cache},
        )

    def _embedded_engine(self, url: URL, pool_size: int) -> AsyncEngine:
        if url.database:
            Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_reset_on_return=None,
            hide_parameters=True,
            # With the driver's own transactions, savepoints would outlive a rollback. `_begin` starts ours.
            connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_SECONDS},
        )
        event.listen(engine.sync_engine, "connect", self._configure)
        event.listen(engine.sync_engine, "begin", self._begin)
        return engine

    def _configure(self, connection: Any, _: object) -> None:
        cursor = connection.cursor()
        journal = "delete" if self._options.secure_delete else "wal"
        for pragma in (f"journal_mode={journal}", "foreign_keys=on", "synchronous=full", "secure_delete=on"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @staticmethod
    def _begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that starts by reading cannot become a writer while another one writes.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    async def rows(self, read: Read[Row], **parameters: object) -> list[Row]:
        """All rows of a compiled read, outside any transaction. Each call sees what was committed when it started.

        It takes a connection of its own. A caller inside a transaction therefore holds two, and enough such callers at
        the same time wait for each other for ever.
        """
        if self.on_statement is not None:
            self.on_statement(read.sql(self._dialect))
        reader = await self._read_pool.acquire()
        try:
            return await read.fetch(reader.driver, self._dialect, parameters)
        finally:
            self._read_pool.release(reader)

    async def row(self, read: Read[Row], **parameters: object) -> Row | None:
        """The first row of a compiled read, or None."""
        rows = await self.rows(read, **parameters)
        return rows[0] if rows else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits when the block ends and rolls back when it raises.

        The database transaction starts with the first statement, so slow work before it holds no connection and no
        lock.
        """
        async with DeferredWriteSession(self._write_engine, self._notify) as session:
            try:
                yield session
            except BaseException:
                await session.rollback()
                raise
            await session.commit()

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(sqlalchemy.text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        self._read_pool.close()
        await self.engine.dispose()
        await self._write_engine.dispose()
