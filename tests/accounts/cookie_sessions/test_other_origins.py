"""Attacks on a session cookie from elsewhere: other origins, forms, images, siblings, other organizations."""

from typing import Any

import httpx
import pytest

from tests.accounts.cookie_sessions.browser import ME, NAME, PAGE, Browser
from tests.shop import PASSWORD, Shop, Urls, open_shop

ANN, BOB = "ann@example.org", "bob@example.org"
EVIL, SIBLING, ANOTHER = "https://evil.example", "https://blog.example.org", "https://another.example.org"
LOGOUT = "mutation { logout { userErrors { code } } }"
RENAME = 'mutation { updateCustomer(input: { firstName: "Eve" }) { userErrors { code } } }'
NAME_OF = "{ me { firstName } }"
LOGIN = """mutation ($email: String!, $password: String!) { login(input: { identifier: $email, password: $password }) {
    tokens { accessToken } userErrors { code } } }"""
READ = "{ viewer { kind } }"


def reason(answer: Any) -> tuple[int, list[str], str]:
    return answer.status, answer.codes, answer.body["errors"][0]["extensions"].get("reason")


REFUSED = (403, ["FORBIDDEN"], "ORIGIN_NOT_ALLOWED")


@pytest.fixture
async def ann(browser: Browser) -> Browser:
    return await browser.register(ANN)


def elsewhere(browser: Browser, origin: str | None) -> Browser:
    """A page of another origin in the same browser."""
    return Browser(browser.shop, browser.organization, origin, browser.name, browser.cookie)


@pytest.mark.parametrize("origin", [EVIL, SIBLING, ANOTHER, "null", f"{PAGE}.evil.example", PAGE.replace("s:", ":")])
@pytest.mark.parametrize("key", [True, False])
async def test_a_page_of_another_origin_changes_and_reads_nothing(
    ann: Browser, shop: Shop, origin: str, *, key: bool
) -> None:
    page, before = elsewhere(ann, origin), await shop.counts()

    refused = [await page.send(RENAME, key=key), await page.send(LOGOUT, key=key)]
    read = await page.send(ME, key=key)

    assert [reason(one) for one in refused] == [REFUSED, REFUSED]
    assert "set-cookie" not in refused[1].headers
    assert (read.body["data"], read.codes) == ({"me": None}, ["UNAUTHENTICATED"])
    assert "access-control-allow-credentials" not in read.headers or origin == ANOTHER
    assert await shop.counts() == before
    assert await ann.email() == ANN


async def test_without_an_origin_the_key_is_asked_for(ann: Browser) -> None:
    page = elsewhere(ann, None)

    assert reason(await page.send(RENAME, key=False)) == REFUSED
    assert reason(await page.send(RENAME, key=False, headers={"x-api-key": ""})) == REFUSED
    assert (await page.send(RENAME)).payload("updateCustomer") == {"userErrors": []}


async def test_a_page_of_the_shop_needs_no_key(ann: Browser) -> None:
    assert (await ann.send(RENAME, key=False)).payload("updateCustomer") == {"userErrors": []}
    assert (await ann.send(NAME_OF, key=False)).data == {"me": {"firstName": "Eve"}}


async def test_where_the_organization_requires_the_key_a_cookie_does_not_replace_it(shop: Shop) -> None:
    organization = await shop.create_organization(
        "strict", cookie_sessions=True, cors_origins=[PAGE], require_api_key=True
    )
    browser = await Browser(shop, organization).register(ANN)

    refused = await browser.send(ME, key=False)

    assert (refused.status, refused.headers["www-authenticate"]) == (401, "X-Api-Key")
    assert await browser.email() == ANN


@pytest.mark.parametrize(
    "content", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None]
)
async def test_a_form_of_any_page_is_refused_by_its_content_type(ann: Browser, shop: Shop, content: str | None) -> None:
    body = '{"query": "' + RENAME.replace('"', '\\"') + '"}'
    headers = {"cookie": f"{NAME}={ann.cookie}", "origin": PAGE} | ({"content-type": content} if content else {})

    answer = await shop.client.post("/graphql", content=body, headers=headers)

    assert answer.status_code == 415
    assert (await ann.send(NAME_OF)).data == {"me": {"firstName": None}}


async def test_an_image_or_a_link_reads_nothing_and_changes_nothing(ann: Browser, shop: Shop) -> None:
    headers = {"cookie": f"{NAME}={ann.cookie}"}

    read = await shop.client.get("/graphql", params={"query": ME}, headers=headers)
    changed = await shop.client.get("/graphql", params={"query": LOGOUT}, headers=headers)

    assert read.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert ANN not in read.text
    assert changed.status_code == 405
    assert await ann.email() == ANN


async def test_a_script_of_any_page_gets_guests_answers(urls: Urls) -> None:
    async with open_shop(urls, public_url="https://patron.test", jsonp=True) as shop:
        organization = await shop.create_organization("cookies", cookie_sessions=True, cors_origins=[PAGE])
        ann = await Browser(shop, organization).register(ANN)
        headers = {"cookie": f"{NAME}={ann.cookie}", "origin": PAGE, "x-api-key": organization.key}

        answer = await shop.client.get("/graphql", params={"query": ME, "callback": "steal"}, headers=headers)

        assert answer.text.startswith("/**/steal(")
        assert ANN not in answer.text


