"""Sessions: refreshed with rotation, ended by logout, by a replay and by a new password."""

from datetime import timedelta

import pytest

from app.platform.clock import now
from tests.house import PASSWORD, House, Person

ME = "{ me { id } }"
NEW = "amber lantern rests by noon"
REPLAYED = [("TOKEN_INVALID", ["refreshToken"])]


async def refresh(house: House, token: str) -> tuple[str, str] | list[tuple[str, list[str] | None]]:
    """The new access and refresh token, or the refusals."""
    answer = await house.ask("RefreshToken", refreshToken=token)
    tokens = answer.data["refreshToken"]["tokens"]
    return (tokens["accessToken"], tokens["refreshToken"]) if tokens else answer.refusals("refreshToken")


async def login(house: House, person: Person) -> Person:
    tokens = (await house.ask("Login", identifier=person.email, password=PASSWORD)).payload("login")["tokens"]
    return Person(person.id, person.email, tokens["accessToken"], tokens["refreshToken"])


async def alive(house: House, token: str) -> bool:
    return (await house.ask(ME, token=token)).status == 200


async def test_a_refresh_rotates_and_both_access_tokens_live(house: House) -> None:
    ann = await house.register("ann@example.org")

    access, renewed = await refresh(house, ann.refresh_token)

    assert renewed != ann.refresh_token
    assert await alive(house, str(access))
    assert await alive(house, ann.token)


async def test_two_tabs_may_refresh_at_once(house: House) -> None:
    ann = await house.register("ann@example.org")

    first = await refresh(house, ann.refresh_token)
    second = await refresh(house, ann.refresh_token)

    assert await alive(house, str(first[0]))
    assert await alive(house, str(second[0]))
    assert "session.replayed" not in await house.audit()


async def test_a_replay_after_the_grace_ends_the_family_and_is_recorded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await house.register("ann@example.org")
    access, renewed = await refresh(house, ann.refresh_token)
    later = now() + timedelta(seconds=31)
    monkeypatch.setattr("app.identity.sessions.service.now", lambda: later)

    assert await refresh(house, ann.refresh_token) == REPLAYED

    assert (await house.audit())[-1] == "session.replayed"
    assert await refresh(house, str(renewed)) == REPLAYED
    assert not await alive(house, str(access))
    assert not await alive(house, ann.token)
    assert await alive(house, (await login(house, ann)).token)


async def test_a_session_idle_for_too_long_is_over(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await house.register("ann@example.org")
    later = now() + timedelta(days=14, seconds=1)
    monkeypatch.setattr("app.identity.sessions.service.now", lambda: later)

    assert await refresh(house, ann.refresh_token) == [("TOKEN_EXPIRED", ["refreshToken"])]


@pytest.mark.parametrize("token", ["", "rt_x", "\0", "x" * 100_000, "ß"])
async def test_what_is_no_refresh_token_is_refused(house: House, token: str) -> None:
    before = await house.counts()

    assert await refresh(house, token) == REPLAYED

    assert await house.counts() == before


async def test_a_refresh_token_of_another_organization_is_none(house: House) -> None:
    elsewhere = await house.open_shop("elsewhere")
    bob = await house.register("bob@example.org", shop=elsewhere)

    assert await refresh(house, bob.refresh_token) == REPLAYED

    answer = await house.ask("RefreshToken", shop=elsewhere, refreshToken=bob.refresh_token)
    assert answer.payload("refreshToken")["tokens"]


async def test_logout_kills_both_tokens_of_this_session_only(house: House) -> None:
    ann = await house.register("ann@example.org")
    phone = await login(house, ann)

    (await house.ask("Logout", token=ann.token)).payload("logout")

    assert not await alive(house, ann.token)
    assert await refresh(house, ann.refresh_token) == REPLAYED
    assert await alive(house, phone.token)


async def test_logout_everywhere_kills_all_sessions(house: House) -> None:
    ann = await house.register("ann@example.org")
    phone = await login(house, ann)

    answer = await house.ask("mutation { logoutEverywhere { endedSessions userErrors { code } } }", token=phone.token)

    assert answer.payload("logoutEverywhere")["endedSessions"] == 2
    for person in (ann, phone):
        assert not await alive(house, person.token)
        assert await refresh(house, person.refresh_token) == REPLAYED


async def test_a_new_password_ends_the_other_sessions_and_not_this_one(house: House) -> None:
    ann = await house.register("ann@example.org")
    phone = await login(house, ann)

    answer = await house.ask("ChangePassword", token=phone.token, currentPassword=PASSWORD, newPassword=NEW)

    answer.payload("changePassword")
    assert await alive(house, phone.token)
    assert not await alive(house, ann.token)
    assert await refresh(house, ann.refresh_token) == REPLAYED
    old = await house.ask("Login", identifier=ann.email, password=PASSWORD)
    assert old.refusals("login") == [("INVALID_CREDENTIALS", None)]
    (await house.ask("Login", identifier=ann.email, password=NEW)).payload("login")


async def test_a_wrong_current_password_changes_nothing(house: House) -> None:
    ann = await house.register("ann@example.org")
    phone, before = await login(house, ann), await house.audit()

    answer = await house.ask("ChangePassword", token=ann.token, currentPassword=NEW, newPassword=NEW)

    assert answer.refusals("changePassword") == [("INVALID_CREDENTIALS", ["currentPassword"])]
    assert await house.audit() == before
    assert await alive(house, phone.token)
    await login(house, ann)
