"""One database: engine, connection pools, reads and transactions, the same on SQLite and PostgreSQL.

What it promises:

    rows, row      one compiled read on a connection of the read pool; sees committed rows only
    lagging_rows   the same from a replica, where there is one: for lists and counts that may be a moment old
    transaction    one session; committed when the block ends, rolled back when it raises
    both           raise `DatabaseUnavailable` when the database does not answer in time; no wait is unbounded
    pools          PostgreSQL: one engine of 2 x `pool_size`, at most `pool_size` for reads; idle ones are closed
                   SQLite: an engine for reads, and one of a single connection for the one writer it can have
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.db.idle import IdleConnections
from app.platform.db.outages import CircuitBreaker, DatabaseUnavailable, is_lost
from app.platform.db.postgres import Connector, Waits, is_postgres, parse
from app.platform.db.read_pool import ReadConnectionPool
from app.platform.db.reading import Read
from app.platform.db.sqlite import file_of, make_private, parse_sqlite
from app.platform.db.writing import DeferredWriteSession

Row = TypeVar("Row")

BUSY_TIMEOUT_SECONDS = 30
CLOSE_SECONDS = 1.0
# SQLSTATE: "canceling statement due to conflict with recovery".
RECOVERY_CONFLICT = "40001"


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """Options of the connection pools: up to `pool_size` connections for transactions, and as many for reads.

    Behind a pooler, such as PgBouncer, no statements are cached, whatever `statement_cache_size`. `secure_delete`
    leaves no copy of a deleted row in a SQLite file: no write-ahead log, and freed pages are overwritten. With
    `sharded`, for Citus, a statement changes the rows of one owner only. `name` is what errors and logs call the
    database. `pool_timeout` is how many seconds to wait for a connection of a pool, and `idle_seconds` after how
    many without use one is closed. Of the several hosts of an `is_replica` any will do, also one that cannot be
    written to.
    """

    pool_size: int = 10
    statement_cache_size: int = 200
    secure_delete: bool = False
    sharded: bool = False
    name: str = "main"
    waits: Waits = field(default_factory=Waits)
    pool_timeout: float = 30
    idle_seconds: float = 0
    is_replica: bool = False


class Database:
    """Runs reads (`rows`, `row`) and transactions; neither sees uncommitted work of the other."""

    def __init__(self, url: str, options: DatabaseOptions | None = None) -> None:
        """Prepare the engines for `url` (`sqlite:///path` or `postgresql://…`); open no connection yet."""
        self._options = options or DatabaseOptions()
        self._url_text = url
        self._connector = (
            Connector(
                parse(url, target="any" if self._options.is_replica else "read-write"),
                self._options.waits,
                statement_cache_size=self._options.statement_cache_size,
            )
            if is_postgres(url)
            else None
        )
        self.circuit = CircuitBreaker(self._options.name, self._probe)
        self.url = (
            URL.create("postgresql+asyncpg", database=parse(url).database) if self._connector else parse_sqlite(url)
        )
        self.embedded = self._connector is None
        pool = self._options.pool_size
        self.engine = self._embedded_engine(self.url, 2 * pool) if self.embedded else self._server_engine(self.url)
        # SQLite has one writer at a time. Writers that wait for it must not use up the connections of reads.
        self._write_engine = self._embedded_engine(self.url, 1) if self.embedded else self.engine
        self._dialect = self.engine.dialect
        self._read_pool = ReadConnectionPool(self.engine, pool, self._options.pool_timeout)
        self._idle = IdleConnections(self._options.idle_seconds)
        # Set by who opens both; closed with this one.
        self.replica: Database | None = None
        self.on_statement: Callable[[str], None] | None = None
        for engine in {self.engine, self._write_engine}:
            event.listen(engine.sync_engine, "before_cursor_execute", self._before_cursor_execute)
            event.listen(engine.sync_engine, "handle_error", self._on_error)

    def _before_cursor_execute(self, _: object, __: object, statement: str, *___: object) -> None:
        self._notify(statement)

    def _notify(self, statement: str) -> None:
        """Report every statement sent to the driver. Tests count them: their number can be observed by timing."""
        if self.on_statement is not None:
            self.on_statement(statement)

    def _server_engine(self, url: URL) -> AsyncEngine:
        engine = create_async_engine(
            url,
            pool_size=2 * self._options.pool_size,
            max_overflow=0,
            pool_timeout=self._options.pool_timeout,
            # The most recently used first: those that are not needed grow idle.
            pool_use_lifo=True,
            # Reads never open a transaction and sessions end their own, so there is nothing to reset.
            pool_reset_on_return=None,
            hide_parameters=True,
            connect_args={
                "async_creator_fn": self._connect,
                "prepared_statement_cache_size": self._options.statement_cache_size,
                "prepared_statement_name_func": self._connector.statement_name if self._connector else None,
            },
        )
        event.listen(engine.sync_engine, "connect", self._on_connect)
        event.listen(engine.sync_engine, "checkout", self._on_checkout)
        event.listen(engine.sync_engine, "checkin", self._on_checkin)
        return engine

    def _on_connect(self, connection: Any, _: object) -> None:
        if self._connector is not None and self._connector.is_pooled:
            # Found out while connecting, when the option of its size was already given.
            connection._prepared_statement_cache = None  # noqa: SLF001 - no public name

    def _on_checkout(self, connection: Any, _: object, __: object) -> None:
        """Have the pool open another connection in place of one that was closed while nobody used it."""
        if connection.driver_connection.is_closed():
            raise DisconnectionError
        self._idle.use(connection.driver_connection)

    def _on_checkin(self, connection: Any, _: object) -> None:
        if connection is not None:
            self._idle.release(connection.driver_connection)

    async def _connect(self, *_: object, **__: object) -> Any:
        assert self._connector is not None  # noqa: S101 - only an engine of PostgreSQL calls this
        self.circuit.check()
        try:
            connection = await self._connector.connect()
        except Exception as fault:
            raise (self.circuit.unavailable(fault) or DatabaseUnavailable(self._options.name)) from fault
        self.circuit.add(connection)
        return connection

    async def _probe(self) -> None:
        assert self._connector is not None  # noqa: S101 - a file is never lost on the network
        connection = await self._connector.connect()
        try:
            await connection.fetchval("SELECT 1", timeout=self._options.waits.connect)
        finally:
            connection.terminate()

    def _on_error(self, context: ExceptionContext) -> Exception | None:
        unavailable = self.circuit.unavailable(context.original_exception)
        if unavailable is not None and not self.embedded and is_lost(context.original_exception):
            if context.connection is not None and not context.connection.invalidated:
                # Now, as closing it in an orderly way would wait for its answer once more.
                _terminate(context.connection.connection.driver_connection)
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False
        return unavailable

    def _embedded_engine(self, url: URL, pool_size: int) -> AsyncEngine:
        if url.database:
            make_private(Path(url.database))
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
        self.circuit.check()
        try:
            reader = await self._read_pool.acquire()
        except Exception as fault:
            raise self.circuit.unavailable(fault) or fault from fault
        self._idle.use(reader.driver)
        try:
            return await read.fetch(reader.driver, self._dialect, parameters)
        except Exception as fault:
            unavailable = self.circuit.unavailable(fault)
            if unavailable is None:
                raise
            if not self.embedded and is_lost(fault):
                _terminate(reader.driver)
            raise unavailable from fault
        finally:
            self._read_pool.release(reader)
            if not self.embedded:
                self._idle.release(reader.driver)

    async def lagging_rows(self, read: Read[Row], **parameters: object) -> list[Row]:
        """All rows of a compiled read that may miss the last changes: from the replica where there is one.

        Not for what the caller may just have written. A replica that does not answer, or that had to end the read to
        keep up with the main database, is done without.
        """
        if self.replica is None:
            return await self.rows(read, **parameters)
        try:
            return await self.replica.rows(read, **parameters)
        except Exception as fault:
            if not isinstance(fault, DatabaseUnavailable) and getattr(fault, "sqlstate", None) != RECOVERY_CONFLICT:
                raise
            return await self.rows(read, **parameters)

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
        self.circuit.check()
        async with DeferredWriteSession(self._write_engine, self._notify, sharded=self._options.sharded) as session:
            try:
                yield session
            except BaseException as fault:
                await session.rollback()
                if isinstance(fault, PoolTimeout):
                    raise self.circuit.unavailable(fault) or fault from fault
                raise
            try:
                await session.commit()
            except Exception as fault:
                unavailable = self.circuit.unavailable(fault)
                if unavailable is None:
                    raise
                raise unavailable from fault

    async def vacuum(self) -> None:
        """PostgreSQL: free the space of deleted and replaced rows, to be overwritten; SQLite did so already."""
        if self.embedded:
            return
        patient = self.without_command_timeout()
        try:
            async with patient.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.exec_driver_sql("VACUUM")
        finally:
            await patient.close()

    async def empty_log(self) -> bool:
        """SQLite: move the write-ahead log into the database and empty it; False while a reader still needs it.

        PostgreSQL's log is the server's own matter, and a database with `secure_delete` has none.
        """
        if not self.embedded or self._options.secure_delete:
            return True
        pooled: Any = await self._write_engine.raw_connection()
        try:
            ((busy, _, _),) = await pooled.driver_connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            pooled.close()
        return not busy

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(sqlalchemy.text("SELECT 1"))

    def without_command_timeout(self) -> "Database":
        """The same database for work that takes its time, such as migrations; to be closed by the caller."""
        waits = replace(self._options.waits, command=None, lock=0)
        return Database(self._url_text, replace(self._options, waits=waits, pool_size=1))

    async def close(self) -> None:
        """Close all connections; those whose server does not answer within a second are cut."""
        if self.replica is not None:
            await self.replica.close()
        await self.circuit.close()
        self._read_pool.close()
        self._idle.stop()
        if self.circuit.is_open:
            self.circuit.close_connections()
        try:
            async with asyncio.timeout(None if self.embedded else CLOSE_SECONDS):
                await self.engine.dispose()
                await self._write_engine.dispose()
        except TimeoutError:
            self.circuit.close_connections()


def _without_host(url: str) -> URL:
    """The URL for SQLAlchemy, which connects through our connector."""
    return URL.create("postgresql+asyncpg", database=parse(url).database)


def same_database(one: str, other: str) -> bool:
    """Whether two URLs name one database, as far as their texts show; raise `BadDatabaseUrl`."""
    if is_postgres(one) and is_postgres(other):
        return parse(one).overlaps(parse(other))
    if is_postgres(one) or is_postgres(other):
        return False
    return file_of(one).resolve() == file_of(other).resolve()


def _terminate(connection: Any) -> None:
    if not connection.is_closed():
        connection.terminate()
