"""Takes the messages of all error classes out of the code, with the codes, rules and files they stand with."""

import ast
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType

from app.platform.errors import AppError, ErrorCode, ErrorRule

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Use:
    """Where a message stands in the code, and with which codes and rules."""

    files: set[str] = field(default_factory=set)
    codes: set[ErrorCode] = field(default_factory=set)
    rules: set[ErrorRule] = field(default_factory=set)


class NoText(Exception):
    """A message that is neither a text nor a name of one: it could not be translated."""


@cache
def messages() -> Mapping[str, Use]:
    """Each message with its use; raise `NoText`."""
    found: dict[str, Use] = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        name = path.relative_to(ROOT)
        if name.name == "__main__.py" or "migrations" in name.parts:
            continue
        source = path.read_text(encoding="utf-8")
        module = importlib.import_module(".".join(name.with_suffix("").parts).removesuffix(".__init__"))
        for message, error, rule in _Module(module, str(name)).messages(ast.parse(source)):
            use = found.setdefault(message, Use())
            use.files.add(str(name))
            use.codes.add(error.code)
            if rule or error.rule:
                use.rules.add(rule or error.rule)  # type: ignore[arg-type] # one of the two is there
    return found


@dataclass(frozen=True, slots=True)
class _Module:
    """A module whose names say what a message, a class or a rule in its text is."""

    module: ModuleType
    name: str

    def messages(self, tree: ast.Module) -> Iterator[tuple[str, type[AppError], ErrorRule | None]]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                error = getattr(self.module, node.name, None)
                for statement in node.body if _is_error(error) else ():
                    if isinstance(statement, ast.Assign | ast.AnnAssign) and _target(statement).startswith("message"):
                        yield from ((text, error, None) for text in self._texts(statement.value))  # type: ignore[misc]
            if isinstance(node, ast.Call) and node.args:
                error = self._called(node.func)
                if _is_error(error) and not _takes_no_text(error):
                    rule = next((self._rule(one.value) for one in node.keywords if one.arg == "rule"), None)
                    yield from ((text, error, rule) for text in self._texts(node.args[0]))  # type: ignore[misc]

    def _called(self, function: ast.expr) -> object:
        match function:
            case ast.Name(id=name):
                return getattr(self.module, name, None)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                return getattr(getattr(self.module, name, None), attribute, None)
        return None

    def _rule(self, node: ast.expr) -> ErrorRule:
        assert isinstance(node, ast.Attribute)
        return ErrorRule[node.attr]

    def _texts(self, node: ast.expr | None) -> Iterator[str]:
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.IfExp(body=body, orelse=orelse):
                yield from self._texts(body)
                yield from self._texts(orelse)
            case ast.Name(id=name) if isinstance(constant := getattr(self.module, name, None), str):
                yield constant
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get")) if isinstance(
                texts := getattr(self.module, name, None), Mapping
            ):
                yield from texts.values()
            case _:
                line = getattr(node, "lineno", 0)
                message = f"{self.name}:{line}: a message must be a text without values in it; give those by name."
                raise NoText(message)


def _target(statement: ast.Assign | ast.AnnAssign) -> str:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    return target.id if isinstance(target, ast.Name) else ""


def _is_error(called: object) -> bool:
    return isinstance(called, type) and issubclass(called, AppError)


def _takes_no_text(error: object) -> bool:
    """Whether the class has a constructor of its own, such as one that takes seconds."""
    return error.__init__ is not AppError.__init__  # type: ignore[misc] # of a class
