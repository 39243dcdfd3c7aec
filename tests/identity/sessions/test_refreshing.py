"""Tests of token refresh: rotation, replay, and sessions ended by logout or a new password."""

from datetime import timedelta

import pytest

from app.platform.clock import now
from tests.shop import PASSWORD, Person, Shop

ME = "{ me { id } }"
NEW = "amber lantern rests by noon"
REPLAYED = [("TOKEN_INVALID", ["refreshToken"])]


async def refresh(shop: Shop, token: str) -> tuple[str, str] | list[tuple[str, list[str] | None]]:
    """The new access and refresh tokens, or the user errors."""
    answer = await shop.ask("RefreshToken", refreshToken=token)
    tokens = answer.data["refreshToken"]["tokens"]
    return (tokens["accessToken"], tokens["refreshToken"]) if tokens else answer.refusals("refreshToken")


async def login(shop: Shop, person: Person) -> Person:
    tokens = (await shop.ask("Login", identifier=person.email, password=PASSWORD)).payload("login")["tokens"]
    return Person(person.id, person.email, tokens["accessToken"], tokens["refreshToken"])


async def alive(shop: Shop, token: str) -> bool:
    return (await shop.ask(ME, token=token)).status == 200


async def test_a_refresh_rotates_and_both_access_tokens_live(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")

    access, renewed = await refresh(shop, ann.refresh_token)

    assert renewed != ann.refresh_token
    assert await alive(shop, str(access))
    assert await alive(shop, ann.token)


async def test_two_tabs_may_refresh_at_once(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")

    first = await refresh(shop, ann.refresh_token)
    second = await refresh(shop, ann.refresh_token)

    assert await alive(shop, str(first[0]))
    assert await alive(shop, str(second[0]))
    assert "session.replayed" not in await shop.audit()


async def test_a_replay_after_the_grace_ends_the_family_and_is_recorded(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await shop.register("ann@example.org")
    access, renewed = await refresh(shop, ann.refresh_token)
    later = now() + timedelta(seconds=31)
    monkeypatch.setattr("app.identity.sessions.service.now", lambda: later)

    assert await refresh(shop, ann.refresh_token) == REPLAYED

    assert (await shop.audit())[-1] == "session.replayed"
    assert await refresh(shop, str(renewed)) == REPLAYED
    assert not await alive(shop, str(access))
    assert not await alive(shop, ann.token)
    assert await alive(shop, (await login(shop, ann)).token)


async def test_a_session_idle_for_too_long_is_over(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await shop.register("ann@example.org")
    later = now() + timedelta(days=14, seconds=1)
    monkeypatch.setattr("app.identity.sessions.service.now", lambda: later)

    assert await refresh(shop, ann.refresh_token) == [("TOKEN_EXPIRED", ["refreshToken"])]


@pytest.mark.parametrize("token", ["", "rt_x", "\0", "x" * 100_000, "ß"])
async def test_a_text_that_is_no_refresh_token_is_refused(shop: Shop, token: str) -> None:
    before = await shop.counts()

    assert await refresh(shop, token) == REPLAYED

    assert await shop.counts() == before


async def test_a_refresh_token_of_another_organization_is_none(shop: Shop) -> None:
    elsewhere = await shop.create_organization("elsewhere")
    bob = await shop.register("bob@example.org", organization=elsewhere)

    assert await refresh(shop, bob.refresh_token) == REPLAYED

    answer = await shop.ask("RefreshToken", organization=elsewhere, refreshToken=bob.refresh_token)
    assert answer.payload("refreshToken")["tokens"]


async def test_logout_kills_both_tokens_of_this_session_only(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    phone = await login(shop, ann)

    (await shop.ask("Logout", token=ann.token)).payload("logout")

    assert not await alive(shop, ann.token)
    assert await refresh(shop, ann.refresh_token) == REPLAYED
    assert await alive(shop, phone.token)


async def test_logout_everywhere_kills_all_sessions(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    phone = await login(shop, ann)

    answer = await shop.ask("mutation { logoutEverywhere { endedSessions userErrors { code } } }", token=phone.token)

    assert answer.payload("logoutEverywhere")["endedSessions"] == 2
    for person in (ann, phone):
        assert not await alive(shop, person.token)
        assert await refresh(shop, person.refresh_token) == REPLAYED


async def test_a_new_password_ends_the_other_sessions_and_not_this_one(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    phone = await login(shop, ann)

    answer = await shop.ask("ChangePassword", token=phone.token, currentPassword=PASSWORD, newPassword=NEW)

    answer.payload("changePassword")
    assert await alive(shop, phone.token)
    assert not await alive(shop, ann.token)
    assert await refresh(shop, ann.refresh_token) == REPLAYED
    old = await shop.ask("Login", identifier=ann.email, password=PASSWORD)
    assert old.refusals("login") == [("INVALID_CREDENTIALS", None)]
    (await shop.ask("Login", identifier=ann.email, password=NEW)).payload("login")


async def test_a_wrong_current_password_changes_nothing(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    phone, before = await login(shop, ann), await shop.audit()

    answer = await shop.ask("ChangePassword", token=ann.token, currentPassword=NEW, newPassword=NEW)

    assert answer.refusals("changePassword") == [("INVALID_CREDENTIALS", ["currentPassword"])]
    assert await shop.audit() == before
    assert await alive(shop, phone.token)
    await login(shop, ann)
