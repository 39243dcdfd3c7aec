"""Tests of the session list: ending, expiry, replay, export."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import select

from app.identity.sessions import repository
from app.identity.sessions.tables import LoginSession, RefreshToken
from app.identity.sessions.user_agents import device_name
from app.platform.clock import now
from app.platform.mail.tables import OutgoingMail
from app.privacy.erasure import erase_due
from tests.shop import PASSWORD, Person, Shop

LIST = """query ($first: Int, $after: String) { me { sessions(first: $first, after: $after) { totalCount
    pageInfo { hasNextPage endCursor }
    nodes { id device createdAt lastUsedAt expiresAt current endedAt endedReason } } } }"""
END = """mutation ($id: ID!) { endSession(input: { id: $id }) {
    session { id endedAt endedReason } userErrors { code field } } }"""
EVERYWHERE = "mutation { logoutEverywhere { endedSessions userErrors { code } } }"
REGISTER = """mutation ($input: RegisterInput!) { register(input: $input) {
    customer { id } tokens { accessToken refreshToken } } }"""
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36"
NOWHERE = "U2Vzc2lvbjowMThmMDAwMDAwMDA3MDAwODAwMDAwMDAwMDAwMDAwMA"


async def _sessions(shop: Shop, token: str, **page: Any) -> Any:
    return (await shop.ask(LIST, token=token, **page)).data["me"]["sessions"]


async def _login(shop: Shop, email: str = "ann@example.org", agent: str = "") -> str:
    body = {
        "query": "mutation ($p: String!, $e: String!) "
        "{ login(input: { identifier: $e, password: $p }) { tokens { accessToken } userErrors { code } } }",
        "variables": {"e": email, "p": PASSWORD},
    }
    headers = {"x-api-key": shop.organization.key, "user-agent": agent}
    return str((await shop.post(body, **headers)).payload("login")["tokens"]["accessToken"])


async def _age(shop: Shop, **changes: Any) -> None:
    await shop.change(LoginSession, **changes)


async def test_a_customer_sees_own_sessions_newest_first_with_the_device_in_words(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await _login(shop, agent=FIREFOX)
    await shop.register("bob@example.org")

    listed = await _sessions(shop, token)

    assert listed["totalCount"] == 2
    assert [(one["device"], one["current"], one["endedAt"], one["endedReason"]) for one in listed["nodes"]] == [
        ("Firefox on Windows", True, None, None),
        ("python-httpx", False, None, None),
    ]
    assert listed["nodes"][0]["createdAt"] <= listed["nodes"][0]["lastUsedAt"] < listed["nodes"][0]["expiresAt"]
    assert [one["current"] for one in (await _sessions(shop, ann.token))["nodes"]] == [False, True]


async def test_sessions_come_in_pages(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    for _ in range(2):
        await _login(shop)

    first = await _sessions(shop, ann.token, first=2)
    rest = await _sessions(shop, ann.token, first=2, after=first["pageInfo"]["endCursor"])

    assert [len(one["nodes"]) for one in (first, rest)] == [2, 1]
    assert [one["pageInfo"]["hasNextPage"] for one in (first, rest)] == [True, False]
    assert rest["nodes"][0]["current"] is True
    assert (await shop.ask(LIST, token=ann.token, first=101)).codes == ["BAD_USER_INPUT"]


async def test_ending_a_session_kills_its_tokens_at_the_next_request_and_no_other(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    other = await _login(shop)
    session_id = (await _sessions(shop, ann.token))["nodes"][0]["id"]

    ended = (await shop.ask(END, token=ann.token, id=session_id)).payload("endSession")["session"]

    assert (ended["id"], ended["endedReason"]) == (session_id, "ENDED_BY_OWNER")
    assert ended["endedAt"]
    assert (await shop.ask("{ me { id } }", token=other)).status == 401
    assert (await shop.ask("{ me { id } }", token=ann.token)).data["me"]["id"] == ann.id
    assert (await shop.audit())[-1] == "session.ended"


async def test_ending_a_session_twice_changes_nothing(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await _login(shop)
    session_id = (await _sessions(shop, ann.token))["nodes"][0]["id"]
    first = (await shop.ask(END, token=ann.token, id=session_id)).payload("endSession")
    before = await shop.counts()

    assert (await shop.ask(END, token=ann.token, id=session_id)).payload("endSession") == first

    assert await shop.counts() == before


async def test_a_session_of_another_customer_is_not_found(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    hers = (await _sessions(shop, ann.token))["nodes"][0]["id"]
    before = await shop.counts()

    tried = [await shop.ask(END, token=bob.token, id=one) for one in (hers, NOWHERE, "x")]

    assert [one.refusals("endSession") for one in tried] == [[("NOT_FOUND", ["id"])]] * 3
    assert await shop.counts() == before
    assert (await shop.ask("{ me { id } }", token=ann.token)).data["me"]["id"] == ann.id


async def test_only_the_owner_reads_or_ends_sessions(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    query = "query ($id: ID!) { customer(by: { id: $id }) { sessions { totalCount } } }"

    assert (await shop.ask(query, token=await shop.staff(), id=ann.id)).codes == ["FORBIDDEN"]
    assert (await shop.ask(END, id=NOWHERE)).codes == ["UNAUTHENTICATED"]
    assert (await shop.ask(END, token=await shop.integration(), id=NOWHERE)).codes == ["FORBIDDEN"]


async def test_logging_out_everywhere_is_seen_in_the_list_of_the_next_session(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await _login(shop)

    assert (await shop.ask(EVERYWHERE, token=ann.token)).payload("logoutEverywhere")["endedSessions"] == 2

    listed = await _sessions(shop, await _login(shop))
    assert [one["endedReason"] for one in listed["nodes"]] == [
        None,
        "LOGGED_OUT_EVERYWHERE",
        "LOGGED_OUT_EVERYWHERE",
    ]


@pytest.mark.parametrize("which", ["idle_expires_at", "expires_at"])
async def test_a_session_that_was_idle_or_lived_too_long_is_over(shop: Shop, which: str) -> None:
    ann = await shop.register("ann@example.org")
    await _age(shop, **{which: now() - timedelta(seconds=1)})

    refused = await shop.ask("RefreshToken", refreshToken=ann.refresh_token)

    assert refused.refusals("refreshToken") == [("TOKEN_EXPIRED", ["refreshToken"])]
    listed = await _sessions(shop, await _login(shop))
    assert [one["endedReason"] for one in listed["nodes"]] == [None, "EXPIRED"]


async def test_a_refresh_moves_the_idle_end_but_never_beyond_the_absolute_one(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    end = now() + timedelta(hours=1)
    await _age(shop, idle_expires_at=now() + timedelta(minutes=1), expires_at=end)

    tokens = (await shop.ask("RefreshToken", refreshToken=ann.refresh_token)).payload("refreshToken")["tokens"]

    assert tokens["refreshTokenExpiresAt"] == end.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _replay(shop: Shop, ann: Person) -> Any:
    renewed = (await shop.ask("RefreshToken", refreshToken=ann.refresh_token)).payload("refreshToken")["tokens"]
    (await shop.ask("RefreshToken", refreshToken=renewed["refreshToken"])).payload("refreshToken")
    async with shop.runtime.store.database.transaction() as session:
        used = update(RefreshToken).where(RefreshToken.used_at.is_not(None))  # type: ignore[union-attr]
        await session.exec(used.values(used_at=now() - timedelta(seconds=31)))
    return await shop.ask("RefreshToken", refreshToken=ann.refresh_token)


async def test_a_replayed_token_ends_the_whole_family_is_recorded_and_announced_by_mail(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")

    refused = await _replay(shop, ann)

    assert refused.refusals("refreshToken") == [("TOKEN_INVALID", ["refreshToken"])]
    assert (await shop.ask("{ me { id } }", token=ann.token)).status == 401
    assert (await shop.audit())[-1] == "session.replayed"
    async with shop.runtime.store.database.transaction() as session:
        assert set(await session.exec(select(OutgoingMail.template))) == {"VERIFY_EMAIL", "SESSION_REPLAYED"}
    listed = await _sessions(shop, await _login(shop))
    assert [one["endedReason"] for one in listed["nodes"]] == [None, "TOKEN_REPLAYED"]


@pytest.mark.alone("looks at whole tables")
async def test_sessions_are_exported_and_erased_with_the_customer(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    async with shop.runtime.store.database.transaction() as session:
        customer_id = (await session.exec(select(LoginSession.customer_id))).one()
    assert customer_id is not None
    names = {"organization_id": shop.organization.id, "customer_id": customer_id}

    [exported] = await repository.export(shop.runtime.store, **names)

    assert str(exported["device"]).startswith("python-httpx/")
    assert exported["endedAt"] is None
    await shop.ask("RequestAnonymization", token=await shop.staff(), customerId=ann.id)
    await erase_due(shop.runtime.store)
    assert await repository.export(shop.runtime.store, **names) == []


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Windows"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {CHROME}", "Chrome on Linux"),
        (f"Mozilla/5.0 (Linux; Android 16; K) {CHROME}", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Safari/604.1", "Safari on iPhone"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME} Edg/143.0", "Edge on Mac"),
        ("okhttp/5.1.0", "okhttp"),
        ("", None),
        ("\x07", None),
    ],
)
def test_a_device_is_named_in_a_few_words(agent: str, name: str | None) -> None:
    assert device_name(agent) == name
