"""What may be changed in a module: conditions, comparisons, calls, clauses of statements, constants."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
# Methods of a statement that narrow or lock it: each is taken out.
CLAUSES = frozenset({"where", "with_for_update", "limit", "order_by", "returning", "having"})
# What says nothing about what a program does.
SKIPPED_CALLS = frozenset(
    {
        "field",
        "argument",
        "mutation",
        "query",
        "input",
        "type",
        "enum",
        "describe",
        "Column",
        "info",
        "warning",
        "error",
    }
)
# Two moments are never equal, and how much is done in one go changes nothing but speed.
MOMENTS = re.compile(r"\bnow\(\)|\bmoment\b|bindparam\(\"moment\"\)")
AMOUNTS = re.compile(r"^\w*BATCH\w* = ")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: in the text of a module the part from `start` to `end` becomes `text`."""

    path: str
    line: int
    start: int
    end: int
    text: str
    kind: str

    def applied(self, source: str) -> str:
        """The module with the change."""
        return source[: self.start] + self.text + source[self.end :]

    def describe(self, source: str) -> str:
        """Where, and what became of what."""
        before = " ".join(source[self.start : self.end].split())
        return f"{self.path}:{self.line} [{self.kind}] {before[:90]} -> {self.text[:90]}"


def mutants(path: str, source: str) -> list[Mutant]:
    """All changes of a module, in the order of its lines."""
    return sorted(_Finder(path, source).found(), key=lambda one: (one.start, one.end, one.text))


class _Finder:
    def __init__(self, path: str, source: str) -> None:
        self._path = path
        lengths = [len(line) for line in source.splitlines(keepends=True)]
        self._source = source
        self._starts = [sum(lengths[:number]) for number in range(len(lengths))]
        self._lines = source.splitlines(keepends=True)

    def found(self) -> Iterator[Mutant]:
        for node in self._walk(ast.parse(self._source)):
            yield from self._of(node)

    def _walk(self, node: ast.AST) -> Iterator[ast.AST]:
        """Every node but annotations, decorators and what describes the schema."""
        yield node
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list", "bases", "type_params"}:
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not self._is_description(child):
                    yield from self._walk(child)

    @staticmethod
    def _is_description(node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name in SKIPPED_CALLS

    def _of(self, node: ast.AST) -> Iterator[Mutant]:
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            yield self._replace(node.test, f"not ({self._text(node.test)})", "negated")
        if isinstance(node, ast.comprehension):
            for test in node.ifs:
                yield self._replace(test, f"not ({self._text(test)})", "negated")
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and not self._compares_moments(node):
            swapped = COMPARISONS[type(node.ops[0])]
            yield self._replace(
                node, f"({self._text(node.left)} {swapped} {self._text(node.comparators[0])})", "compared"
            )
        if isinstance(node, ast.BoolOp):
            other = " or " if isinstance(node.op, ast.And) else " and "
            yield self._replace(node, f"({other.join(f'({self._text(one)})' for one in node.values)})", "and/or")
        is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)
        if isinstance(node, ast.Expr) and is_call and not self._is_description(node.value):
            yield self._replace(node, "pass", "call dropped")
        if isinstance(node, ast.Raise) and node.exc is not None:
            yield self._replace(node, "pass", "raise dropped")
        if isinstance(node, ast.Call):
            yield from self._clauses(node)
        if isinstance(node, ast.Constant):
            yield from self._constant(node)

    def _clauses(self, node: ast.Call) -> Iterator[Mutant]:
        if not isinstance(node.func, ast.Attribute) or node.func.attr not in CLAUSES:
            return
        yield self._replace(node, self._text(node.func.value), "clause dropped")
        if node.func.attr == "where" and len(node.args) > 1:
            for left_out in node.args:
                kept = ", ".join(self._text(one) for one in node.args if one is not left_out)
                yield self._replace(node, f"{self._text(node.func)}({kept})", "condition dropped")

    def _compares_moments(self, node: ast.Compare) -> bool:
        is_order = isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        return is_order and MOMENTS.search(self._text(node)) is not None

    def _constant(self, node: ast.Constant) -> Iterator[Mutant]:
        if AMOUNTS.search(self._lines[node.lineno - 1]):
            return
        if isinstance(node.value, bool):
            yield self._replace(node, str(not node.value), "constant")
        elif isinstance(node.value, int):
            yield self._replace(node, str(node.value * 10 if node.value > 1 else node.value + 1), "constant")

    def _replace(self, node: ast.AST, text: str, kind: str) -> Mutant:
        start, end = self._span(node)
        return Mutant(self._path, node.lineno, start, end, text, kind)  # type: ignore[attr-defined] # all have one

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self._source[start:end]

    def _span(self, node: ast.AST) -> tuple[int, int]:
        return (
            self._offset(node.lineno, node.col_offset),  # type: ignore[attr-defined] # all that is replaced has them
            self._offset(node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]
        )

    def _offset(self, line: int, column: int) -> int:
        """Characters before a position, which `ast` gives in bytes of UTF-8."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())
