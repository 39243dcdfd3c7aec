"""Compiled reads: SELECT statements built at import, compiled once, run on the driver's own connection.

An ORM session costs more than the query it runs (figures in `docs/performance.md`), so a read uses none and returns
plain rows.

    Read           compiled   on first use, once for each kind of database
    Database.rows  runs       on a connection of the read pool, outside any transaction, without locks
                   sees       what was committed when the statement started; nothing of an open transaction
                   returns    named tuples, never objects of a session
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, cast

import orjson
from sqlalchemy import ColumnElement, Select, UpdateBase, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import BindParameter
from sqlalchemy.types import Boolean, UserDefinedType
from sqlmodel import SQLModel

Row = TypeVar("Row")
Processor = Callable[[Any], Any]
SINGLE_ID = "single_id"


class _Compiled(NamedTuple):
    sql: str
    single_id_sql: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    bind_processors: tuple[Processor | None, ...]
    result_processors: tuple[Processor | None, ...]
    id_lists: tuple[str, ...]

    def has_single_ids(self, values: Mapping[str, Any]) -> bool:
        """Whether the statement takes lists of ids and each list has exactly one, as in reads by one customer."""
        return bool(self.id_lists) and all(len(values[name]) == 1 for name in self.id_lists)

    @property
    def returns_raw_rows(self) -> bool:
        """Whether the driver's values need no conversion."""
        return not any(self.result_processors)


class Read(Generic[Row]):
    """A SELECT with named parameters.

    `row_factory` receives a row's values in the order of the select; usually it is the `_make` of a NamedTuple.
    """

    def __init__(self, select: Select[Any] | UpdateBase, row_factory: Callable[[Sequence[Any]], Row]) -> None:
        """Keep the statement; it is compiled at its first use, once for each kind of database."""
        self.select = select
        self._row_factory = row_factory
        self._compiled: dict[str, _Compiled] = {}

    def sql(self, dialect: Dialect) -> str:
        """The SQL text for this dialect."""
        return (self._compiled.get(dialect.name) or self._compile(dialect)).sql

    async def fetch(self, connection: Any, dialect: Dialect, parameters: Mapping[str, object]) -> list[Row]:
        """Run the statement on the driver's own connection (asyncpg's or aiosqlite's)."""
        sql, arguments = self.bind(dialect, parameters)
        if dialect.name == "sqlite":
            records = await connection.execute_fetchall(sql, arguments)
        else:
            records = await connection.fetch(sql, *arguments)
        return self.to_rows(dialect, records)

    def bind(self, dialect: Dialect, parameters: Mapping[str, object]) -> tuple[str, list[object]]:
        """The SQL text and its positional arguments, converted as the driver needs them."""
        compiled = self._compiled.get(dialect.name) or self._compile(dialect)
        values = {**compiled.constants, **parameters}
        sql = compiled.single_id_sql if compiled.has_single_ids(values) else compiled.sql
        return sql, [
            process(values[name]) if process else values[name]
            for name, process in zip(compiled.names, compiled.bind_processors, strict=True)
        ]

    def to_rows(self, dialect: Dialect, records: Iterable[Sequence[Any]]) -> list[Row]:
        """Convert the driver's records into rows."""
        compiled = self._compiled[dialect.name]
        if compiled.returns_raw_rows:
            return [self._row_factory(record) for record in records]
        return [self._row_factory(_process(record, compiled.result_processors)) for record in records]

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiler = self.select.compile(dialect=dialect)
        single_id = self.select.compile(dialect=dialect, compile_kwargs={SINGLE_ID: True})
        names = tuple(compiler.positiontup or ())
        binds = {name: compiler.binds[name] for name in names}
        compiled = _Compiled(
            sql=str(compiler),
            single_id_sql=str(single_id),
            names=names,
            constants={name: bind.value for name, bind in binds.items() if not bind.required},
            bind_processors=tuple(_bind_processor(binds[name], dialect) for name in names),
            result_processors=tuple(_result_processor(entry.type, dialect) for entry in compiler._result_columns),  # noqa: SLF001 - no public name
            id_lists=tuple(name for name in names if isinstance(binds[name].type, _UuidList)),
        )
        self._compiled[dialect.name] = compiled
        return compiled


def _process(record: Sequence[Any], processors: tuple[Processor | None, ...]) -> list[Any]:
    return [
        process(value) if process and value is not None else value
        for value, process in zip(record, processors, strict=True)
    ]


def _bind_processor(bind: BindParameter[Any], dialect: Dialect) -> Processor | None:
    return cast("Processor | None", bind.type.dialect_impl(dialect).bind_processor(dialect))


def _result_processor(column: Any, dialect: Dialect) -> Processor | None:
    if isinstance(column, Boolean) and dialect.name == "sqlite":
        return bool
    return cast("Processor | None", column.dialect_impl(dialect).result_processor(dialect, None))


class _UuidList(UserDefinedType[Any]):
    """A list of ids as one parameter: `uuid[]` on PostgreSQL, a JSON array of hex texts on SQLite."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "UUID[]"

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        if dialect.name == "sqlite":
            return lambda ids: orjson.dumps([id_.hex for id_ in ids]).decode()
        return list


class _AnyOf(ColumnElement[bool]):
    inherit_cache = True
    # Or SQLAlchemy writes `= 1` behind it for SQLite, which then uses no index.
    _is_implicitly_boolean = True

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.ids = bindparam(name, type_=_UuidList())
        self.type = Boolean()


def any_of(column: Any, name: str) -> ColumnElement[bool]:
    """A condition: `column` is one of the ids in the parameter `name`.

    It compiles to two statements: one for a single id, one for any other number.
    """
    return _AnyOf(column, name)


@compiles(_AnyOf, "sqlite")
def _any_of_sqlite(element: _AnyOf, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = compiler.process(element.column, **options), compiler.process(element.ids, **options)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 - made of compiled expressions


@compiles(_AnyOf, "postgresql")
def _any_of_postgresql(element: _AnyOf, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = compiler.process(element.column, **options), compiler.process(element.ids, **options)
    # PostgreSQL plans `= ANY` again at every execution, because it assumes a long list. For `= $1` it keeps the plan.
    return f"{column} = ({ids}::uuid[])[1]" if options.get(SINGLE_ID) else f"{column} = ANY({ids}::uuid[])"


def columns(table: type[SQLModel], shape: Any) -> list[Any]:
    """The columns of `table` that the NamedTuple `shape` names, in its order."""
    return [getattr(table, name) for name in shape._fields]
