"""Requests that are not valid GraphQL over HTTP: each gets a clear error, and nothing is written."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.platform.graphql.http import DISCARD_BYTES
from tests.live_server import Server
from tests.server.http.raw import error, send
from tests.shop import Shop

VIEWER = b'{"query": "{ viewer { kind } }"'
NOT_JSON = (400, "BAD_USER_INPUT", "The body is not JSON in UTF-8.")
NO_OBJECT = (400, "BAD_USER_INPUT", "The body must be a JSON object with a query.")
NO_QUERY = (400, "BAD_USER_INPUT", "The field query must be a string with a GraphQL document.")
NO_OPERATION = (400, "BAD_USER_INPUT", "Name one of the document's operations in operationName.")
TOO_LARGE = (413, "BAD_USER_INPUT", "The body is larger than 262144 bytes.")
WRONG_TYPE = (415, "BAD_USER_INPUT", "Send a JSON body with the content type application/json.")
MEBIBYTES = 10 * 1024 * 1024

BODIES = {
    "nothing": (b"", NOT_JSON),
    "malformed JSON": (b'{"query": ', NOT_JSON),
    "invalid UTF-8": (VIEWER + b', "operationName": "\xff\xfe"}', NOT_JSON),
    "an overlong encoding of a slash": (VIEWER + b', "operationName": "\xc0\xaf"}', NOT_JSON),
    "a number of 10,000 digits": (VIEWER + b', "variables": {"a": ' + b"9" * 10_000 + b"}}", NOT_JSON),
    "a fraction of 10,000 digits": (VIEWER + b', "variables": {"a": ' + b"9" * 10_000 + b".5}}", NOT_JSON),
    "not a number": (VIEWER + b', "variables": {"a": NaN}}', NOT_JSON),
    "very deep JSON": (VIEWER + b', "variables": ' + b'{"a":' * 30_000 + b"1" + b"}" * 30_000 + b"}", NOT_JSON),
    "a lone surrogate in a variable": (VIEWER + b', "variables": {"a": "\\ud800"}}', NOT_JSON),
    "a lone surrogate in operationName": (VIEWER + b', "operationName": "\\udfff"}', NOT_JSON),
    "a lone surrogate in the document": (b'{"query": "{ viewer { kind } } # \\ud800"}', NOT_JSON),
    "null": (b"null", NO_OBJECT),
    "a string": (b'"{ viewer { kind } }"', NO_OBJECT),
    "a number": (b"1", NO_OBJECT),
    "no query": (b"{}", NO_QUERY),
    "a query of null": (b'{"query": null}', NO_QUERY),
    "a blank query": (b'{"query": " "}', NO_QUERY),
    "a query that is a list": (b'{"query": ["{ viewer { kind } }"]}', NO_QUERY),
    "an unknown operation": (b'{"query": "query A { viewer { kind } }", "operationName": "B"}', NO_OPERATION),
    "NUL in operationName": (b'{"query": "query A { viewer { kind } }", "operationName": "A\\u0000"}', NO_OPERATION),
    "two operations and no name": (
        b'{"query": "query A { viewer { kind } } query B { viewer { kind } }"}',
        NO_OPERATION,
    ),
    "variables in a list": (
        VIEWER + b', "variables": []}',
        (400, "BAD_USER_INPUT", "The field variables must be an object or null."),
    ),
    "an operationName that is a number": (
        VIEWER + b', "operationName": 1}',
        (400, "BAD_USER_INPUT", "The field operationName must be a string or null."),
    ),
    "extensions in a string": (
        VIEWER + b', "extensions": "x"}',
        (400, "BAD_USER_INPUT", "The field extensions must be an object or null."),
    ),
    "a batch": (
        b'[{"query": "{ viewer { kind } }"}]',
        (400, "BAD_USER_INPUT", "Batches are not accepted: send one operation for each request."),
    ),
    "an empty batch": (
        b"[]",
        (400, "BAD_USER_INPUT", "Batches are not accepted: send one operation for each request."),
    ),
    "a string of 10 MB": (VIEWER + b', "operationName": "' + b"x" * MEBIBYTES + b'"}', TOO_LARGE),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_no_request_gets_a_clean_answer(shop: Shop, name: str) -> None:
    body, expected = BODIES[name]
    before = await shop.counts()

    answer = await send(shop, body)

    assert error(answer) == expected
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["x-request-id"]
    assert await shop.counts() == before


async def test_a_body_without_a_length_is_cut_off(shop: Shop) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 65_536

    answer = await send(shop, endless())

    assert error(answer) == TOO_LARGE
    # The rest is thrown away for a while, so that a client that sends much gets the answer.
    assert 65_536 * (sent - 1) <= 262_144 + DISCARD_BYTES


async def test_a_body_of_exactly_the_limit_is_read(shop: Shop) -> None:
    body = VIEWER + b"}"

    answer = await send(shop, body + b" " * (262_144 - len(body)))

    assert answer.data == {"viewer": {"kind": "GUEST"}}
    assert error(await send(shop, body + b" " * (262_145 - len(body)))) == TOO_LARGE


@pytest.mark.parametrize(
    "content", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
async def test_another_content_type_is_refused_so_that_no_form_of_another_site_is_executed(
    shop: Shop, content: str
) -> None:
    answer = await send(shop, VIEWER + b"}", **{"content-type": content})

    assert error(answer) == WRONG_TYPE
    assert answer.headers["accept-post"] == "application/json"


async def test_a_content_type_may_have_parameters(shop: Shop) -> None:
    answer = await send(shop, VIEWER + b"}", **{"content-type": "Application/JSON; charset=utf-8"})

    assert answer.data == {"viewer": {"kind": "GUEST"}}


async def test_a_mutation_by_get_is_refused_and_not_carried_out(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    query = {"query": "mutation { logout { userErrors { code } } }"}

    answer = await shop.client.get("/graphql", params=query, headers={"authorization": f"Bearer {ann.token}"})

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert (await shop.ask("{ me { id } }", token=ann.token)).data["me"]["id"] == ann.id


async def test_a_mutation_chosen_by_name_is_not_carried_out_by_get_either(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    query = {"query": "query A { viewer { kind } } mutation B { logout { userErrors { code } } }", "operationName": "B"}

    answer = await shop.client.get("/graphql", params=query, headers={"authorization": f"Bearer {ann.token}"})

    assert answer.status_code == 405
    assert (await shop.ask("{ me { id } }", token=ann.token)).data["me"]["id"] == ann.id


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_are_refused(shop: Shop, method: str) -> None:
    answer = await shop.client.request(method, "/graphql", json={"query": "{ viewer { kind } }"})

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("name", ["variables", "extensions"])
async def test_a_parameter_that_is_not_json_is_refused(shop: Shop, name: str) -> None:
    answer = await shop.client.get("/graphql", params={"query": "{ viewer { kind } }", name: "{"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == f"The parameter {name} is not JSON."


async def test_broken_text_in_an_address_is_no_fault(shop: Shop) -> None:
    answer = await shop.client.get("/graphql?query=%7Bviewer%7Bkind%7D%7D%23%ED%A0%80&operationName=%ED%A0%80%00")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


MOMENT = "Write a point in time with its offset from UTC, as in 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00."
DAY = "Write a day as in 2026-01-31."


@pytest.mark.parametrize("given", ["2026-01-31", "2026-01-31T12:00:00", "yesterday"])
async def test_a_text_that_is_no_moment_is_named_with_how_to_write_it(shop: Shop, given: str) -> None:
    ann = await shop.register("ann@example.org")
    use = "query ($given: DateTime) { me { orders(placedFrom: $given) { totalCount } } }"

    as_variable = await shop.ask(use, token=ann.token, given=given)
    as_literal = await shop.ask(
        use.replace("query ($given: DateTime) ", "").replace("$given", json.dumps(given)), token=ann.token
    )

    for answer in (as_variable, as_literal):
        assert answer.codes == ["BAD_USER_INPUT"]
        (error,) = answer.body["errors"]
        assert "`placedFrom` is not a point in time. Write it with its zone" in error["message"]


@pytest.mark.parametrize(
    ("kind", "given", "right"),
    [
        ("DateTime", 1769860800, MOMENT),
        ("Date", 20260131, DAY),
    ],
)
async def test_a_wrong_day_or_moment_is_answered_with_how_to_write_it(
    shop: Shop, kind: str, given: object, right: str
) -> None:
    ann = await shop.register("ann@example.org")
    use = {
        "DateTime": "query ($given: DateTime) { me { orders(placedFrom: $given) { totalCount } } }",
        "Date": "mutation ($given: Date) { updateCustomer(input: { birthDate: $given }) { userErrors { code } } }",
    }[kind]

    as_variable = await shop.ask(use, token=ann.token, given=given)
    literal = use.replace(f"($given: {kind}) ", "").replace("$given", json.dumps(given))
    as_literal = await shop.ask(literal, token=ann.token)

    for answer, code in ((as_variable, "BAD_USER_INPUT"), (as_literal, "GRAPHQL_VALIDATION_FAILED")):
        assert answer.codes == [code]
        (error,) = answer.body["errors"]
        assert f"This is not a {kind}. {right}" in error["message"]
        assert str(given) not in error["message"].replace(right, "")


async def test_who_sends_many_megabytes_gets_the_answer_and_not_a_closed_connection(tmp_path: Path) -> None:
    body = VIEWER + b', "operationName": "' + b"x" * 20 * 1024 * 1024 + b'"}'
    with Server(tmp_path) as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            answer = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
            healthy = await client.get("/healthz")

    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (413, TOO_LARGE[2])
    assert healthy.status_code == 200


async def test_who_asks_for_a_websocket_is_told_to_post(shop: Shop) -> None:
    headers = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-protocol": "graphql-transport-ws"}

    answer = await shop.client.get("/graphql", headers=headers)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "There are no subscriptions here. Send operations by POST."


async def test_messages_speak_of_null_as_json_does(shop: Shop) -> None:
    document = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code } } }"

    answer = await shop.ask(document, input={"email": None})

    assert answer.codes == ["BAD_USER_INPUT"]
    assert "None" not in answer.body["errors"][0]["message"]
    assert answer.body["errors"][0]["message"].endswith("not to be null.")
