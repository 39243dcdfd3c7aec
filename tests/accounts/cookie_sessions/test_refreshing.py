"""Tests of how a session cookie is replaced unseen, and of replays."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from app.platform.clock import now
from tests.accounts.cookie_sessions.browser import ME, Browser
from tests.accounts.cookie_sessions.test_ending import CHANGE, NEW
from tests.shop import PASSWORD, Shop

ANN, BOB = "ann@example.org", "bob@example.org"
LOGOUT = "mutation { logout { userErrors { code } } }"


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Let time pass for sessions."""
    passed = timedelta()

    def do(delta: timedelta) -> None:
        nonlocal passed
        passed += delta
        for module in (
            "app.accounts.organizations.cookie_callers",
            "app.accounts.organizations.callers",
            "app.identity.sessions.cookies",
            "app.identity.sessions.service",
            "app.server.http.session_cookies",
        ):
            monkeypatch.setattr(f"{module}.now", lambda: now() + passed)

    return do


QUARTER, GRACE = timedelta(minutes=15, seconds=1), timedelta(seconds=31)
Wait = Callable[[timedelta], None]


async def events(shop: Shop, action: str) -> int:
    return (await shop.audit()).count(action)


async def test_a_young_cookie_is_not_replaced_and_nothing_is_written(browser: Browser, shop: Shop, wait: Wait) -> None:
    await browser.register(ANN)
    before = await shop.counts()
    wait(timedelta(minutes=14, seconds=50))

    assert await browser.email() == ANN

    assert browser.received == []
    assert await shop.counts() == before


async def test_an_old_cookie_is_replaced_unseen_and_the_session_lives_on(
    browser: Browser, shop: Shop, wait: Wait
) -> None:
    await browser.register(ANN)
    first = browser.cookie
    for number in range(1, 4):
        wait(QUARTER)
        assert await browser.email() == ANN
        assert await browser.email() == ANN
        assert await events(shop, "session.refreshed") == number

    assert browser.cookie != first
    assert await shop.count("login_sessions") == 1
    assert await shop.count("refresh_tokens") == 4


async def test_twenty_requests_at_once_in_three_tabs_are_one_refresh(browser: Browser, shop: Shop, wait: Wait) -> None:
    bob = await browser.other().register(BOB)
    await browser.register(ANN)
    tabs = [browser.with_cookie(browser.cookie) for _ in range(20)]
    wait(QUARTER)

    found = await asyncio.gather(*(tab.email() for tab in tabs))

    assert found == [ANN] * 20
    cookies = {tab.received[0].value for tab in tabs if tab.received}
    assert len(cookies) == 1
    assert sum(bool(tab.received) for tab in tabs) == 1
    assert await events(shop, "session.refreshed") == 1
    assert await shop.count("refresh_tokens") == 3
    # All of them go on with what one of them got, now and later.
    [renewed] = cookies
    wait(QUARTER)
    assert await browser.with_cookie(renewed).email() == ANN
    assert await events(shop, "session.replayed") == 0
    assert await bob.email() == BOB


async def test_a_cookie_whose_successor_was_lost_gets_the_same_again(browser: Browser, shop: Shop, wait: Wait) -> None:
    await browser.register(ANN)
    asleep = browser.with_cookie(browser.cookie)
    wait(QUARTER)
    assert await browser.email() == ANN
    wait(timedelta(hours=8))

    assert await asleep.email() == ANN

    assert asleep.cookie == browser.cookie
    assert await events(shop, "session.refreshed") == 1


async def test_a_copy_that_is_two_behind_ends_the_session_and_the_customer_is_told(
    browser: Browser, shop: Shop, wait: Wait
) -> None:
    bob = await browser.other().register(BOB)
    elsewhere = await browser.other().register(ANN)
    await browser.login(ANN)
    stolen = browser.with_cookie(browser.cookie)
    for _ in range(2):
        wait(QUARTER)
        assert await browser.email() == ANN
    wait(GRACE)

    answer = await stolen.send(ME)

    assert (answer.status, answer.body["errors"][0]["extensions"]["reason"]) == (401, "TOKEN_REVOKED")
    assert stolen.received == []
    assert await events(shop, "session.replayed") == 1
    assert await shop.count("outgoing_mails", "template = 'SESSION_REPLAYED'") == 1
    assert await browser.email() is None
    assert await elsewhere.email() == ANN
    assert await bob.email() == BOB


async def test_a_replay_by_what_guests_may_do_ends_the_session_too(browser: Browser, shop: Shop, wait: Wait) -> None:
    await browser.register(ANN)
    stolen = browser.with_cookie(browser.cookie)
    for _ in range(2):
        wait(QUARTER)
        assert await browser.email() == ANN
    wait(GRACE)

    (await stolen.send("Login", identifier=BOB, password=PASSWORD)).refusals("login")

    assert await events(shop, "session.replayed") == 1
    assert await browser.email() is None


async def test_a_cookie_that_nobody_used_for_too_long_is_dead(browser: Browser, shop: Shop, wait: Wait) -> None:
    await browser.register(ANN)
    wait(timedelta(days=14, seconds=1))

    answer = await browser.send(ME)

    assert (answer.status, answer.body["errors"][0]["extensions"]["reason"]) == (401, "TOKEN_EXPIRED")
    assert "set-cookie" not in answer.headers
    assert await events(shop, "session.replayed") == 0


async def test_a_logout_that_overtakes_a_refresh_wins(browser: Browser, shop: Shop, wait: Wait) -> None:
    await browser.register(ANN)
    tabs = [browser.with_cookie(browser.cookie) for _ in range(4)]
    wait(QUARTER)

    await asyncio.gather(*(tab.email() for tab in tabs[:3]), tabs[3].send(LOGOUT))

    for tab in tabs:
        assert await tab.email() is None
    assert await shop.count("login_sessions", "ended_at IS NULL") == 0
    assert await events(shop, "session.replayed") == 0


async def test_a_password_change_beside_refreshes_is_no_replay(browser: Browser, shop: Shop, wait: Wait) -> None:
    bob = await browser.other().register(BOB)
    await browser.register(ANN)
    tabs = [browser.with_cookie(browser.cookie) for _ in range(5)]
    wait(QUARTER)

    change = asyncio.create_task(browser.send(CHANGE, old=PASSWORD, new=NEW))
    found = await asyncio.gather(*(tab.email() for tab in tabs))

    changed = await change
    assert changed.payload("changePassword") == {"userErrors": []}
    assert found == [ANN] * 5
    wait(GRACE)
    assert await browser.email() == ANN
    assert {await tab.with_cookie(tabs[0].cookie).email() for tab in tabs} == {None}
    assert await events(shop, "session.replayed") == 0
    assert await bob.email() == BOB


async def test_a_new_cookie_comes_with_a_refusal_too(browser: Browser, wait: Wait) -> None:
    await browser.register(ANN)
    before = browser.cookie
    wait(QUARTER)

    answer = await browser.send("{ customers(first: 1) { nodes { id } } }")

    assert answer.codes == ["FORBIDDEN"]
    assert browser.cookie not in {None, before}
    assert await browser.email() == ANN
