"""Example tabs of GraphiQL: each operation of the contract, with variables to start from."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphql import OperationDefinitionNode, parse

PACKAGE_DIR = Path(__file__).parent

# In the order of a first visit: register, add data, then use the back office.
DOCUMENTS = ("account", "owned", "backoffice")


@dataclass(frozen=True, slots=True)
class Tab:
    """One operation as a tab shows it.

    `document` is the operation's text exactly as in the contract. `variables` is JSON as the editor shows it, empty
    where the operation takes none.
    """

    name: str
    document: str
    variables: str


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that belong together, as the panel lists them."""

    name: str
    operations: tuple[Tab, ...]


def operations(source: str) -> Iterator[tuple[str, str]]:
    """Name and exact text of each named operation in a document."""
    for definition in parse(source).definitions:
        if isinstance(definition, OperationDefinitionNode) and definition.name and definition.loc:
            yield definition.name.value, source[definition.loc.start : definition.loc.end]


def examples() -> Iterator[Tab]:
    """A tab for each operation, with variables to try it."""
    variables = json.loads((PACKAGE_DIR / "variables.json").read_text(encoding="utf-8"))
    for document in DOCUMENTS:
        source = (PACKAGE_DIR / "operations" / f"{document}.graphql").read_text(encoding="utf-8")
        for name, text in operations(source):
            variables_json = json.dumps(variables[name], indent=2, ensure_ascii=False) if name in variables else ""
            yield Tab(name, text, variables_json)


EXAMPLES = tuple(examples())
