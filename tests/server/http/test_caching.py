"""Caching of reference data, and compression: what may be kept and squeezed, and what may not."""

import gzip
import json

import httpx
import pytest

from tests.shop import Shop

COUNTRIES = "{ countries { code name zones { code name } } }"
ONE = '{ country(code: "CH") { name } }'


async def get(shop: Shop, query: str, **headers: str) -> httpx.Response:
    given = {"accept-encoding": "identity", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await shop.client.get("/graphql", params={"query": query}, headers=given)


async def test_reference_data_is_kept_by_guests_and_asked_for_again_by_its_tag(shop: Shop) -> None:
    first = await get(shop, ONE)

    assert first.headers["cache-control"] == "public, max-age=300"
    again = await get(shop, ONE, if_none_match=f'"other", {first.headers["etag"]}')
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = await get(shop, '{ country(code: "DE") { name } }', if_none_match=first.headers["etag"])
    assert other.json()["data"] == {"country": {"name": "Germany"}}
    vary = {one.strip().lower() for one in ", ".join(first.headers.get_list("vary")).split(",")}
    assert {"accept", "accept-language", "authorization", "x-api-key", "origin"} <= vary


async def test_names_follow_accept_language_and_so_does_the_tag(shop: Shop) -> None:
    english, german = await get(shop, ONE), await get(shop, ONE, accept_language="de-CH, en;q=0.5")

    assert english.json()["data"]["country"]["name"] == "Switzerland"
    assert german.json()["data"]["country"]["name"] == "Schweiz"
    assert english.headers["etag"] != german.headers["etag"]
    ann = await shop.register("ann@example.org", locale="fr")
    own = await get(shop, ONE, accept_language="de", authorization=f"Bearer {ann.token}")
    assert own.json()["data"]["country"]["name"] == "Suisse"


@pytest.mark.parametrize(
    "query",
    [
        "{ me { email } }",
        "{ registrationForm { fields { name } } }",
        "{ viewer { __typename } }",
        f"{ONE[:-1]} viewer {{ __typename }} }}",
    ],
)
async def test_nothing_about_a_caller_or_a_shop_is_kept(shop: Shop, query: str) -> None:
    ann = await shop.register("ann@example.org")

    bearer = {"authorization": f"Bearer {ann.token}"}
    for answer in (await get(shop, query), await get(shop, query, **bearer)):
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


async def test_what_a_customer_or_a_post_gets_is_not_kept_and_errors_neither(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    posted = await shop.post({"query": ONE})

    own = await get(shop, ONE, authorization=f"Bearer {ann.token}")
    wrong = await get(shop, '{ country(code: "CH") { nothing } }')

    for headers in (posted.headers, own.headers, wrong.headers):
        assert headers["cache-control"] == "no-store"
        assert "etag" not in headers


async def test_long_answers_are_compressed_where_that_is_asked_for(shop: Shop) -> None:
    plain = await get(shop, COUNTRIES)
    asked = shop.client.build_request(
        "GET", "/graphql", params={"query": COUNTRIES}, headers={"accept-encoding": "br, gzip;q=0.5"}
    )
    answer = await shop.client.send(asked, stream=True)
    raw = b"".join([chunk async for chunk in answer.aiter_raw()])

    assert "content-encoding" not in plain.headers
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(raw) < len(plain.content) / 4
    assert json.loads(gzip.decompress(raw)) == plain.json()
    assert "Accept-Encoding" in ", ".join(answer.headers.get_list("vary"))
    assert answer.headers["etag"] == plain.headers["etag"]


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0", "*;q=0", ""])
async def test_they_are_not_where_gzip_is_not_accepted(shop: Shop, accepted: str) -> None:
    answer = await get(shop, COUNTRIES, accept_encoding=accepted)

    assert "content-encoding" not in answer.headers
    assert len(answer.json()["data"]["countries"]) > 200


async def test_short_answers_and_those_of_mutations_are_never_compressed(shop: Shop) -> None:
    account = {"email": "ann@example.org", "password": "a quiet green bicycle", "firstName": "A" * 30}
    account["passwordConfirmation"] = account["password"]
    register = """mutation ($input: RegisterInput!) { a: register(input: $input) {
        tokens { accessToken refreshToken } customer { %s } userErrors { code } } }"""
    fields = " ".join(f"f{number}: firstName" for number in range(12))
    body = {"query": register % fields, "variables": {"input": account}}

    short = await get(shop, ONE, accept_encoding="gzip")
    secret = await shop.client.post("/graphql", json=body, headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in short.headers
    assert secret.json()["data"]["a"]["tokens"]["accessToken"]
    assert len(secret.content) > 1024
    assert "content-encoding" not in secret.headers
