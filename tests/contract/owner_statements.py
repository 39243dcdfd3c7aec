"""Reads SQL statements and says which of them touch rows without naming their owner.

An owned row is named by the column it lies by (`app.platform.db.distribution`): compared with a value, with a list of
values, or with another column that is. What is locked is named by one value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from sqlglot import exp, parse
from sqlglot.errors import ParseError

from app.platform.db.distribution import DISTRIBUTED

DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite"}
# None of these reads or changes a row.
WITHOUT_TABLES = ("SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA", "BEGIN", "COMMIT", "EXPLAIN", "ANALYZE")


class Unowned(NamedTuple):
    """A part of a statement that touches a table without naming whose rows it means."""

    shape: str
    table: str


class _Column(NamedTuple):
    alias: str
    name: str


@dataclass(frozen=True, slots=True)
class _Scope:
    """One SELECT, INSERT, UPDATE or DELETE: its tables by alias, and the columns named by one value or by many."""

    tables: Mapping[str, str]
    one: set[_Column] = field(default_factory=set)
    many: set[_Column] = field(default_factory=set)

    def resolve(self, column: exp.Column) -> _Column:
        if column.table:
            return _Column(column.table, column.name)
        holders = list(self.tables)
        return _Column(holders[0] if len(holders) == 1 else "", column.name)


@lru_cache(maxsize=10_000)
def unowned_parts(statement: str, dialect: str) -> tuple[Unowned, ...]:
    """What the statement reads, changes or locks without naming an owner; raise `ValueError` for what is no SQL."""
    if statement.lstrip().upper().startswith(WITHOUT_TABLES):
        return ()
    try:
        trees = parse(statement, dialect=DIALECTS[dialect])
    except ParseError as error:
        message = f"cannot be read: {statement}"
        raise ValueError(message) from error
    return tuple(part for tree in trees if tree is not None for part in _check(tree, ()))


def owner_clauses(statement: str, dialect: str) -> Iterator[str]:
    """The statement again and again, each time without one of the clauses that name an owner."""
    if statement.lstrip().upper().startswith(WITHOUT_TABLES):
        return
    (tree,) = parse(statement, dialect=DIALECTS[dialect])
    assert tree is not None
    for number, _ in enumerate(_owner_clauses(tree)):
        copy = tree.copy()
        list(_owner_clauses(copy))[number].replace(exp.true())
        yield copy.sql(dialect=DIALECTS[dialect])


def _owner_clauses(tree: exp.Expr) -> Iterator[exp.Expr]:
    for where in tree.find_all(exp.Where, exp.Join):
        statement = where.parent
        condition = where.this if isinstance(where, exp.Where) else where.args.get("on")
        scope = _Scope(dict(_tables(statement))) if statement is not None else _Scope({})
        for clause in _conjuncts(condition):
            column = clause.this if isinstance(clause, exp.EQ | exp.In) else None
            if isinstance(column, exp.Column):
                alias, name = scope.resolve(column)
                if DISTRIBUTED.get(scope.tables.get(alias, "")) == name:
                    yield clause


def _check(node: exp.Expr, outer: tuple[_Scope, ...]) -> Iterator[Unowned]:
    """The parts of `node`, which is one statement or contains some."""
    scope = _scope(node, outer)
    inner = (*outer, scope) if scope else outer
    if scope is not None:
        yield from _check_scope(node, scope)
    for child in node.iter_expressions():
        yield from _check(child, inner)


def _scope(node: exp.Expr, outer: tuple[_Scope, ...]) -> _Scope | None:
    if not isinstance(node, exp.Select | exp.Insert | exp.Update | exp.Delete):
        return None
    scope = _Scope(dict(_tables(node)))
    conditions: list[tuple[exp.Expr, str | None]] = [
        (clause, None) for clause in _conjuncts(_condition(node.args.get("where")))
    ]
    for join in node.args.get("joins") or ():
        # An outer join brings nothing to the rows it is joined to.
        target = join.this.alias_or_name if join.side else None
        conditions += [(clause, target) for clause in _conjuncts(join.args.get("on"))]
    _bind(scope, conditions, outer)
    return scope


def _tables(node: exp.Expr) -> Iterator[tuple[str, str]]:
    sources: list[exp.Expr | None] = []
    if isinstance(node, exp.Insert | exp.Update | exp.Delete):
        target = node.this
        sources.append(target.this if isinstance(target, exp.Schema) else target)
    source = node.args.get("from_") or node.args.get("from")
    if source is not None:
        sources.append(source.this)
    using = node.args.get("using")
    sources += using if isinstance(using, list) else []
    sources += [join.this for join in node.args.get("joins") or ()]
    for one in sources:
        if isinstance(one, exp.Table):
            yield one.alias_or_name, one.name


def _condition(where: exp.Expr | None) -> exp.Expr | None:
    return where.this if where is not None else None


def _conjuncts(condition: exp.Expr | None) -> list[exp.Expr]:
    if condition is None:
        return []
    if isinstance(condition, exp.Paren):
        return _conjuncts(condition.this)
    if isinstance(condition, exp.And):
        return [*_conjuncts(condition.left), *_conjuncts(condition.right)]
    return [condition]


def _bind(scope: _Scope, conditions: list[tuple[exp.Expr, str | None]], outer: tuple[_Scope, ...]) -> None:
    """Find the columns that are named, again and again, as one may be named by way of another."""
    while True:
        before = len(scope.one) + len(scope.many)
        for clause, target in conditions:
            for column, value in _equations(clause):
                resolved = scope.resolve(column)
                if resolved.alias not in scope.tables or (target is not None and resolved.alias != target):
                    continue
                if _is_bound(value, scope, outer, one=True):
                    scope.one.add(resolved)
                elif _is_bound(value, scope, outer, one=False):
                    scope.many.add(resolved)
        if len(scope.one) + len(scope.many) == before:
            return


def _equations(clause: exp.Expr) -> Iterator[tuple[exp.Column, exp.Expr]]:
    if isinstance(clause, exp.EQ):
        for column, value in ((clause.left, clause.right), (clause.right, clause.left)):
            if isinstance(column, exp.Column):
                yield column, value
    elif isinstance(clause, exp.In) and isinstance(clause.this, exp.Column):
        yield clause.this, clause
    elif isinstance(clause, exp.Or):
        sides = [list(_equations(side)) for side in _disjuncts(clause)]
        if all(sides) and len({column.sql() for side in sides for column, _ in side[:1]}) == 1:
            yield sides[0][0][0], exp.Tuple(expressions=[value.copy() for side in sides for _, value in side[:1]])


def _disjuncts(clause: exp.Expr) -> list[exp.Expr]:
    if isinstance(clause, exp.Paren):
        return _disjuncts(clause.this)
    return [*_disjuncts(clause.left), *_disjuncts(clause.right)] if isinstance(clause, exp.Or) else [clause]


def _is_bound(value: exp.Expr, scope: _Scope, outer: tuple[_Scope, ...], *, one: bool) -> bool:
    """Whether the value is given from outside: one value, or else a list of them."""
    if isinstance(value, exp.In):
        return not one and (value.args.get("query") is None or _is_list_parameter(value.args["query"]))
    if isinstance(value, exp.Any):
        return not one
    if isinstance(value, exp.Tuple):
        return not one
    for column in value.find_all(exp.Column):
        holder = next((each for each in (scope, *reversed(outer)) if each.resolve(column).alias in each.tables), None)
        if holder is None:
            return False
        named = holder.one if one else holder.one | holder.many
        if holder.resolve(column) not in named:
            return False
    return value.find(exp.Select) is None and not isinstance(value, exp.Null)


def _is_list_parameter(query: exp.Expr) -> bool:
    """`SELECT value FROM json_each(?)`, which is how SQLite takes a list."""
    return "JSON_EACH(?)" in query.sql(dialect="sqlite").upper()


def _check_scope(node: exp.Expr, scope: _Scope) -> Iterator[Unowned]:
    for alias, table in scope.tables.items():
        key = DISTRIBUTED.get(table)
        if key is None:
            continue
        if isinstance(node, exp.Insert):
            named = _inserts_owner(node, key)
        else:
            column = _Column(alias, key)
            named = column in scope.one or (column in scope.many and not node.args.get("locks"))
        if not named:
            yield Unowned(_shape(node, scope), table)


def _inserts_owner(node: exp.Insert, key: str) -> bool:
    names = [column.name for column in node.this.expressions] if isinstance(node.this, exp.Schema) else []
    if key not in names:
        return False
    place, source = names.index(key), node.expression
    rows = source.expressions if isinstance(source, exp.Values) else [source]
    values = [row.expressions[place] for row in rows]
    return all(not isinstance(value, exp.Null) and value.find(exp.Column, exp.Select) is None for value in values)


def _shape(node: exp.Expr, scope: _Scope) -> str:
    """The statement in a few words: what is done to which tables, by which columns."""
    verb = "LOCK" if node.args.get("locks") else node.key.upper()
    where = node.args.get("where")
    names = sorted({column.name for column in where.find_all(exp.Column)}) if where is not None else []
    return f"{verb} {', '.join(sorted(set(scope.tables.values())))} BY {', '.join(names) or 'nothing'}"
