"""What documents say that the code knows better: settings, packages, error codes, limits, mails, commands, scripts."""

import ast
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import typer.main
from annotated_types import Ge, Gt, Le
from graphql import GraphQLEnumType
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.customers.payment_methods.gateways.sandbox import BANK_ACCOUNTS, CARDS
from app.platform.languages import LANGUAGES
from app.platform.limits.policies import PER_MINUTE
from app.platform.mail.templates import Template
from app.platform.settings import Settings
from app.platform.translations import translate
from app.privacy.stored_data import KEYSTORE, OWNED
from app.server.cli import app as command_line
from app.server.schema import SCHEMA
from tests.documents.blocks import cells, table
from tests.messages import extraction

ROOT = Path(__file__).parents[2]


class Undescribed(Exception):
    """The code has something new, and nobody has said in words what it is."""


def settings(_: str) -> str:
    """Every setting with its default, what it may be, and its meaning."""
    rows = []
    for name, field in Settings.model_fields.items():
        if not field.description:
            raise Undescribed(f"Settings.{name}: give it a `Field(description=…)`.")
        rows.append((f"`PATRON_{name.upper()}`", _default(field), _allowed(field), field.description))
    return table(("variable", "default", "allowed", "what"), rows)


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _allowed(field: FieldInfo) -> str:
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType]
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{value}`" for value in kinds)
    kind: Any = kinds[0]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{one.value}`" for one in kind)
    if kind is bool:
        return "`true`, `false`"
    return ", ".join(words for bound in field.metadata if (words := _bound(bound)))


def _bound(bound: object) -> str:
    match bound:
        case Ge(ge=value):
            return f"at least {value:,}"
        case Gt(gt=value):
            return f"more than {value:,}"
        case Le(le=value):
            return f"at most {value:,}"
    return ""


def packages(_: str) -> str:
    """The packages of `app`, each with the first line of its docstring."""
    lines = []
    for path in sorted((ROOT / "app").rglob("__init__.py"), key=_place):
        folder = path.parent.relative_to(ROOT)
        if len(folder.parts) > 1:
            indent = "  " * (len(folder.parts) - 2)
            lines.append(f"{indent}- [`{folder.name}/`](../{folder.as_posix()}): {first_line(path)}\n")
    return "".join(lines)


def _place(path: Path) -> tuple[int, tuple[str, ...]]:
    order = ("server", "privacy", "accounts", "customers", "identity", "platform")
    parts = path.parent.relative_to(ROOT / "app").parts
    return order.index(parts[0]) if parts else -1, parts


def first_line(path: Path) -> str:
    """The first line of a module's docstring, without a full stop."""
    lines = (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()
    if not lines:
        raise Undescribed(f"{path.relative_to(ROOT)}: its docstring says what it is.")
    return lines[0].rstrip(".")


def error_codes(before: str) -> str:
    """Every code of `userErrors` with its meaning from the schema; what to show is kept from the document."""
    kind = SCHEMA._schema.type_map["ErrorCode"]
    assert isinstance(kind, GraphQLEnumType)
    shown = {row[0]: row[2] for row in cells(before)}
    rows = []
    for name, value in kind.values.items():
        code = f"`{name}`"
        if not shown.get(code):
            shown[code] = "TODO"
        rows.append((code, value.description or "", shown[code]))
    return table(("code", "what happened", "what to show, or do"), rows)


def messages(_: str) -> str:
    """Every message with its codes and rules, in all languages."""
    rows = [
        (
            ", ".join(sorted(f"`{one.value}`" for one in use.codes)),
            ", ".join(sorted(f"`{one.value}`" for one in use.rules)),
            *(translate(message, language).replace("|", "\\|") for language in LANGUAGES),
        )
        for message, use in extraction.messages().items()
    ]
    return table(("code", "rule", *("English", "German", "French", "Italian", "Spanish")), sorted(rows))


def stored_data(_: str) -> str:
    """What customers own, and what an erasure does to it."""
    owned = (*OWNED, KEYSTORE[0])
    rows = [
        (f"`{one.table}`", one.outcome.value if one.outcome else "", one.ground.value if one.ground else "")
        for one in owned
    ]
    return table(("store", "at an erasure", "ground of what stays"), rows)


def limits(before: str) -> str:
    """Every rate limit; what it counts is kept from the document."""
    counts = {row[0]: row[2] for row in cells(before)}
    rows = [(f"`{name}`", f"{amount:,}", counts.get(f"`{name}`") or "TODO") for name, amount in PER_MINUTE.items()]
    return table(("policy", "a minute, in production", "counts"), rows)


def mails(before: str) -> str:
    """Every mail with the page its link leads to; when it is sent is kept from the document."""
    sent = {row[0]: row[2] for row in cells(before)}
    rows = []
    for template in Template:
        page = f"`/{template.page}?token=…`" if template.page else ""
        code = ", and a code" if "code" in template.value_names else ""
        rows.append((f"`{template.value}`", page + code, sent.get(f"`{template.value}`") or "TODO"))
    return table(("mail", "page of the storefront", "sent when"), rows)


def sandbox(_: str) -> str:
    """The tokens of the sandbox gateway that make a payment method."""
    kinds = {**dict.fromkeys(CARDS, "card"), **dict.fromkeys(BANK_ACCOUNTS, "bank account")}
    found: Mapping[str, Mapping[str, Any]] = {**CARDS, **BANK_ACCOUNTS}
    rows = [(f"`{token}`", f"{kinds[token]}, {one['brand']}, ends in {one['last4']}") for token, one in found.items()]
    return table(("token", "what it becomes"), rows)


def commands(_: str) -> str:
    """Every command of `patron`, with the first paragraph of its help."""
    return table(("command", "what it does"), [(f"`{name}`", text) for name, text in command_help().items()])


def command_help() -> dict[str, str]:
    """What each command of `patron` says of itself, by its full name."""
    return dict(_commands(typer.main.get_command(command_line), "patron"))


def _commands(command: Any, path: str) -> Iterator[tuple[str, str]]:
    if not hasattr(command, "commands"):
        yield path, " ".join((command.help or "").partition("\n\n")[0].split())
        return
    for name, one in command.commands.items():
        yield from _commands(one, f"{path} {name}")


def scripts(_: str) -> str:
    """Every script with the first line that says what it is."""
    rows = [(f"`scripts/{path.name}`", script_line(path)) for path in sorted((ROOT / "scripts").iterdir())]
    return table(("script", "what it does"), rows)


def script_line(path: Path) -> str:
    """What a script says of itself: its first comment, or the first line of its docstring."""
    return path.read_text().splitlines()[1].removeprefix("# ").removeprefix('"""')


def decisions(_: str) -> str:
    """Every decision, by its title."""
    paths = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    return "".join(f"- [{_title(path)}]({path.name})\n" for path in paths)


def _title(path: Path) -> str:
    return path.read_text().splitlines()[0].removeprefix("# ").partition(", for maintainers: ")[2] or path.stem


MAKERS: Mapping[str, Callable[[str], str]] = {
    "settings": settings,
    "packages": packages,
    "error-codes": error_codes,
    "messages": messages,
    "stored-data": stored_data,
    "rate-limits": limits,
    "mails": mails,
    "sandbox-tokens": sandbox,
    "commands": commands,
    "scripts": scripts,
    "decisions": decisions,
}
