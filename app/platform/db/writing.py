"""The door for changes that are made often: statements built at import, compiled once, sent together.

The ORM's unit of work costs ten times the statement it writes (figures in README.md). What a transaction is to write
`later` goes to the database when it ends: on PostgreSQL as one statement, without BEGIN and COMMIT around it when the
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
TOGETHER = 8
DIVISION_BY_ZERO = "22012"
PARAMETER = re.compile(r"\$(\d+)")


class Stale(Exception):
    """A row is not any more what it was when it was read: nothing of the transaction was written, ask again."""


class Write(Read[Row]):
    """A change, or a read that locks, with named parameters; `make` turns a row it returns into what is returned.

    `certain`: when it finds nothing to change, nothing of the transaction is written, and it ends with `Stale`.
    """

    def __init__(
        self,
        statement: Select[Any] | UpdateBase,
        make: Callable[[Sequence[Any]], Row] = tuple,  # type: ignore[assignment] # of a change that returns no rows
        *,
        certain: bool = False,
        defaults: Mapping[str, object] | None = None,
    ) -> None:
        """Keep the statement; `defaults` are parameters that need not be given."""
        super().__init__(statement, make)
        self.certain = certain
        self._defaults = defaults or {}

    def bound(self, dialect: Dialect, parameters: Mapping[str, object]) -> tuple[str, list[object]]:
        """The statement and its arguments in their order, as the driver takes them."""
        return super().bound(dialect, {**self._defaults, **parameters})


def adding(table: type[SQLModel]) -> Write[Any]:
    """The insert of one row of `table`; what may be null is null unless it is given."""
    return Write(insert(table), defaults={column.name: None for column in inspect(table).columns if column.nullable})


class Transaction(AsyncSession):
    """A session that remembers what is to be written when it commits."""

    def __init__(self, engine: AsyncEngine, notice: Callable[[str], None]) -> None:
        """Begin nothing yet; `notice` is told of statements that do not go through SQLAlchemy."""
        super().__init__(engine, expire_on_commit=False, autoflush=False)
        self._engine = engine
        self._notice = notice
        self.pending: list[tuple[Write[Any], Mapping[str, object]]] = []

    async def __aexit__(self, *fault: object) -> None:
        """Give back what was taken; closing costs a task, which a session that took nothing does without."""
        if self.in_transaction():
            await super().__aexit__(*fault)

    async def commit(self) -> None:
        """Write what is pending, and commit; raise `Stale` with nothing written."""
        pending, self.pending = self.pending, []
        dialect = self._engine.dialect
        if self.in_transaction():
            # What is pending may refer to rows that were added to the session.
            await self.flush()
        if dialect.name == "sqlite":
            for write, parameters in pending:
                await self._send(*write.bound(dialect, parameters), certain=write.certain)
        elif 0 < len(pending) <= TOGETHER and not self.in_transaction():
            await self._send_alone(*_joined(pending, dialect))
        else:
            for start in range(0, len(pending), TOGETHER):
                await self._send(*_joined(pending[start : start + TOGETHER], dialect))
        if self.in_transaction():
            await super().commit()

    async def _send(self, sql: str, arguments: Sequence[object], *, certain: bool = False) -> None:
        connection = await self.connection()
        try:
            result = await connection.exec_driver_sql(sql, tuple(arguments))
        except Exception as fault:
            _reraise_stale(getattr(fault, "orig", fault))
            raise
        if certain and not result.rowcount:
            raise Stale

    async def _send_alone(self, sql: str, arguments: Sequence[object]) -> None:
        """One statement is a transaction by itself."""
        self._notice(sql)
        kept = await self._take()
        try:
            await kept.driver_connection.fetch(sql, *arguments)
        except Exception as fault:
            _reraise_stale(fault)
            raise
        finally:
            kept.close()

    async def _take(self) -> Any:
        """A connection of the pool, past those whose server went away: nobody but us would notice."""
        while True:
            kept: Any = await self._engine.raw_connection()
            if not kept.driver_connection.is_closed():
                return kept
            kept.invalidate()
            kept.close()


def later(session: AsyncSession, write: Write[Any], **parameters: object) -> None:
    """Write this when the transaction ends, after all else; nobody sees it before.

    Ask for a row before those that refer to it, and for no two changes of one row: PostgreSQL makes all at one moment.
    """
    assert isinstance(session, Transaction)  # noqa: S101 - the database's own door makes no other
    session.pending.append((write, parameters))


async def run(session: AsyncSession, write: Write[Row], **parameters: object) -> list[Row]:
    """Do this now, within the transaction; return the rows it returns. Raise `Stale` where it is certain."""
    connection = await session.connection()
    sql, arguments = write.bound(connection.dialect, parameters)
    result = await connection.exec_driver_sql(sql, tuple(arguments))
    if write.certain and not result.rowcount:
        raise Stale
    return write.made(connection.dialect, result.all()) if result.returns_rows else []


@asynccontextmanager
async def savepoint(session: AsyncSession) -> AsyncIterator[None]:
    """What happens in the block is undone when it raises, what it wanted to write later with it."""
    assert isinstance(session, Transaction)  # noqa: S101 - the database's own door makes no other
    before = len(session.pending)
    try:
        async with session.begin_nested():
            yield
    except BaseException:
        del session.pending[before:]
        raise


def _joined(pending: Sequence[tuple[Write[Any], Mapping[str, object]]], dialect: Dialect) -> tuple[str, list[object]]:
    bound = [write.bound(dialect, parameters) for write, parameters in pending]
    sql = _together(tuple((one, write.certain) for (one, _), (write, _) in zip(bound, pending, strict=True)))
    return sql, [argument for _, arguments in bound for argument in arguments]


@lru_cache(maxsize=1024)
def _together(statements: tuple[tuple[str, bool], ...]) -> str:
    """One statement of PostgreSQL that does all of them, or none when a certain one finds nothing to change."""
    if len(statements) == 1 and not statements[0][1]:
        return statements[0][0]
    parts, checks, first = [], [], 0
    for number, (sql, certain) in enumerate(statements):
        parts.append(f"w{number} AS ({_numbered_from(first, sql)} RETURNING 1)")
        first += len(set(PARAMETER.findall(sql)))
        if certain:
            # The only way to undo a statement from within is to have it fail.
            checks.append(f"1 / (SELECT count(*) FROM w{number})")  # noqa: S608 - a name made here
    return f"WITH {', '.join(parts)} SELECT {', '.join(checks) or '1'}"


def _numbered_from(first: int, sql: str) -> str:
    return PARAMETER.sub(lambda found: f"${int(found[1]) + first}", sql)


def _reraise_stale(fault: object) -> None:
    if getattr(fault, "sqlstate", None) == DIVISION_BY_ZERO:
        raise Stale from None
