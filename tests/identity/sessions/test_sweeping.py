"""Sessions and tokens that nobody can use any more are deleted, in batches; all others stay."""

from datetime import timedelta

import pytest

from app.identity.sessions.sweeping import sweep_refresh_tokens, sweep_sessions
from app.platform.clock import now
from app.platform.db import sweeping
from tests.shop import Shop

EXPORTED = "{ me { sessions { totalCount } } }"


async def sweep_sessions_of(shop: Shop, later: timedelta = timedelta(days=1000)) -> int:
    """Sweep what ended thirty days before `later`."""
    before = now() + later - timedelta(days=30)
    return await sweep_sessions(shop.runtime.store, organization_id=shop.organization.id, before=before)


def let_pass(monkeypatch: pytest.MonkeyPatch, **passed: float) -> None:
    later = now() + timedelta(**passed)
    monkeypatch.setattr("app.identity.sessions.sweeping.now", lambda: later)


@pytest.mark.alone("counts what is left in whole tables")
async def test_an_ended_session_goes_after_thirty_days_and_a_living_one_stays(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    (await shop.ask("Logout", token=ann.token)).payload("logout")
    assert await sweep_sessions_of(shop, timedelta(days=29.9)) == 0

    assert await sweep_sessions_of(shop, timedelta(days=30.1)) == 1

    assert (await shop.count("login_sessions"), await shop.count("refresh_tokens")) == (1, 1)
    assert (await shop.ask(EXPORTED, token=bob.token)).data["me"]["sessions"]["totalCount"] == 1
    assert (await shop.ask("RefreshToken", refreshToken=bob.refresh_token)).payload("refreshToken")["tokens"]


@pytest.mark.alone("counts what is left in whole tables")
async def test_expired_sessions_of_customers_and_clients_go_with_their_tokens(shop: Shop) -> None:
    await shop.register("ann@example.org")
    await shop.integration()

    elsewhere = await shop.create_organization("elsewhere")
    await shop.register("bob@example.org", organization=elsewhere)

    assert await sweep_sessions_of(shop) == 2

    # Another organization keeps its own for as long as it likes.
    assert (await shop.count("login_sessions"), await shop.count("refresh_tokens")) == (1, 1)


@pytest.mark.alone("counts what is left in whole tables")
async def test_a_used_token_goes_a_week_after_it_would_have_expired(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await shop.register("ann@example.org")
    tokens = (await shop.ask("RefreshToken", refreshToken=ann.refresh_token)).payload("refreshToken")["tokens"]
    await shop.execute("UPDATE refresh_tokens SET expires_at = '2020-01-08 00:00:00.000000' WHERE used_at IS NOT NULL")

    assert await sweep_refresh_tokens(shop.runtime.store) == 1

    assert await shop.count("refresh_tokens") == 1
    assert (await shop.ask("RefreshToken", refreshToken=tokens["refreshToken"])).payload("refreshToken")["tokens"]
    let_pass(monkeypatch, days=1000)
    assert await sweep_refresh_tokens(shop.runtime.store) == 2


@pytest.mark.alone("counts what is left in whole tables")
async def test_many_go_in_several_transactions(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "BATCH_SIZE", 2)
    for number in range(5):
        await shop.register(f"ann{number}@example.org")
    begun: list[str] = []
    database = shop.runtime.store.database
    database.on_statement = begun.append

    assert await sweep_sessions_of(shop) == 5

    database.on_statement = None
    assert sum(statement.startswith("DELETE FROM login_sessions") for statement in begun) == 3
    assert await shop.count("login_sessions") == 0
