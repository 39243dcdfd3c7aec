"""Media types and statuses of GraphQL over HTTP (September 2026)."""

import pytest

from app.platform.graphql.negotiation import media_type
from tests.shop import Shop

OWN, JSON = "application/graphql-response+json", "application/json"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (OWN, OWN),
        ("Application/GraphQL-Response+JSON; charset=utf-8", OWN),
        (f"{OWN}, {JSON}", OWN),
        (f"{JSON}, {OWN}", OWN),
        (f"{OWN};q=0.9, {JSON}", JSON),
        (f"{OWN}, {JSON};q=0.9", OWN),
        (f"{OWN};q=0, {JSON};q=0.1", JSON),
        (f"{OWN};q=0, */*", JSON),
        (f"{OWN};q=0", JSON),
        (f"{JSON};q=0, */*", OWN),
        (f"{JSON};q=0, {OWN}", OWN),
        (f"{OWN};q=0.5, */*;q=0.8", JSON),
        (f"{OWN};q=often, {JSON}", JSON),
        ("text/html, application/xhtml+xml", JSON),
        ("", JSON),
    ],
)
def test_the_media_type_follows_the_weights_of_accept(accept: str | None, chosen: str) -> None:
    assert media_type(accept) == chosen


LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { userErrors { code } } }"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"query": "{ viewer { kind } }"}, 200, None),
        ({"query": "{"}, 400, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, 422, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": LOGIN, "variables": {"input": 7}}, 422, "BAD_USER_INPUT"),
        ({"query": LOGIN}, 422, "BAD_USER_INPUT"),
        ({"query": "{ viewer { kind } me { email } }"}, 294, "UNAUTHENTICATED"),
        ({"documentId": f"sha256:{'0' * 64}"}, 400, "PERSISTED_QUERY_NOT_FOUND"),
    ],
)
async def test_the_status_says_what_became_of_the_request(
    shop: Shop, body: dict[str, object], status: int, code: str | None
) -> None:
    own, plain = await shop.post(body, accept=OWN), await shop.post(body, accept=JSON)

    assert (own.status, plain.status) == (status, 200)
    assert own.codes == plain.codes == ([code] if code else [])
    assert own.headers["content-type"] == f"{OWN}; charset=utf-8"
    assert plain.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert own.body == plain.body
