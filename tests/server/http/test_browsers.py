"""CORS and JSONP: which web pages may send requests and read responses."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.shop import Shop, Urls, open_shop

READ = "{ viewer { kind organization { slug } } }"
STOREFRONT = "https://shop.example.org"
OTHER = "https://other.example.org"
STRANGER = "https://evil.example.org"


@pytest.fixture
async def shop(sqlite_urls: Urls) -> AsyncIterator[Shop]:
    """Two organizations, each with its own origins."""
    async with open_shop(sqlite_urls) as opened:
        opened.organization = await opened.create_organization("shop", cors_origins=[STOREFRONT])
        await opened.create_organization("other", cors_origins=[OTHER])
        yield opened


async def preflight(shop: Shop, origin: str) -> httpx.Response:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-api-key",
    }
    return await shop.client.options("/graphql", headers=headers)


async def read_from(shop: Shop, origin: str) -> httpx.Response:
    return await shop.client.post(
        "/graphql", json={"query": READ}, headers={"origin": origin, "x-api-key": shop.organization.key}
    )


@pytest.mark.parametrize("origin", [STOREFRONT, OTHER])
async def test_a_preflight_is_answered_for_the_origins_of_all_organizations(shop: Shop, origin: str) -> None:
    answer = await preflight(shop, origin)

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "content-type", "x-api-key", "x-request-id"} <= set(allowed)
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "header",
    [
        "apollographql-client-name",
        "apollographql-client-version",
        "apollo-require-preflight",
        "x-apollo-operation-name",
        "sentry-trace",
        "baggage",
        "traceparent",
        "tracestate",
        "x-datadog-trace-id",
        "x-requested-with",
    ],
)
async def test_headers_that_storefronts_libraries_add_are_allowed(shop: Shop, header: str) -> None:
    answer = await preflight(shop, STOREFRONT)

    assert header in answer.headers["access-control-allow-headers"].split(", ")


@pytest.mark.parametrize("origin", [STRANGER, "null", "", f"{STOREFRONT}.evil.example.org", "http://shop.example.org"])
async def test_a_page_on_no_list_may_neither_ask_nor_read(shop: Shop, origin: str) -> None:
    preflighted, read = await preflight(shop, origin), await read_from(shop, origin)

    for answer in (preflighted, read):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["vary"] == "Origin"


async def test_an_answer_may_be_read_by_the_pages_of_its_own_organization_only(shop: Shop) -> None:
    own, foreign = await read_from(shop, STOREFRONT), await read_from(shop, OTHER)

    assert own.headers["access-control-allow-origin"] == STOREFRONT
    exposed = own.headers["access-control-expose-headers"].split(", ")
    assert {
        "RateLimit",
        "RateLimit-Remaining",
        "Retry-After",
        "X-Api-Version",
        "X-Request-Id",
        "WWW-Authenticate",
    } <= set(exposed)
    assert "access-control-allow-origin" not in foreign.headers


async def test_an_allowed_page_may_read_why_it_was_refused(shop: Shop) -> None:
    answer = await shop.client.post("/graphql", content=b"{", headers={"origin": STOREFRONT, "x-api-key": "pk_wrong"})

    assert answer.status_code == 415
    assert answer.headers["access-control-allow-origin"] == STOREFRONT


@pytest.mark.parametrize("origin", ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:8080"])
async def test_pages_on_this_machine_are_allowed_in_development(shop: Shop, origin: str) -> None:
    assert (await preflight(shop, origin)).headers["access-control-allow-origin"] == origin
    assert (await read_from(shop, origin)).headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize("origin", ["http://localhost.evil.example.org", "http://localhost:5173.evil.example.org"])
async def test_what_only_looks_like_this_machine_is_not(shop: Shop, origin: str) -> None:
    assert "access-control-allow-origin" not in (await preflight(shop, origin)).headers


@pytest.fixture
async def jsonp_shop(sqlite_urls: Urls) -> AsyncIterator[Shop]:
    async with open_shop(sqlite_urls, jsonp=True) as opened:
        yield opened


async def script(shop: Shop, callback: str, query: str = READ, **headers: str) -> httpx.Response:
    return await shop.client.get("/graphql", params={"query": query, "callback": callback}, headers=headers)


async def test_jsonp_answers_a_guest_with_a_call_of_the_function(jsonp_shop: Shop) -> None:
    answer = await script(jsonp_shop, "shop.answer_1$")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("/**/shop.answer_1$(")
    called = json.loads(answer.text.removeprefix("/**/shop.answer_1$(").removesuffix(");"))
    assert called == {"data": {"viewer": {"kind": "GUEST", "organization": {"slug": "first"}}}}


async def test_jsonp_is_off_unless_it_is_switched_on(shop: Shop) -> None:
    answer = await script(shop, "answer")

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    "callback", ["", "1a", "a b", "alert(1)//", "a;b", "a[0]", "<script>", "é", "a" * 65, "a\n", "a\u2028"]
)
async def test_jsonp_calls_nothing_but_a_name(jsonp_shop: Shop, callback: str) -> None:
    answer = await script(jsonp_shop, callback)

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/json")


async def test_jsonp_is_for_guests_and_queries(jsonp_shop: Shop) -> None:
    ann = await jsonp_shop.register("ann@example.org")
    before = await jsonp_shop.counts()

    signed_in = await script(jsonp_shop, "answer", authorization=f"Bearer {ann.token}")
    mutation = await script(jsonp_shop, "answer", "mutation { logout { userErrors { code } } }")
    posted = await jsonp_shop.client.post("/graphql?callback=answer", json={"query": READ})

    assert signed_in.status_code == 400
    assert posted.status_code == 400
    assert mutation.text.startswith('/**/answer({"errors":[{"message":"Only queries may be sent by GET."')
    assert await jsonp_shop.counts() == before


async def test_with_jsonp_on_the_page_of_graphiql_runs_no_answers_as_scripts(jsonp_shop: Shop) -> None:
    page = await jsonp_shop.client.get("/graphql", headers={"accept": "text/html"})

    assert "script-src http://patron.test/graphql/static/;" in page.headers["content-security-policy"]
