"""Dead access tokens: ignored by what guests may do, refused with a reason by everything else, ended by `logout`."""

from datetime import timedelta
from typing import Any

import pytest

from app.platform.clock import now
from tests.identity.sessions.test_access_tokens import signed
from tests.shop import PASSWORD, Answer, Person, Shop

ME = "{ me { id } }"
FORM = "{ registrationForm { fields { name } } }"
REFRESH = """mutation ($token: String!) {
    refreshToken(input: {refreshToken: $token}) { tokens { accessToken } userErrors { code } } }"""
LOGIN = """mutation {
    login(input: {identifier: "ann@example.org", password: "a quiet green bicycle"}) { userErrors { code } } }"""
RESET = 'mutation { requestPasswordReset(input: {email: "ann@example.org"}) { userErrors { code } } }'
VERIFY = 'mutation { verifyEmail(input: {token: "ve_x"}) { userErrors { code } } }'
REGISTER = 'mutation { register(input: {email: "new@example.org"}) { userErrors { code } } }'
OPEN = {
    "login": LOGIN,
    "requestPasswordReset": RESET,
    "verifyEmail": VERIFY,
    "register": REGISTER,
    "registrationForm": FORM,
    "countries": "{ countries { code } }",
    "logout": "mutation { logout { userErrors { code } } }",
}
CLOSED = [
    ME,
    "{ viewer { kind } }",
    "{ countries { code } me { id } }",
    "{ markets { code } }",
    '{ node(id: "x") { id } }',
]


async def dead_tokens(shop: Shop, person: Person) -> dict[str, str]:
    """Authorizations that open nothing, by the reason for it."""
    tokens = (await shop.ask("Login", identifier=person.email, password=PASSWORD)).payload("login")["tokens"]
    (await shop.ask("Logout", token=tokens["accessToken"])).payload("logout")
    expired = await signed(shop, person, exp=int(now().timestamp()) - 1)
    return {
        "TOKEN_EXPIRED": f"Bearer {expired}",
        "TOKEN_REVOKED": f"Bearer {tokens['accessToken']}",
        "TOKEN_INVALID": "Bearer hunter2",
    }


async def let_expire(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    later = now() + timedelta(minutes=16)
    monkeypatch.setattr("app.identity.sessions.tokens.now", lambda: later)


async def send(shop: Shop, document: str, authorization: str, *, key: bool = True, **variables: Any) -> Answer:
    headers = {"x-api-key": shop.organization.key} if key else {}
    return await shop.post({"query": document, "variables": variables}, authorization=authorization, **headers)


async def test_what_guests_may_do_works_whatever_stands_in_authorization(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    dead = await dead_tokens(shop, ann)

    for authorization in [*dead.values(), "Basic YTpi", "Bearer"]:
        for name, document in OPEN.items():
            answer = await send(shop, document, authorization)
            assert (answer.status, answer.codes) == (200, []), (name, authorization)
            if name in {"login", "requestPasswordReset", "logout"}:
                answer.payload(name)
    renewed = await send(shop, REFRESH, dead["TOKEN_INVALID"], token=bob.refresh_token)
    assert renewed.payload("refreshToken")["tokens"]


async def test_everything_else_says_why_the_token_opens_nothing(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    dead = await dead_tokens(shop, ann)

    for reason, authorization in dead.items():
        for document in CLOSED:
            answer = await send(shop, document, authorization)
            assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"]), document
            assert answer.body["errors"][0]["extensions"]["reason"] == reason
            assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    nobody = await shop.ask(ME)
    assert nobody.body["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED", "reason": "MISSING"}


async def test_logging_out_ends_the_session_an_expired_token_names_and_nobody_elses(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    await let_expire(shop, monkeypatch)

    (await send(shop, OPEN["logout"], f"Bearer {ann.token}", key=False)).payload("logout")

    refused = await shop.ask("RefreshToken", refreshToken=ann.refresh_token)
    assert refused.refusals("refreshToken") == [("TOKEN_INVALID", ["refreshToken"])]
    assert await shop.count("login_sessions", "ended_at IS NOT NULL") == 1
    assert (await shop.ask("RefreshToken", refreshToken=bob.refresh_token)).payload("refreshToken")["tokens"]
    assert "session.ended" in await shop.audit()
    (await send(shop, OPEN["logout"], f"Bearer {ann.token}")).payload("logout")


async def test_where_keys_are_required_a_dead_token_is_none(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await shop.register("ann@example.org")
    settings = "mutation { updateOrganization(input: { settings: { requireApiKey: true } }) { userErrors { code } } }"
    (await shop.ask(settings, token=await shop.integration())).payload("updateOrganization")
    await let_expire(shop, monkeypatch)

    without = await send(shop, OPEN["requestPasswordReset"], f"Bearer {ann.token}", key=False)
    beside = await send(shop, OPEN["requestPasswordReset"], f"Bearer {ann.token}")

    assert (without.status, without.headers["www-authenticate"]) == (401, "X-Api-Key")
    beside.payload("requestPasswordReset")


async def test_an_expired_token_leads_to_its_own_shop_and_ends_nothing_in_another(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = await shop.create_organization("elsewhere")
    ann = await shop.register("ann@example.org", organization=elsewhere)
    await let_expire(shop, monkeypatch)

    (await send(shop, OPEN["logout"], f"Bearer {ann.token}")).payload("logout")
    assert await shop.count("login_sessions", "ended_at IS NOT NULL") == 0

    renewed = await send(shop, REFRESH, f"Bearer {ann.token}", key=False, token=ann.refresh_token)
    assert renewed.payload("refreshToken")["tokens"]
    (await send(shop, OPEN["logout"], f"Bearer {ann.token}", key=False)).payload("logout")
    assert await shop.count("login_sessions", "ended_at IS NOT NULL") == 1


async def test_the_key_of_the_shop_is_still_asked_for(shop: Shop) -> None:
    answer = await shop.post({"query": FORM}, **{"x-api-key": "pk_wrong"})
    assert (answer.status, answer.body["errors"][0]["extensions"]) == (
        401,
        {"code": "UNAUTHENTICATED", "reason": "TOKEN_INVALID"},
    )
