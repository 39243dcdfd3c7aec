"""A zero character in any text of any operation is refused or finds nothing: PostgreSQL has no such text."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLScalarType,
    OperationDefinitionNode,
    get_named_type,
    is_required_input_field,
    parse,
    type_from_ast,
)

from app.server.schema import SCHEMA
from tests.contract.permissions import CALLERS, MATRIX, NULL, OK, make_setup
from tests.shop import CONTRACT, Shop

NUL = "a\x00b"
TEXTS = {"String", "ID"}
LEVELS = 4
SCALARS: dict[str, Any] = {"String": "x", "ID": "x", "Int": 1, "Boolean": True, "Float": 1.0}
# A cursor that was not handed out, and two names where one is asked for, are mistakes of a program.
MAY_REFUSE = {"customers", "group", "market"}
Path = tuple[str, ...]
# Arguments that the documents of the matrix leave out.
READS = {
    "customer": "query ($by: CustomerBy!) { customer(by: $by) { id } }",
    "customers": """query ($where: CustomerWhere, $after: String) {
        customers(where: $where, after: $after) { nodes { id } } }""",
    "countries": "query ($locale: String) { countries(locale: $locale) { name } }",
    "country": "query ($code: String!, $locale: String) { country(code: $code, locale: $locale) { name } }",
}


@pytest.mark.parametrize("field", sorted(MATRIX))
async def test_a_zero_character_anywhere_is_no_fault(shop: Shop, field: str) -> None:
    setup, entry = await make_setup(shop), MATRIX[field]
    setup.caller = next(caller for caller in CALLERS if entry.outcomes[CALLERS.index(caller)] in {OK, NULL})
    document = READS.get(field, CONTRACT.get(entry.document, entry.document))

    for name, kind in variable_types(document).items():
        for path in text_paths(kind, ()):
            variables = {} if field in {"customer", "customers"} else await entry.variables(setup)
            answer = await setup.ask(document, {**variables, name: with_text(kind, variables.get(name), path)})

            assert not {"INTERNAL_SERVER_ERROR", "RATE_LIMITED"} & {*answer.codes}, path
            assert answer.codes == [] or field in MAY_REFUSE, (path, answer.body)


@pytest.mark.parametrize(
    "document",
    [
        '{ customer(by: { shopperReference: "a\\u0000b" }) { id } }',
        '{ group(code: "a\\u0000b") { id } }',
        '{ market(code: "a\\u0000b") { id } }',
        '{ order(by: { number: "a\\u0000b" }) { id } }',
    ],
)
async def test_nothing_is_called_like_a_zero_character(shop: Shop, document: str) -> None:
    answer = await shop.ask(document, token=await shop.integration())

    (found,) = answer.data.values()
    assert (answer.status, found) == (200, None)


def variable_types(document: str) -> dict[str, Any]:
    """The variables of a document and their types."""
    (operation,) = (one for one in parse(document).definitions if isinstance(one, OperationDefinitionNode))
    return {
        one.variable.name.value: type_from_ast(SCHEMA._schema, one.type) for one in operation.variable_definitions or ()
    }


def text_paths(kind: Any, path: Path) -> Iterator[Path]:
    """Where a text can stand in a value of this type."""
    named = get_named_type(kind)
    if isinstance(named, GraphQLScalarType) and named.name in TEXTS:
        yield path
    elif isinstance(named, GraphQLInputObjectType) and len(path) < LEVELS:
        for name, field in named.fields.items():
            yield from text_paths(field.type, (*path, name))


def with_text(kind: Any, value: Any, path: Path) -> Any:
    """`value`, or the smallest one of this type, with the zero character at `path`."""
    if not path:
        return NUL
    named = get_named_type(kind)
    name, *rest = path
    inner = value if isinstance(value, dict) and not named.name.endswith("By") else smallest(named)
    return {**inner, name: with_text(named.fields[name].type, inner.get(name), tuple(rest))}


def smallest(kind: GraphQLInputObjectType) -> dict[str, Any]:
    """What is required, and no more."""
    found: dict[str, Any] = {}
    for name, field in kind.fields.items():
        if is_required_input_field(field):
            named = get_named_type(field.type)
            if isinstance(named, GraphQLInputObjectType):
                found[name] = smallest(named)
            else:
                found[name] = next(iter(named.values)) if isinstance(named, GraphQLEnumType) else SCALARS[named.name]
    return found
