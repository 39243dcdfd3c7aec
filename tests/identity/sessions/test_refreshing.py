"""Tests of token refresh: rotation, replay, and sessions ended by logout or a new password."""

from datetime import timedelta

import pytest

from app.platform.clock import now
from tests.shop import PASSWORD, Person, Shop, Urls, open_shop

ME = "{ me { id } }"
NEW = "amber lantern rests by noon"
REASON = """mutation ($refresh: String!) { refreshToken(input: { refreshToken: $refresh }) {
    endedReason tokens { accessToken } userErrors { code field } } }"""
EVERYWHERE = "mutation { logoutEverywhere { userErrors { code } } }"
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
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    access, renewed = await refresh(shop, ann.refresh_token)
    await refresh(shop, str(renewed))
    later = now() + timedelta(seconds=31)
    monkeypatch.setattr("app.identity.sessions.service.now", lambda: later)

    refused = await shop.ask(REASON, refresh=ann.refresh_token)

    assert refused.refusals("refreshToken") == REPLAYED
    assert refused.data["refreshToken"]["endedReason"] == "TOKEN_REPLAYED"
    assert (await shop.audit())[-1] == "session.replayed"
    assert await alive(shop, bob.token)
    assert isinstance(await refresh(shop, bob.refresh_token), tuple)
    assert await refresh(shop, str(renewed)) == REPLAYED
    assert not await alive(shop, str(access))
    assert not await alive(shop, ann.token)
    assert await alive(shop, (await login(shop, ann)).token)


async def test_a_lost_answer_is_repeated_until_the_new_token_was_used(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await shop.register("ann@example.org")
    lost = await refresh(shop, ann.refresh_token)
    for hours in (1, 2):
        later = now() + timedelta(hours=hours)
        monkeypatch.setattr("app.identity.sessions.service.now", lambda later=later: later)
        assert (await refresh(shop, ann.refresh_token))[1] == lost[1]

    renewed = await refresh(shop, str(lost[1]))

    assert isinstance(renewed, tuple)
    assert await shop.count("refresh_tokens") == 3
    # Half a minute later it shows that two have it.
    later = now() + timedelta(hours=3)
    monkeypatch.setattr("app.identity.sessions.service.now", lambda: later)
    assert await refresh(shop, ann.refresh_token) == REPLAYED


async def test_twelve_refreshes_of_one_token_have_one_successor(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")

    answers = [await refresh(shop, ann.refresh_token) for _ in range(12)]

    assert len({answer[1] for answer in answers}) == 1
    assert await shop.count("refresh_tokens") == 2
    # The tab that comes last within half a minute gets the newest one.
    newest = await refresh(shop, str(answers[0][1]))
    assert (await refresh(shop, ann.refresh_token))[1] == newest[1]


@pytest.mark.parametrize(
    ("ending", "reason"),
    [("mutation { logout { userErrors { code } } }", "LOGGED_OUT"), (EVERYWHERE, "LOGGED_OUT_EVERYWHERE")],
)
async def test_a_client_learns_why_its_session_ended(shop: Shop, ending: str, reason: str) -> None:
    ann = await shop.register("ann@example.org")
    await shop.ask(ending, token=ann.token)
    before = await shop.counts()

    refused = await shop.ask(REASON, refresh=ann.refresh_token)

    assert refused.refusals("refreshToken") == REPLAYED
    assert refused.data["refreshToken"]["endedReason"] == reason
    assert await shop.counts() == before


async def test_good_refreshes_of_one_address_are_counted_by_session_and_bad_ones_by_address(sqlite_urls: Urls) -> None:
    limits = {"source-credentials": "9 per hour", "session-refreshes": "2 per hour", "guest-writes": "1 per hour"}
    async with open_shop(sqlite_urls, rate_limits={**limits, "source-refresh-failures": "3 per hour"}) as shop:
        people = [await shop.register(f"ann{number}@example.org") for number in range(4)]
        for person in people:
            renewed = await refresh(shop, person.refresh_token)
            assert isinstance(await refresh(shop, str(renewed[1])), tuple)
        before = await shop.counts()

        third = await shop.ask(REASON, refresh=people[0].refresh_token)

        assert third.refusals("refreshToken") == [("RATE_LIMITED", None)]
        assert await shop.counts() == before
        for _ in range(3):
            assert await refresh(shop, "rt_unknown") == REPLAYED
        refused = await shop.ask("RefreshToken", refreshToken=people[1].refresh_token)
    assert (refused.status, refused.codes) == (429, ["RATE_LIMITED"])
    assert refused.body["errors"][0]["extensions"]["retryAfterSeconds"] == int(refused.headers["retry-after"])


async def test_a_session_idle_for_too_long_is_over(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await shop.register("ann@example.org")
    later = now() + timedelta(days=14, seconds=1)
    monkeypatch.setattr("app.identity.sessions.service.now", lambda: later)

    assert await refresh(shop, ann.refresh_token) == [("TOKEN_EXPIRED", ["refreshToken"])]
    why = "mutation ($input: RefreshTokenInput!) { refreshToken(input: $input) { endedReason userErrors { code } } }"
    answer = await shop.ask(why, input={"refreshToken": ann.refresh_token})
    assert answer.data["refreshToken"]["endedReason"] == "EXPIRED"


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
