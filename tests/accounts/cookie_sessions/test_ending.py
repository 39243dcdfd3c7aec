"""Tests of what clears, replaces and ends a session cookie."""

from datetime import timedelta

import pytest

from app.platform.clock import now
from app.privacy.erasure import erase_due
from tests.accounts.cookie_sessions.browser import Browser
from tests.privacy.builders import REQUEST, make_due
from tests.shop import PASSWORD, Shop

ANN, BOB = "ann@example.org", "bob@example.org"
NEW = "amber lantern rests by noon"
LOGOUT = "mutation { logout { userErrors { code } } }"
EVERYWHERE = "mutation { logoutEverywhere { endedSessions userErrors { code } } }"
CHANGE = """mutation ($new: String!, $old: String!) { changePassword(input: {
    currentPassword: $old, newPassword: $new, newPasswordConfirmation: $new }) { userErrors { code } } }"""
SESSIONS = "{ me { sessions(first: 9, active: true) { nodes { id current } } } }"
END = "mutation ($id: ID!) { endSession(input: { id: $id }) { userErrors { code } } }"


async def live_sessions(shop: Shop) -> int:
    return await shop.count("login_sessions", "ended_at IS NULL")


async def test_a_logout_clears_the_cookie_and_ends_its_session_alone(browser: Browser, shop: Shop) -> None:
    elsewhere = await browser.other().register(ANN)
    await browser.login(ANN)
    held = browser.cookie

    (await browser.send(LOGOUT)).payload("logout")

    [cleared] = browser.received
    assert (cleared.value, cleared["max-age"], cleared["path"], cleared["secure"]) == ("", "0", "/", True)
    assert await browser.with_cookie(held).email() is None
    assert await elsewhere.email() == ANN
    assert await live_sessions(shop) == 1


async def test_a_logout_with_a_dead_cookie_clears_it(browser: Browser) -> None:
    await browser.register(ANN)
    twin = browser.with_cookie(browser.cookie)
    await browser.send(LOGOUT)

    refused = await twin.send("{ me { email } }")
    (await twin.send(LOGOUT)).payload("logout")

    assert (refused.status, refused.body["errors"][0]["extensions"]["reason"]) == (401, "TOKEN_REVOKED")
    assert "set-cookie" not in refused.headers
    assert twin.cookie is None


async def test_logging_out_everywhere_clears_the_cookie_and_ends_all(browser: Browser, shop: Shop) -> None:
    bob = await browser.other().register(BOB)
    elsewhere = await browser.other().register(ANN)
    await browser.login(ANN)

    assert (await browser.send(EVERYWHERE)).payload("logoutEverywhere")["endedSessions"] == 2

    assert browser.cookie is None
    assert await elsewhere.email() is None
    assert await bob.email() == BOB


async def test_ending_another_session_keeps_the_cookie_and_ending_the_own_one_clears_it(browser: Browser) -> None:
    elsewhere = await browser.other().register(ANN)
    await browser.login(ANN)
    nodes = (await browser.send(SESSIONS)).data["me"]["sessions"]["nodes"]
    [mine], [theirs] = ([one["id"] for one in nodes if one["current"] is current] for current in (True, False))

    (await browser.send(END, id=theirs)).payload("endSession")
    assert browser.received == []
    assert await elsewhere.email() is None

    (await browser.send(END, id=mine)).payload("endSession")
    assert browser.cookie is None


async def test_a_new_password_replaces_the_cookie_and_a_copy_of_it_is_soon_worth_nothing(
    browser: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = await browser.other().register(ANN)
    await browser.login(ANN)
    copied = browser.with_cookie(browser.cookie)

    (await browser.send(CHANGE, old=PASSWORD, new=NEW)).payload("changePassword")

    assert browser.cookie not in {None, copied.cookie}
    assert await elsewhere.email() is None
    # Requests of the page that were under way have the old one.
    assert await copied.email() == ANN
    assert copied.received == []
    monkeypatch.setattr("app.accounts.organizations.cookie_callers.now", lambda: now() + timedelta(seconds=31))
    assert await copied.email() is None
    assert await browser.email() == ANN
    assert "session.replayed" not in await shop.audit()


async def test_a_refused_new_password_leaves_the_cookie(browser: Browser) -> None:
    await browser.register(ANN)

    answer = await browser.send(CHANGE, old="wrong", new=NEW)

    assert answer.refusals("changePassword") == [("INVALID_CREDENTIALS", None)]
    assert browser.received == []
    assert await browser.email() == ANN


async def test_an_erased_customers_cookie_is_nobodys_and_a_logout_clears_it(browser: Browser, shop: Shop) -> None:
    bob = await browser.other().register(BOB)
    await browser.register(ANN)
    customer_id = (await browser.send("{ me { id } }")).data["me"]["id"]
    staff = await shop.staff(organization=browser.organization)
    (await shop.ask(REQUEST, token=staff, input={"customerId": customer_id})).payload("requestAnonymization")
    await make_due(shop)
    assert await erase_due(shop.runtime.store) == 1

    answer = await browser.send("{ viewer { kind } }")
    cleared = await browser.send(LOGOUT)

    assert answer.data == {"viewer": {"kind": "GUEST"}}
    assert "set-cookie" not in answer.headers
    assert cleared.payload("logout") == {"userErrors": []}
    assert browser.cookie is None
    assert await bob.email() == BOB
