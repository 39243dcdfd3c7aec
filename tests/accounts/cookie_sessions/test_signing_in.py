"""Tests of what sets, replaces and clears the session cookie, and of who gets tokens."""

import pytest
from graphql import GraphQLObjectType

from app.server.schema import SCHEMA
from tests.accounts.confirmations.storefront import REGISTER, Storefront
from tests.accounts.cookie_sessions.browser import NAME, PAGE, Browser
from tests.shop import PASSWORD, SeededOrganization, Shop, Urls, open_shop

ANN, BOB = "ann@example.org", "bob@example.org"
REFRESH = """mutation ($given: String!) { refreshToken(input: { refreshToken: $given }) {
    tokens { accessToken refreshToken } userErrors { code field } } }"""
LOGIN = """mutation ($email: String!, $password: String!) { login(input: { identifier: $email, password: $password }) {
    nextStep customer { email } tokens { accessToken refreshToken } userErrors { code } } }"""


VERIFY = """mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) {
    nextStep tokens { accessToken } userErrors { code } } }"""
SIGNS_IN = {"LoginPayload", "RefreshTokenPayload", "RegisterPayload", "VerifyEmailPayload"}


async def live_sessions(shop: Shop) -> int:
    return await shop.count("login_sessions", "ended_at IS NULL")


async def test_a_login_sets_a_cookie_that_no_script_can_read_and_answers_no_token(browser: Browser) -> None:
    await browser.other().register(ANN)

    answer = await browser.sign_in(LOGIN, email=ANN, password=PASSWORD)

    payload = answer.payload("login")
    assert (payload["nextStep"], payload["customer"], payload["tokens"]) == ("DONE", {"email": ANN}, None)
    [cookie] = browser.received
    assert cookie.key == "__Host-patron"
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (True, True, "lax", "/")
    assert cookie["domain"] == ""
    assert 0 < int(cookie["max-age"]) <= 400 * 24 * 3600
    assert cookie.value.startswith("ck_")
    assert cookie.value not in str(answer.body)
    assert await browser.email() == ANN


async def test_registering_signs_in_by_the_cookie_too(browser: Browser) -> None:
    account = {"email": ANN, "password": PASSWORD, "passwordConfirmation": PASSWORD}

    answer = await browser.sign_in("Register", input=account)

    assert answer.payload("register")["tokens"] is None
    assert await browser.email() == ANN


async def test_proving_the_address_signs_in_by_the_cookie_and_twice_is_one_session(shop: Shop) -> None:
    careful = await shop.create_organization(
        "careful", cookie_sessions=True, cors_origins=[PAGE], require_verified_email=True
    )
    browser = Browser(shop, careful)
    account = {"email": ANN, "password": PASSWORD, "passwordConfirmation": PASSWORD}
    registered = (await browser.sign_in(REGISTER, input=account)).payload("register")
    assert browser.received == []
    token = (await Storefront(shop, careful).mail_values("VERIFY_EMAIL", ANN))["token"]
    given = {"token": token, "registrationToken": registered["registrationToken"]}

    answer = await browser.sign_in(VERIFY, input=given)
    again = await browser.other().sign_in(VERIFY, input=given)

    for one in (answer, again):
        assert one.payload("verifyEmail") == {"nextStep": "DONE", "tokens": None, "userErrors": []}
        assert "set-cookie" in one.headers
    assert await browser.email() == ANN
    assert await live_sessions(shop) == 1


def test_no_other_payload_has_tokens() -> None:
    found = {
        name
        for name, kind in SCHEMA._schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and "tokens" in kind.fields
    }

    assert found == SIGNS_IN


