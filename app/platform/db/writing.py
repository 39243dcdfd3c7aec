"""Compiled writes: frequent changes, built at import, compiled once, sent together when the transaction ends.

The ORM's unit of work costs ten times the statement it writes (figures in `docs/performance.md`).

    execute            runs now, inside the transaction; its rows are returned, its locks are held until the end
    execute_at_commit  runs when the block of `Database.transaction` ends, after a flush of the session
                       PostgreSQL: up to 8 writes are one statement (CTEs); if the transaction sent nothing else,
                       it goes without BEGIN and COMMIT: one round trip. SQLite: one statement each
    require_row        no row affected: `VersionConflict`, and nothing of the transaction is written
    savepoint          rolled back when the block raises, together with the writes it deferred

Do not defer two changes of one row, and defer a row before the rows that refer to it: the parts of a combined statement
all see the same snapshot.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import BinaryExpression, Delete, Dialect, Insert, Select, Update, UpdateBase, insert, inspect
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import visitors
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.db.distribution import DISTRIBUTED
from app.platform.db.outages import is_lost
from app.platform.db.reading import Read, Row

# Bounds the number of distinct combined statements, each of which the server has to prepare.
MAX_STATEMENTS_PER_ROUND_TRIP = 8
DIVISION_BY_ZERO = "22012"
PARAMETER = re.compile(r"\$(\d+)")


class VersionConflict(Exception):
    """The row changed since it was read: nothing of the transaction was written. Read again and retry."""


class Write(Read[Row]):
    """A change, or a read that locks, with named parameters; `row_factory` converts a returned row.

    With `require_row`, a statement that affects no row ends the transaction with `VersionConflict`, and nothing is
    written.
    """

    def __init__(
        self,
        statement: Select[Any] | UpdateBase,
        row_factory: Callable[[Sequence[Any]], Row] = tuple,  # type: ignore[assignment] # of a change that returns no rows
        *,
        require_row: bool = False,
        defaults: Mapping[str, object] | None = None,
    ) -> None:
        """Keep the statement; `defaults` are the values of parameters that a caller leaves out."""
        super().__init__(statement, row_factory)
        self.owner_parameter = _owner_parameter(statement)
        self.require_row = require_row
        self._defaults = defaults or {}

    def bind(self, dialect: Dialect, parameters: Mapping[str, object]) -> tuple[str, list[object]]:
        """The SQL text and its positional arguments, converted as the driver needs them."""
        return super().bind(dialect, {**self._defaults, **parameters})


def _owner_parameter(statement: Select[Any] | UpdateBase) -> str | None:
    """The parameter that names whose row a change of a distributed table is about; None for other statements."""
    table = getattr(statement, "table", None)
    key = DISTRIBUTED.get(getattr(table, "name", ""))
    if key is None or isinstance(statement, Insert):
        return key
    for clause in visitors.iterate(statement.whereclause) if isinstance(statement, Update | Delete) else ():
        if isinstance(clause, BinaryExpression) and getattr(clause.left, "name", None) == key:
            return getattr(clause.right, "key", None)
    return None


def insert_statement(table: type[SQLModel]) -> Write[Any]:
    """The INSERT of one row of `table`; nullable columns default to null."""
    return Write(insert(table), defaults={column.name: None for column in inspect(table).columns if column.nullable})


_Deferred = tuple[Write[Any], Mapping[str, object]]


class DeferredWriteSession(AsyncSession):
    """A session that keeps deferred writes until it commits."""

    def __init__(self, engine: AsyncEngine, on_statement: Callable[[str], None], *, sharded: bool = False) -> None:
        """Open no connection yet; `on_statement` receives the statements that do not go through SQLAlchemy."""
        super().__init__(engine, expire_on_commit=False, autoflush=False)
        self._engine = engine
        self._on_statement = on_statement
        self._sharded = sharded
        self.pending: list[_Deferred] = []

    async def __aexit__(self, *fault: object) -> None:
        """Close the session. Closing costs a task, so a session that never opened a transaction skips it."""
        if self.in_transaction():
            await super().__aexit__(*fault)

    async def commit(self) -> None:
        """Send the deferred writes and commit; raise `VersionConflict` with nothing written."""
        pending, self.pending = self.pending, []
        dialect = self._engine.dialect
        if self.in_transaction():
            # Deferred writes may refer to rows that were added to the session.
            await self.flush()
        if dialect.name == "sqlite":
            for write, parameters in pending:
                await self._send(*write.bind(dialect, parameters), require_row=write.require_row)
        else:
            batches = [batch for group in self._groups(pending) for batch in _batches(group)]
            if len(batches) == 1 and not self.in_transaction():
                await self._send_autocommit(*_combine(batches[0], dialect))
            else:
                for batch in batches:
                    await self._send(*_combine(batch, dialect))
        if self.in_transaction():
            await super().commit()

    def _groups(self, pending: Sequence[_Deferred]) -> Iterable[Sequence[_Deferred]]:
        """What may be sent as one statement: on Citus only changes of one owner, which are on one machine."""
        if not self._sharded:
            return [pending]
        groups: dict[object, list[_Deferred]] = {}
        for write, parameters in pending:
            owner = parameters[write.owner_parameter] if write.owner_parameter else None
            groups.setdefault(owner, []).append((write, parameters))
        return groups.values()

    async def _send(self, sql: str, arguments: Sequence[object], *, require_row: bool = False) -> None:
        connection = await self.connection()
        try:
            result = await connection.exec_driver_sql(sql, tuple(arguments))
        except Exception as fault:
            _reraise_version_conflict(getattr(fault, "orig", fault))
            raise
        if require_row and not (result.first() if result.returns_rows else result.rowcount):
            raise VersionConflict

    async def _send_autocommit(self, sql: str, arguments: Sequence[object]) -> None:
        """Send without BEGIN and COMMIT: a single statement is its own transaction."""
        self._on_statement(sql)
        pooled = await self._acquire()
        try:
            await pooled.driver_connection.fetch(sql, *arguments)
        except Exception as fault:
            _reraise_version_conflict(fault)
            if is_lost(fault):
                pooled.driver_connection.terminate()
            raise
        finally:
            pooled.close()

    async def _acquire(self) -> Any:
        """A connection of the pool, skipping those that the server closed: nothing else detects them here."""
        while True:
            pooled: Any = await self._engine.raw_connection()
            if not pooled.driver_connection.is_closed():
                return pooled
            pooled.invalidate()
            pooled.close()


def execute_at_commit(session: AsyncSession, write: Write[Any], **parameters: object) -> None:
    """Defer a write until the transaction ends, after everything else; no read sees it before.

    Defer a row before the rows that refer to it, and never two changes of one row: on PostgreSQL all deferred writes
    run as one statement on one snapshot.
    """
    assert isinstance(session, DeferredWriteSession)  # noqa: S101 - the only kind of session made
    session.pending.append((write, parameters))


async def execute(session: AsyncSession, write: Write[Row], **parameters: object) -> list[Row]:
    """Run the write now, inside the transaction, and return its rows; with `require_row`, raise `VersionConflict`."""
    connection = await session.connection()
    sql, arguments = write.bind(connection.dialect, parameters)
    result = await connection.exec_driver_sql(sql, tuple(arguments))
    if write.require_row and not result.rowcount:
        raise VersionConflict
    return write.to_rows(connection.dialect, result.all()) if result.returns_rows else []


async def execute_many(session: AsyncSession, write: Write[Any], rows: Sequence[Mapping[str, object]]) -> None:
    """Run the write now for each of the parameter sets; the driver sends them together."""
    connection = await session.connection()
    statements = [write.bind(connection.dialect, parameters) for parameters in rows]
    await connection.exec_driver_sql(statements[0][0], [tuple(arguments) for _, arguments in statements])


@asynccontextmanager
async def savepoint(session: AsyncSession) -> AsyncIterator[None]:
    """A savepoint: when the block raises, its changes and the writes it deferred are discarded."""
    assert isinstance(session, DeferredWriteSession)  # noqa: S101 - the only kind of session made
    before = len(session.pending)
    try:
        async with session.begin_nested():
            yield
    except BaseException:
        del session.pending[before:]
        raise


def _batches(pending: Sequence[_Deferred]) -> Iterator[Sequence[_Deferred]]:
    for start in range(0, len(pending), MAX_STATEMENTS_PER_ROUND_TRIP):
        yield pending[start : start + MAX_STATEMENTS_PER_ROUND_TRIP]


def _combine(pending: Sequence[_Deferred], dialect: Dialect) -> tuple[str, list[object]]:
    statements = [write.bind(dialect, parameters) for write, parameters in pending]
    sql = _combined_statement(
        tuple((sql, write.require_row) for (sql, _), (write, _) in zip(statements, pending, strict=True))
    )
    return sql, [argument for _, arguments in statements for argument in arguments]


@lru_cache(maxsize=1024)
def _combined_statement(statements: tuple[tuple[str, bool], ...]) -> str:
    """One PostgreSQL statement that runs all of them, or none when one with `require_row` affects no row."""
    if len(statements) == 1 and not statements[0][1]:
        return statements[0][0]
    parts, checks, first = [], [], 0
    for number, (sql, require_row) in enumerate(statements):
        returning = "" if sql.startswith("SELECT") else " RETURNING 1"
        parts.append(f"w{number} AS ({_renumber_parameters(first, sql)}{returning})")
        first += len(set(PARAMETER.findall(sql)))
        if require_row:
            # A statement can undo itself only by failing, hence the division by zero.
            checks.append(f"1 / (SELECT count(*) FROM w{number})")  # noqa: S608 - only a generated name is inserted
    return f"WITH {', '.join(parts)} SELECT {', '.join(checks) or '1'}"


def _renumber_parameters(first: int, sql: str) -> str:
    return PARAMETER.sub(lambda match: f"${int(match[1]) + first}", sql)


def _reraise_version_conflict(fault: object) -> None:
    if getattr(fault, "sqlstate", None) == DIVISION_BY_ZERO:
        raise VersionConflict from None
