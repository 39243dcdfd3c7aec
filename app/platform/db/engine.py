"""One database: its connections, its reads and its transactions, the same on SQLite and PostgreSQL."""

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
    """How connections are kept: up to `pool_size` for transactions, and as many for reads.

    `statement_cache_size` 0 is needed behind a transaction-mode pgbouncer.
    `secure_delete` leaves no copy of a deleted row in a SQLite file: no write-ahead log, freed pages overwritten.
    """

    pool_size: int = 10
    statement_cache_size: int = 200
    secure_delete: bool = False


class Database:
    """Reads go through `rows`, writes through `transaction`; neither can see the other's half-done work."""

    def __init__(self, url: str, options: DatabaseOptions | None = None) -> None:
        """Prepare the connections to `url` (`sqlite:///path` or `postgresql://…`); nothing is opened yet."""
        self._options = options or DatabaseOptions()
        parsed = make_url(url)
        self.url = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
        self.embedded = self.url.get_backend_name() == "sqlite"
        pool = self._options.pool_size
        self.engine = self._embedded_engine(self.url, 2 * pool) if self.embedded else self._server_engine(self.url)
        # SQLite has one writer at a time: those who wait for it must not keep connections from those who read.
        self._write_engine = self._embedded_engine(self.url, 1) if self.embedded else self.engine
        self._dialect = self.engine.dialect
        self._read_pool = ReadConnectionPool(self.engine, pool)
        self.on_statement: Callable[[str], None] | None = None
        for engine in {self.engine, self._write_engine}:
            event.listen(engine.sync_engine, "before_cursor_execute", self._before_cursor_execute)

    def _before_cursor_execute(self, _: object, __: object, statement: str, *___: object) -> None:
        self._notify(statement)

    def _notify(self, statement: str) -> None:
        """Tell `on_statement` of everything that goes to the driver; tests count what an outsider could time."""
        if self.on_statement is not None:
            self.on_statement(statement)

    def _server_engine(self, url: URL) -> AsyncEngine:
        cache = self._options.statement_cache_size
        return create_async_engine(
            url,
            pool_size=2 * self._options.pool_size,
            max_overflow=0,
            # Reads never open a transaction and sessions end their own: there is nothing to reset.
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
            # The driver's own transactions would let savepoints outlive a rollback: ours begin in `_begin`.
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
        # A transaction that starts as a reader cannot become a writer while another one writes.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    async def rows(self, read: Read[Row], **parameters: object) -> list[Row]:
        """All rows of a prepared read, outside any transaction: each sees what was committed when it started.

        It takes a connection of its own: whoever calls it inside a transaction holds two, and enough of
        those at once would wait for each other for ever.
        """
        if self.on_statement is not None:
            self.on_statement(read.sql(self._dialect))
        reader = await self._read_pool.acquire()
        try:
            return await read.fetch(reader.driver, self._dialect, parameters)
        finally:
            self._read_pool.release(reader)

    async def row(self, read: Read[Row], **parameters: object) -> Row | None:
        """The first row of a prepared read, or None."""
        found = await self.rows(read, **parameters)
        return found[0] if found else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed when the block ends and undone when it raises.

        The transaction itself starts with the first statement: slow work before it holds nothing.
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
