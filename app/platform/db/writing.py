"""The door for changes that are made often: statements built at import, compiled once, sent together.

The ORM's unit of work costs ten times the statement it writes (figures in README.md). What a transaction is to write
`execute_at_commit` is sent when it ends: on PostgreSQL as one statement, without BEGIN and COMMIT around it when the
transaction has asked for nothing else.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Select, UpdateBase, insert, inspect
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.db.reading import Read, Row

# So that a transaction that records a thousand acts does not make a thousand statements to prepare.
MAX_STATEMENTS_PER_ROUND_TRIP = 8
DIVISION_BY_ZERO = "22012"
PARAMETER = re.compile(r"\$(\d+)")


class VersionConflict(Exception):
    """A row is not any more what it was when it was read: nothing of the transaction was written, ask again."""


class Write(Read[Row]):
    """A change, or a read that locks, with named parameters; `row_factory` converts a returned row.

    `require_row`: when no row matches, nothing of the transaction is written and it ends with `VersionConflict`.
    """

    def __init__(
        self,
        statement: Select[Any] | UpdateBase,
        row_factory: Callable[[Sequence[Any]], Row] = tuple,  # type: ignore[assignment] # of a change that returns no rows
        *,
        require_row: bool = False,
        defaults: Mapping[str, object] | None = None,
    ) -> None:
        """Keep the statement; `defaults` are parameters that need not be given."""
        super().__init__(statement, row_factory)
        self.require_row = require_row
        self._defaults = defaults or {}

    def bind(self, dialect: Dialect, parameters: Mapping[str, object]) -> tuple[str, list[object]]:
        """The statement and its arguments in their order, as the driver takes them."""
        return super().bind(dialect, {**self._defaults, **parameters})


def insert_statement(table: type[SQLModel]) -> Write[Any]:
    """The insert of one row of `table`; what may be null is null unless it is given."""
    return Write(insert(table), defaults={column.name: None for column in inspect(table).columns if column.nullable})


class DeferredWriteSession(AsyncSession):
    """A session that remembers what is to be written when it commits."""

    def __init__(self, engine: AsyncEngine, on_statement: Callable[[str], None]) -> None:
        """Begin nothing yet; `on_statement` is told of statements that do not go through SQLAlchemy."""
        super().__init__(engine, expire_on_commit=False, autoflush=False)
        self._engine = engine
        self._on_statement = on_statement
        self.pending: list[tuple[Write[Any], Mapping[str, object]]] = []

    async def __aexit__(self, *fault: object) -> None:
        """Give back what was taken; closing costs a task, which a session that took nothing does without."""
        if self.in_transaction():
            await super().__aexit__(*fault)

    async def commit(self) -> None:
        """Write what is pending, and commit; raise `VersionConflict` with nothing written."""
        pending, self.pending = self.pending, []
        dialect = self._engine.dialect
        if self.in_transaction():
            # What is pending may refer to rows that were added to the session.
            await self.flush()
        if dialect.name == "sqlite":
            for write, parameters in pending:
                await self._send(*write.bind(dialect, parameters), require_row=write.require_row)
        elif 0 < len(pending) <= MAX_STATEMENTS_PER_ROUND_TRIP and not self.in_transaction():
            await self._send_autocommit(*_combine(pending, dialect))
        else:
            for start in range(0, len(pending), MAX_STATEMENTS_PER_ROUND_TRIP):
                await self._send(*_combine(pending[start : start + MAX_STATEMENTS_PER_ROUND_TRIP], dialect))
        if self.in_transaction():
            await super().commit()

    async def _send(self, sql: str, arguments: Sequence[object], *, require_row: bool = False) -> None:
        connection = await self.connection()
        try:
            result = await connection.exec_driver_sql(sql, tuple(arguments))
        except Exception as fault:
            _reraise_version_conflict(getattr(fault, "orig", fault))
            raise
        if require_row and not result.rowcount:
            raise VersionConflict

    async def _send_autocommit(self, sql: str, arguments: Sequence[object]) -> None:
        """One statement is a transaction by itself."""
        self._on_statement(sql)
        pooled = await self._acquire()
        try:
            await pooled.driver_connection.fetch(sql, *arguments)
        except Exception as fault:
            _reraise_version_conflict(fault)
            raise
        finally:
            pooled.close()

    async def _acquire(self) -> Any:
        """A connection of the pool, past those whose server went away: nobody but us would notice."""
        while True:
            pooled: Any = await self._engine.raw_connection()
            if not pooled.driver_connection.is_closed():
                return pooled
            pooled.invalidate()
            pooled.close()


def execute_at_commit(session: AsyncSession, write: Write[Any], **parameters: object) -> None:
    """Write this when the transaction ends, after all else; nobody sees it before.

    Ask for a row before those that refer to it, and for no two changes of one row: PostgreSQL makes all at one moment.
    """
    assert isinstance(session, DeferredWriteSession)  # noqa: S101 - the database's own door makes no other
    session.pending.append((write, parameters))


async def execute(session: AsyncSession, write: Write[Row], **parameters: object) -> list[Row]:
    """Do this now, within the transaction; return the rows it returns. Raise `VersionConflict` where it is certain."""
    connection = await session.connection()
    sql, arguments = write.bind(connection.dialect, parameters)
    result = await connection.exec_driver_sql(sql, tuple(arguments))
    if write.require_row and not result.rowcount:
        raise VersionConflict
    return write.to_rows(connection.dialect, result.all()) if result.returns_rows else []


@asynccontextmanager
async def savepoint(session: AsyncSession) -> AsyncIterator[None]:
    """What happens in the block is undone when it raises, what it wanted to write later with it."""
    assert isinstance(session, DeferredWriteSession)  # noqa: S101 - the database's own door makes no other
    before = len(session.pending)
    try:
        async with session.begin_nested():
            yield
    except BaseException:
        del session.pending[before:]
        raise


def _combine(pending: Sequence[tuple[Write[Any], Mapping[str, object]]], dialect: Dialect) -> tuple[str, list[object]]:
    statements = [write.bind(dialect, parameters) for write, parameters in pending]
    sql = _combined_statement(
        tuple((one, write.require_row) for (one, _), (write, _) in zip(statements, pending, strict=True))
    )
    return sql, [argument for _, arguments in statements for argument in arguments]


@lru_cache(maxsize=1024)
def _combined_statement(statements: tuple[tuple[str, bool], ...]) -> str:
    """One statement of PostgreSQL that does all of them, or none when a certain one finds nothing to change."""
    if len(statements) == 1 and not statements[0][1]:
        return statements[0][0]
    parts, checks, first = [], [], 0
    for number, (sql, require_row) in enumerate(statements):
        parts.append(f"w{number} AS ({_renumber_parameters(first, sql)} RETURNING 1)")
        first += len(set(PARAMETER.findall(sql)))
        if require_row:
            # The only way to undo a statement from within is to have it fail.
            checks.append(f"1 / (SELECT count(*) FROM w{number})")  # noqa: S608 - a name made here
    return f"WITH {', '.join(parts)} SELECT {', '.join(checks) or '1'}"


def _renumber_parameters(first: int, sql: str) -> str:
    return PARAMETER.sub(lambda found: f"${int(found[1]) + first}", sql)


def _reraise_version_conflict(fault: object) -> None:
    if getattr(fault, "sqlstate", None) == DIVISION_BY_ZERO:
        raise VersionConflict from None
