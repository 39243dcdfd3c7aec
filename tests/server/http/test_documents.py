"""Invalid and oversized documents are refused before they cost anything."""

import json

import pytest

from tests.server.http.raw import error, send
from tests.shop import Shop

PARSE, VALID = "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"
CIRCLE = "query { ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
DOUBLING = (
    "query { ...F0 } "
    + " ".join(f"fragment F{number} on Query {{ ...F{number + 1} ...F{number + 1} }}" for number in range(30))
    + " fragment F30 on Query { viewer { kind } }"
)

DOCUMENTS = {
    "NUL": ("{ viewer { kind } }\0", PARSE, "Syntax Error: Unexpected character: U+0000."),
    "an escaped lone surrogate": (
        '{ country(code: "\\uD800") { code } }',
        PARSE,
        "Syntax Error: Invalid Unicode escape sequence: '\\uD800'.",
    ),
    "nothing selected": ("{ me { } }", PARSE, "Syntax Error: Expected Name."),
    "an unknown field": ("{ viewer { kin } }", VALID, None),
    "depth 50": ("{ a " * 50 + "}" * 50, VALID, "The document is nested deeper than 12 levels."),
    "depth 900": ("{ a " * 900 + "}" * 900, PARSE, "Syntax Error: Document is nested too deeply. Parsing aborted."),
    "a list 900 deep": (
        "{ country(code: " + "[" * 900 + "]" * 900 + ") { code } }",
        PARSE,
        "Syntax Error: Document is nested too deeply. Parsing aborted.",
    ),
    "500 aliases": (
        "{ viewer {" + " ".join(f"a{number}: kind" for number in range(500)) + "} }",
        VALID,
        "The document uses more than 30 aliases.",
    ),
    "300 duplicate fields": (
        "{ viewer {" + " kind" * 300 + "} }",
        VALID,
        "The document repeats a field more than 100 times.",
    ),
    "many tokens": (
        "{ viewer {" + " kind" * 2500 + "} }",
        PARSE,
        "Syntax Error: Document contains more than 2000 tokens. Parsing aborted.",
    ),
    "doubling fragments": (DOUBLING, VALID, None),
    "a circle of fragments": (CIRCLE, VALID, None),
    "a fragment in itself": (
        "query { ...A } fragment A on Query { viewer { kind } ...A }",
        VALID,
        "Cannot spread fragment 'A' within itself.",
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_document_that_may_not_be_executed_is_refused(shop: Shop, name: str) -> None:
    document, code, message = DOCUMENTS[name]
    before = await shop.counts()

    answer = await shop.ask(document)

    assert set(answer.codes) == {code}
    assert "data" not in answer.body
    assert message is None or message == answer.body["errors"][0]["message"]
    assert await shop.counts() == before


@pytest.mark.parametrize("accept", ["application/graphql-response+json", "application/json", "*/*"])
async def test_a_refused_document_is_a_400_for_those_who_ask_for_the_media_type_of_the_specification(
    shop: Shop, accept: str
) -> None:
    answer = await send(shop, b'{"query": "{"}', accept=accept)

    own = accept == "application/graphql-response+json"
    assert error(answer)[:2] == (400 if own else 200, PARSE)
    expected = accept if own else "application/json"
    assert answer.headers["content-type"] == f"{expected}; charset=utf-8"


async def test_what_is_below_the_limits_is_answered(shop: Shop) -> None:
    aliases = " ".join(f"a{number}: viewer {{ kind }}" for number in range(30))

    answer = await shop.ask("{" + aliases + "}")

    assert answer.data["a29"] == {"kind": "GUEST"}


async def test_a_subscription_is_no_operation_of_this_schema(shop: Shop) -> None:
    assert (await shop.ask("subscription { viewer { kind } }")).codes == [VALID]


async def test_deep_variables_are_no_fault(shop: Shop) -> None:
    deep = '{"a":' * 900 + "1" + "}" * 900
    document = json.dumps("mutation ($i: LoginInput!) { login(input: $i) { userErrors { code } } }")

    answer = await send(shop, f'{{"query": {document}, "variables": {{"i": {deep}}}}}'.encode())

    assert set(answer.codes) == {"BAD_USER_INPUT"}