async def test_a_registration_that_fails_at_the_end_sets_no_cookie(
    browser: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await shop.count("customers")

    def fail(*_: object, **__: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("app.accounts.api.device_tokens.issue", fail)
    account = {"email": ANN, "password": PASSWORD, "passwordConfirmation": PASSWORD}

    answer = await browser.sign_in("Register", input=account)

    assert answer.codes == ["INTERNAL_SERVER_ERROR"]
    assert browser.received == []
    assert await shop.count("customers") == before


async def test_who_does_not_ask_gets_tokens_and_no_cookie(browser: Browser) -> None:
    await browser.other().register(ANN)

    answer = await browser.send(LOGIN, email=ANN, password=PASSWORD)

    assert answer.payload("login")["tokens"]["refreshToken"].startswith("rt_")
    assert browser.received == []


async def test_a_refused_login_sets_no_cookie_and_leaves_the_one_there_is(browser: Browser) -> None:
    await browser.register(ANN)
    before = browser.cookie

    answer = await browser.sign_in(LOGIN, email=ANN, password="not the password")

    assert answer.refusals("login") == [("INVALID_CREDENTIALS", None)]
    assert browser.received == []
    assert browser.cookie == before
    assert await browser.email() == ANN


async def test_a_login_over_a_session_makes_a_new_one_and_ends_the_old_one(browser: Browser, shop: Shop) -> None:
    bob = await browser.other().register(BOB)
    await browser.register(ANN)
    planted = browser.cookie

    await browser.login(BOB)

    assert browser.cookie != planted
    assert await browser.email() == BOB
    assert await browser.with_cookie(planted).email() is None
    assert await bob.email() == BOB
    assert await live_sessions(shop) == 2


async def test_a_planted_cookie_is_never_the_one_of_the_login(browser: Browser) -> None:
    eve = await browser.other().register("eve@example.org")
    ann = await browser.other().register(ANN)
    victim = browser.with_cookie(eve.cookie)

    await victim.login(ANN)

    assert victim.cookie not in {eve.cookie, ann.cookie}
    assert await victim.email() == ANN
    assert await eve.email() is None


async def test_the_token_of_a_cookie_is_no_bearer_token_and_cannot_be_exchanged(browser: Browser, shop: Shop) -> None:
    await browser.register(ANN)
    assert browser.cookie is not None
    disguised = "rt_" + browser.cookie.removeprefix("ck_")

    as_bearer = await shop.ask("{ me { email } }", token=browser.cookie)
    exchanged = [
        await shop.ask(REFRESH, organization=browser.organization, given=token) for token in (browser.cookie, disguised)
    ]

    assert (as_bearer.status, as_bearer.codes) == (401, ["UNAUTHENTICATED"])
    assert [one.refusals("refreshToken") for one in exchanged] == [[("TOKEN_INVALID", ["refreshToken"])]] * 2
    assert await browser.email() == ANN


async def test_a_refresh_token_is_no_cookie(browser: Browser, shop: Shop) -> None:
    ann = await shop.register(ANN, organization=browser.organization)

    disguised = "ck_" + ann.refresh_token.removeprefix("rt_")

    assert await browser.with_cookie(ann.refresh_token).email() is None
    assert await browser.with_cookie(disguised).email() is None


async def test_tokens_move_into_a_cookie_within_their_session(browser: Browser, shop: Shop) -> None:
    ann = await shop.register(ANN, organization=browser.organization)

    answer = await browser.sign_in(REFRESH, given=ann.refresh_token)

    assert answer.payload("refreshToken")["tokens"] is None
    assert await browser.email() == ANN
    assert await live_sessions(shop) == 1


async def test_an_organization_without_cookie_sessions_refuses_who_asks(shop: Shop) -> None:
    off = await shop.create_organization("off", cors_origins=[PAGE])
    browser = Browser(shop, off)
    await shop.register(ANN, organization=off)

    answer = await browser.sign_in(LOGIN, email=ANN, password=PASSWORD)

    assert (answer.status, answer.codes) == (403, ["FORBIDDEN"])
    assert answer.body["errors"][0]["extensions"]["reason"] == "COOKIE_SESSIONS_OFF"
    assert browser.received == []
    assert await live_sessions(shop) == 1


async def test_the_back_office_turns_cookie_sessions_on_and_off(shop: Shop) -> None:
    organization = await shop.create_organization("late", cors_origins=[PAGE])
    browser, back_office = Browser(shop, organization), await shop.integration(organization=organization)

    async def turn(*, to: bool | None) -> None:
        settings = {"settings": {"cookieSessions": to}}
        document = """mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) {
            organization { settings { cookieSessions } accountRules { cookieSessions } } userErrors { code } } }"""
        found = (await shop.ask(document, token=back_office, input=settings)).payload("updateOrganization")
        expected = {"cookieSessions": bool(to)}
        assert found["organization"] == {"settings": expected, "accountRules": expected}

    await turn(to=True)
    await browser.register(ANN)
    assert await browser.email() == ANN
    await turn(to=None)
    assert await browser.email() is None


async def test_a_header_that_means_nothing_is_refused(browser: Browser) -> None:
    answer = await browser.send("{ viewer { kind } }", headers={"x-session": "cookies"})

    assert (answer.status, answer.codes) == (400, ["BAD_USER_INPUT"])


async def test_in_development_over_plain_http_the_cookie_has_a_plain_name(urls: Urls) -> None:
    async with open_shop(urls, public_url="http://localhost:8000") as shop:
        organization: SeededOrganization = await shop.create_organization(
            "cookies", cookie_sessions=True, cors_origins=["http://localhost:5173"]
        )
        browser = Browser(shop, organization, "http://localhost:5173", "patron")
        await browser.register(ANN)

        [cookie] = browser.received
        assert cookie.key == "patron"
        assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (True, "", "lax", "/")
        assert await browser.email() == ANN
        assert await Browser(shop, organization, browser.origin, NAME, browser.cookie).email() is None
