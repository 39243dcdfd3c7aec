"""No error repeats a value that was sent: it may be a password in the wrong field."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_leaf_type,
)

from app.server.schema import sdl
from tests.shop import Shop

SECRET = "hunter2hunter2"
SCHEMA = build_schema(sdl())
VALUES = [SECRET, {"a": SECRET}, [SECRET], [[{"b": SECRET}]], 77.5577, 775577557755, True, None]
LITERALS = [f'"{SECRET}"', SECRET, f'{{a: "{SECRET}"}}', f'["{SECRET}"]', "77.5577", "775577557755", f'"""{SECRET}"""']
SECRETS = (SECRET, "5577")
REQUEST_ERRORS = {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}
SYNTAX = [
    f'{{ login "{SECRET}" }}',
    f'"{SECRET}" "{SECRET}"',
    f'{{ login(a: "{SECRET}" 775577) }}',
    f'{{ login(a "{SECRET}") }}',
    f'{{ login(a: "{SECRET}',
    f'{{ login(a: """{SECRET}',
    f'query ($a: Int = "{SECRET}") {{ viewer {{ kind }} }}',
    f'query ($a: String = "{SECRET}", $a: Int = "{SECRET}") {{ viewer {{ kind }} }}',
    f'{{ viewer @include(if: "{SECRET}") {{ kind }} }}',
    f'{{ viewer(a: "{SECRET}") {{ kind }} }}',
    f'{{ a: country(code: "{SECRET}") {{ code }} a: country(code: "x{SECRET}") {{ code }} }}',
    f'{{ customer(by: {{ email: "{SECRET}", id: "{SECRET}" }}) {{ id }} }}',
    f'{{ customer(by: {{ email: "{SECRET}", email: "{SECRET}" }}) {{ id }} }}',
    "775577",
    "77.5577",
    f"{{ login(a: '{SECRET}') }}",
]


def arguments() -> Iterator[tuple[str, str, str, GraphQLArgument]]:
    """Every argument of every root field, with the kind of operation and the field."""
    for kind, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)):
        assert isinstance(root, GraphQLObjectType)
        for field, definition in root.fields.items():
            for name, argument in definition.args.items():
                yield kind, field, name, argument


def leaves(argument: GraphQLArgument | GraphQLInputField) -> list[str]:
    """The fields of an input object; none for anything else."""
    named = get_named_type(argument.type)
    return list(named.fields) if isinstance(named, GraphQLInputObjectType) else []


def selection(kind: str, field: str) -> str:
    root = SCHEMA.query_type if kind == "query" else SCHEMA.mutation_type
    assert root
    return "" if is_leaf_type(get_named_type(root.fields[field].type)) else " { __typename }"


async def check(shop: Shop, document: str, **variables: Any) -> None:
    answer = await shop.ask(document, **variables)

    assert set(answer.codes) <= {*REQUEST_ERRORS, "UNAUTHENTICATED"}, answer.body
    for error in answer.body.get("errors", []):
        assert not [secret for secret in SECRETS if secret in error["message"]], error["message"]


@pytest.mark.parametrize("field", sorted({field for _, field, _, _ in arguments()}))
async def test_a_wrong_variable_is_bad_input_and_is_not_repeated(shop: Shop, field: str) -> None:
    for kind, _, name, argument in (one for one in arguments() if one[1] == field):
        document = f"{kind} ($a: {argument.type}) {{ {field}({name}: $a){selection(kind, field)} }}"
        for value in VALUES:
            await check(shop, document, a=value)
            for leaf in leaves(argument):
                await check(shop, document, a={leaf: value})


@pytest.mark.parametrize("field", sorted({field for _, field, _, _ in arguments()}))
async def test_a_wrong_literal_is_bad_input_and_is_not_repeated(shop: Shop, field: str) -> None:
    for kind, _, name, argument in (one for one in arguments() if one[1] == field):
        for literal in LITERALS:
            await check(shop, f"{kind} {{ {field}({name}: {literal}){selection(kind, field)} }}")
            for leaf in leaves(argument):
                await check(shop, f"{kind} {{ {field}({name}: {{ {leaf}: {literal} }}){selection(kind, field)} }}")


@pytest.mark.parametrize("document", SYNTAX)
async def test_a_document_that_cannot_be_read_is_not_repeated(shop: Shop, document: str) -> None:
    await check(shop, document)


async def test_a_message_still_says_which_variable_is_wrong_and_where(shop: Shop) -> None:
    document = "mutation ($i: LoginInput!) { login(input: $i) { userErrors { code } } }"

    answer = await shop.ask(document, i={"identifier": "ann@example.org", "password": [SECRET]})

    assert [error["message"] for error in answer.body["errors"]] == [
        "Variable '$i' has invalid value at .password: String cannot represent this value."
    ]
    assert answer.codes == ["BAD_USER_INPUT"]
