"""Which web pages may call, and how."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.house import House, Urls, open_test_house

READ = "{ viewer { kind organization { slug } } }"
SHOP = "https://shop.example.org"
OTHER = "https://other.example.org"
STRANGER = "https://evil.example.org"


@pytest.fixture
async def house(sqlite_urls: Urls) -> AsyncIterator[House]:
    """Two organizations with a list each."""
    async with open_test_house(sqlite_urls) as opened:
        opened.shop = await opened.open_shop("shop", cors_origins=[SHOP])
        await opened.open_shop("other", cors_origins=[OTHER])
        yield opened


async def preflight(house: House, origin: str) -> httpx.Response:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-api-key",
    }
    return await house.client.options("/graphql", headers=headers)


async def read_from(house: House, origin: str) -> httpx.Response:
    return await house.client.post(
        "/graphql", json={"query": READ}, headers={"origin": origin, "x-api-key": house.shop.key}
    )


@pytest.mark.parametrize("origin", [SHOP, OTHER])
async def test_a_preflight_is_answered_for_the_origins_of_all_organizations(house: House, origin: str) -> None:
    answer = await preflight(house, origin)

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "content-type", "x-api-key", "x-request-id"} <= set(allowed)
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", [STRANGER, "null", "", f"{SHOP}.evil.example.org", "http://shop.example.org"])
async def test_a_page_on_no_list_may_neither_ask_nor_read(house: House, origin: str) -> None:
    asked, read = await preflight(house, origin), await read_from(house, origin)

    for answer in (asked, read):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["vary"] == "Origin"


async def test_an_answer_may_be_read_by_the_pages_of_its_own_organization_only(house: House) -> None:
    own, foreign = await read_from(house, SHOP), await read_from(house, OTHER)

    assert own.headers["access-control-allow-origin"] == SHOP
    exposed = own.headers["access-control-expose-headers"].split(", ")
    assert {"RateLimit", "RateLimit-Remaining", "Retry-After", "X-Request-Id"} <= set(exposed)
    assert "access-control-allow-origin" not in foreign.headers


async def test_an_allowed_page_may_read_why_it_was_refused(house: House) -> None:
    answer = await house.client.post("/graphql", content=b"{", headers={"origin": SHOP, "x-api-key": "pk_wrong"})

    assert answer.status_code == 415
    assert answer.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize("origin", ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:8080"])
async def test_pages_on_this_machine_are_allowed_in_development(house: House, origin: str) -> None:
    assert (await preflight(house, origin)).headers["access-control-allow-origin"] == origin
    assert (await read_from(house, origin)).headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize("origin", ["http://localhost.evil.example.org", "http://localhost:5173.evil.example.org"])
async def test_what_only_looks_like_this_machine_is_not(house: House, origin: str) -> None:
    assert "access-control-allow-origin" not in (await preflight(house, origin)).headers


@pytest.fixture
async def jsonp_house(sqlite_urls: Urls) -> AsyncIterator[House]:
    async with open_test_house(sqlite_urls, jsonp=True) as opened:
        yield opened


async def script(house: House, callback: str, query: str = READ, **headers: str) -> httpx.Response:
    return await house.client.get("/graphql", params={"query": query, "callback": callback}, headers=headers)


async def test_jsonp_answers_a_guest_with_a_call_of_the_function(jsonp_house: House) -> None:
    answer = await script(jsonp_house, "shop.answer_1$")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("/**/shop.answer_1$(")
    called = json.loads(answer.text.removeprefix("/**/shop.answer_1$(").removesuffix(");"))
    assert called == {"data": {"viewer": {"kind": "GUEST", "organization": {"slug": "first"}}}}


async def test_jsonp_is_off_unless_it_is_switched_on(house: House) -> None:
    answer = await script(house, "answer")

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    "callback", ["", "1a", "a b", "alert(1)//", "a;b", "a[0]", "<script>", "é", "a" * 65, "a\n", "a\u2028"]
)
async def test_jsonp_calls_nothing_but_a_name(jsonp_house: House, callback: str) -> None:
    answer = await script(jsonp_house, callback)

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/json")


async def test_jsonp_is_for_guests_and_queries(jsonp_house: House) -> None:
    ann = await jsonp_house.register("ann@example.org")
    before = await jsonp_house.counts()

    signed_in = await script(jsonp_house, "answer", authorization=f"Bearer {ann.token}")
    mutation = await script(jsonp_house, "answer", "mutation { logout { userErrors { code } } }")
    posted = await jsonp_house.client.post("/graphql?callback=answer", json={"query": READ})

    assert signed_in.status_code == 400
    assert posted.status_code == 400
    assert mutation.text.startswith('/**/answer({"errors":[{"message":"Only queries may be sent by GET."')
    assert await jsonp_house.counts() == before


async def test_with_jsonp_on_the_page_of_graphiql_runs_no_answers_as_scripts(jsonp_house: House) -> None:
    page = await jsonp_house.client.get("/graphql", headers={"accept": "text/html"})

    assert "script-src http://patron.test/graphql/static/;" in page.headers["content-security-policy"]