async def test_no_page_can_log_somebody_in_from_elsewhere(browser: Browser, shop: Shop) -> None:
    await browser.other().register("eve@example.org")
    before = await shop.count("login_sessions")

    for page in (elsewhere(browser, EVIL), elsewhere(browser, ANOTHER), elsewhere(browser, "null")):
        answer = await page.sign_in(LOGIN, email="eve@example.org", password=PASSWORD)
        assert reason(answer) == REFUSED
        assert page.received == []

    assert await shop.count("login_sessions") == before


async def test_of_two_cookies_with_one_name_none_counts(ann: Browser) -> None:
    bob = await ann.other().register(BOB)
    both = ann.with_cookie(f"{bob.cookie}; {NAME}={ann.cookie}")

    assert await both.email() is None
    assert await ann.email() == ANN
    assert await bob.email() == BOB


@pytest.mark.parametrize(
    "forged",
    [b"", b"ck_", b"ck_" + b"A" * 64, b"x" * 9000, b"rt_" + b"A" * 64, b'ck_"A', b"ck_\xc3\xa9", b"%00"],
)
async def test_a_forged_cookie_is_nobodys(browser: Browser, shop: Shop, forged: bytes) -> None:
    headers = [(b"cookie", NAME.encode() + b"=" + forged), (b"x-api-key", browser.organization.key.encode())]

    answer = await shop.client.post("/graphql", json={"query": READ}, headers=headers)

    assert answer.json() == {"data": {"viewer": {"kind": "GUEST"}}}


async def test_the_cookie_of_one_organization_is_nothing_to_another(ann: Browser, shop: Shop) -> None:
    other = Browser(shop, shop.organizations["another"], ANOTHER, cookie=ann.cookie)

    assert (await other.send(READ)).data == {"viewer": {"kind": "GUEST"}}
    assert (await other.send(LOGOUT)).payload("logout") == {"userErrors": []}
    assert other.received == []
    assert await ann.email() == ANN
    # Not to the default organization either, whose pages send no key.
    assert reason(await Browser(shop, shop.organization, ANOTHER, cookie=ann.cookie).send(RENAME, key=False)) == REFUSED


async def test_a_bearer_token_beside_the_cookie_wins(ann: Browser, shop: Shop) -> None:
    bob = await shop.register(BOB, organization=ann.organization)
    bearer = {"authorization": f"Bearer {bob.token}"}
    page = elsewhere(ann, EVIL)

    assert (await page.send(ME, headers=bearer)).data == {"me": {"email": BOB}}
    assert (await page.send(LOGOUT, headers=bearer)).payload("logout") == {"userErrors": []}
    assert page.received == []
    # A dead one too: nobody goes on as somebody else.
    dead = await ann.send(ME, headers=bearer)
    assert (dead.status, dead.codes) == (401, ["UNAUTHENTICATED"])
    assert await ann.email() == ANN


async def preflight(shop: Shop, origin: str) -> httpx.Response:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    return await shop.client.options(
        "/graphql", headers=headers | {"access-control-request-headers": "content-type,x-session"}
    )


async def test_credentials_are_allowed_for_listed_origins_of_organizations_with_cookies_only(
    ann: Browser, shop: Shop
) -> None:
    bearer_only = "https://tokens.example.org"
    tokens = await shop.create_organization("tokens", cors_origins=[bearer_only])
    allowed = "access-control-allow-credentials"

    answers = {
        origin: await preflight(shop, origin) for origin in (PAGE, ANOTHER, bearer_only, "http://localhost:3000", EVIL)
    }

    assert {origin: one.headers.get(allowed) for origin, one in answers.items()} == {
        PAGE: "true",
        ANOTHER: "true",
        bearer_only: None,
        "http://localhost:3000": None,
        EVIL: None,
    }
    assert answers[PAGE].headers["access-control-allow-origin"] == PAGE
    assert "x-session" in answers[PAGE].headers["access-control-allow-headers"]
    assert (await ann.send(READ)).headers[allowed] == "true"
    for origin in (ANOTHER, bearer_only, "http://localhost:3000", EVIL):
        assert allowed not in (await elsewhere(ann, origin).send(READ)).headers
    assert allowed not in (await Browser(shop, tokens, bearer_only).send(READ)).headers


async def test_guests_answers_that_may_be_kept_differ_by_the_cookie(ann: Browser, shop: Shop) -> None:
    key = {"x-api-key": ann.organization.key}
    params = {"query": "{ countries { code } }"}

    guest = await shop.client.get("/graphql", params=params, headers=key)
    mine = await shop.client.get("/graphql", params=params, headers=key | {"cookie": f"{NAME}={ann.cookie}"})

    assert guest.headers["cache-control"].startswith("public")
    assert "Cookie" in guest.headers["vary"]
    assert mine.headers["cache-control"] == "no-store"
