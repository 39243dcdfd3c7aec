"""The schema: its snapshot is current, it is described, and the operations of the contract are valid."""

import json
from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from app.platform.db.autogenerate import check_migrations
from app.platform.db.revisions import DatabaseKind
from app.server.graphiql.tabs import EXAMPLES, PACKAGE_DIR
from app.server.schema import sdl
from tests.contract.snapshot import SNAPSHOT

GRAPHQL_SCHEMA = build_schema(sdl())
# Operations of the contract that are not implemented yet; remove one when it becomes valid.
WAITING: set[str] = set()
NAMES = [tab.name for tab in EXAMPLES]
PRESENT = [tab for tab in EXAMPLES if tab.name not in WAITING]


def undescribed() -> Iterator[str]:
    """The elements of the schema without a description."""
    for name, kind in GRAPHQL_SCHEMA.type_map.items():
        if name.startswith("__"):
            continue
        if not kind.description:
            yield name
        if isinstance(kind, GraphQLEnumType):
            yield from (f"{name}.{value}" for value, one in kind.values.items() if not one.description)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in kind.fields.items():
                if not field.description:
                    yield f"{name}.{field_name}"
                arguments = getattr(field, "args", {})
                yield from (f"{name}.{field_name}({one})" for one in arguments if not arguments[one].description)
    builtin = {"skip", "include", "deprecated", "specifiedBy", "oneOf"}
    yield from (f"@{one.name}" for one in GRAPHQL_SCHEMA.directives if one.name not in builtin and not one.description)


def test_the_schema_file_is_what_the_program_serves() -> None:
    assert SNAPSHOT.read_text() == sdl()


def test_every_element_of_the_schema_has_a_description() -> None:
    assert list(undescribed()) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_of_the_contract_is_valid_unless_it_waits_for_its_issue(name: str) -> None:
    errors = validate(GRAPHQL_SCHEMA, parse(next(tab.document for tab in EXAMPLES if tab.name == name)))

    assert bool(errors) == (name in WAITING), errors


def test_only_operations_of_the_contract_wait() -> None:
    assert set(NAMES) >= WAITING


@pytest.mark.parametrize("name", [tab.name for tab in PRESENT])
def test_the_variables_of_every_example_tab_are_of_the_right_type(name: str) -> None:
    tab = next(tab for tab in PRESENT if tab.name == name)
    operation = parse(tab.document).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)

    coerced = get_variable_values(
        GRAPHQL_SCHEMA, operation.variable_definitions or (), json.loads(tab.variables or "{}")
    )

    assert not isinstance(coerced, list), coerced


def test_every_variable_that_must_be_given_has_an_example() -> None:
    examples = json.loads((PACKAGE_DIR / "variables.json").read_text())
    for tab in EXAMPLES:
        operation = parse(tab.document).definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        needed = {
            one.variable.name.value for one in operation.variable_definitions or () if one.type.kind == "non_null_type"
        }
        assert needed <= set(examples.get(tab.name, {})), tab.name


@pytest.mark.parametrize("kind", list(DatabaseKind))
def test_migrations_make_the_tables_that_the_program_has(kind: DatabaseKind) -> None:
    check_migrations(kind)
