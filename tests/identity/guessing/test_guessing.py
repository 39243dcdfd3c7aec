"""Tests of guess limits: counters, delays, device tokens."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import select

from app.identity.guessing import repository
from app.identity.guessing.policy import FAILURE_RETENTION, Allowance, GuessingPolicy
from app.identity.guessing.tables import GuessCounter
from app.platform.clock import now
from app.privacy.erasure import erase_due
from tests.shop import PASSWORD, Answer, Shop, Urls, open_shop

LOGIN = """mutation ($identifier: String!, $password: String!, $deviceToken: String) {
    login(input: { identifier: $identifier, password: $password, deviceToken: $deviceToken }) {
        deviceToken tokens { accessToken }
        userErrors { __typename code field message ... on RateLimitedError { retryAfterSeconds } } } }"""
CHANGE = """mutation ($current: String!) { changePassword(input: { currentPassword: $current,
    newPassword: "four orange umbrellas", newPasswordConfirmation: "four orange umbrellas" }) {
    userErrors { code field } } }"""


def _tight(shop: Shop) -> None:
    shop.runtime.services.add(GuessingPolicy, GuessingPolicy(Allowance(3), Allowance(3), Allowance(8)))


async def _login(shop: Shop, password: str = "wrong", *, email: str = "ann@example.org", **more: Any) -> Answer:
    return await shop.ask(LOGIN, identifier=email, password=password, **more)


async def _codes(shop: Shop, times: int, **more: Any) -> list[str]:
    answers = [await _login(shop, **more) for _ in range(times)]
    return [answer.refusals("login")[0][0] for answer in answers]


async def _wait(shop: Shop, **changes: Any) -> None:
    """End all delays by moving `blocked_until` into the past."""
    await shop.change(GuessCounter, **{"blocked_until": now() - timedelta(seconds=1), **changes})


async def _failures(shop: Shop) -> list[int]:
    async with shop.runtime.store.database.transaction() as session:
        return sorted((await session.exec(select(GuessCounter.failures))).all())


async def test_after_some_wrong_passwords_the_next_one_waits_twice_as_long_each_time(shop: Shop) -> None:
    _tight(shop)
    await shop.register("ann@example.org")
    assert await _codes(shop, 3) == ["INVALID_CREDENTIALS"] * 3

    waits = []
    for _ in range(4):
        refused = (await _login(shop)).data["login"]["userErrors"][0]
        assert (refused["__typename"], refused["code"], refused["field"]) == ("RateLimitedError", "RATE_LIMITED", None)
        waits.append(refused["retryAfterSeconds"])
        await _wait(shop)
        assert await _codes(shop, 1) == ["INVALID_CREDENTIALS"]

    assert waits == [1, 2, 4, 8]


async def test_guesses_at_once_are_no_more_than_those_one_after_the_other(shop: Shop) -> None:
    _tight(shop)
    await shop.register("ann@example.org")

    answers = await asyncio.gather(*(_login(shop, f"wrong {number}") for number in range(20)))

    codes = sorted(answer.refusals("login")[0][0] for answer in answers)
    assert codes == ["INVALID_CREDENTIALS"] * 3 + ["RATE_LIMITED"] * 17
    assert (await _login(shop, PASSWORD)).refusals("login") == [("RATE_LIMITED", None)]


async def test_wrong_current_passwords_at_once_are_no_more_than_those_one_after_the_other(shop: Shop) -> None:
    _tight(shop)
    ann = await shop.register("ann@example.org")

    answers = await asyncio.gather(
        *(shop.ask(CHANGE, token=ann.token, current=f"wrong {number}") for number in range(12))
    )

    codes = sorted(answer.refusals("changePassword")[0][0] for answer in answers)
    assert codes == ["INVALID_CREDENTIALS"] * 3 + ["RATE_LIMITED"] * 9


def test_a_delay_never_grows_beyond_a_quarter_of_an_hour() -> None:
    allowance = Allowance(5)

    assert [allowance.delay(failures) for failures in (0, 4, 5, 6)] == [
        timedelta(),
        timedelta(),
        timedelta(seconds=1),
        timedelta(seconds=2),
    ]
    assert allowance.delay(1_000_000) == timedelta(minutes=15)


async def test_an_attempt_while_blocked_costs_no_hash_and_does_not_extend_the_block(shop: Shop) -> None:
    _tight(shop)
    await shop.register("ann@example.org")
    await _codes(shop, 3)
    hashes, failures = shop.hashes(), await _failures(shop)

    assert await _codes(shop, 5) == ["RATE_LIMITED"] * 5
    assert (await _login(shop, PASSWORD)).refusals("login") == [("RATE_LIMITED", None)]

    assert shop.hashes() == hashes
    assert await _failures(shop) == failures
    await _wait(shop)
    assert (await _login(shop, PASSWORD)).payload("login")["tokens"]


async def test_a_known_and_an_unknown_name_are_slowed_alike(shop: Shop) -> None:
    _tight(shop)
    await shop.register("ann@example.org")

    known = [(await _login(shop)).body for _ in range(4)]
    await _wait(shop, failures=0)
    unknown = [(await _login(shop, email="nobody@example.org")).body for _ in range(4)]

    assert known == unknown
    assert known[3]["data"]["login"]["userErrors"][0]["code"] == "RATE_LIMITED"


async def test_one_source_is_slowed_whatever_names_it_tries(shop: Shop) -> None:
    _tight(shop)
    await shop.register("ann@example.org")

    codes = [(await _codes(shop, 1, email=f"somebody{number}@example.org"))[0] for number in range(10)]

    assert codes == ["INVALID_CREDENTIALS"] * 8 + ["RATE_LIMITED"] * 2
    assert (await _login(shop, PASSWORD)).refusals("login") == [("RATE_LIMITED", None)]


async def test_a_login_to_an_own_account_does_not_take_back_what_a_source_has_guessed(shop: Shop) -> None:
    _tight(shop)
    await shop.register("mallory@example.org")
    for number in range(7):
        await _codes(shop, 1, email=f"somebody{number}@example.org")

    (await _login(shop, PASSWORD, email="mallory@example.org")).payload("login")

    assert await _codes(shop, 2, email="ann@example.org") == ["INVALID_CREDENTIALS", "RATE_LIMITED"]


async def test_the_right_password_forgets_the_wrong_ones_about_the_name(shop: Shop) -> None:
    _tight(shop)
    await shop.register("ann@example.org")

    await _codes(shop, 2)
    (await _login(shop, PASSWORD)).payload("login")

    assert await _codes(shop, 3) == ["INVALID_CREDENTIALS"] * 3


async def test_a_thousand_wrong_logins_slow_the_attacker_and_not_the_owner_on_a_known_device(urls: Urls) -> None:
    # The request rate limit would refuse these logins before the guess limits do.
    async with open_shop(urls, rate_limit_scale=10_000) as shop:
        _tight(shop)
        await shop.register("ann@example.org")
        token = (await _login(shop, PASSWORD)).payload("login")["deviceToken"]
        hashes = shop.hashes()

        codes = await _codes(shop, 1000)

        assert shop.hashes() - hashes == codes.count("INVALID_CREDENTIALS")
        assert codes.count("RATE_LIMITED") >= 900
        owner = (await _login(shop, PASSWORD, deviceToken=token)).payload("login")
        assert owner["tokens"]["accessToken"]
        assert owner["deviceToken"]


async def test_a_known_device_is_known_by_its_header_too(shop: Shop) -> None:
    _tight(shop)
    await shop.register("ann@example.org")
    token = (await _login(shop, PASSWORD)).payload("login")["deviceToken"]
    await _codes(shop, 4)

    variables = {"identifier": "ann@example.org", "password": PASSWORD}
    answer = await shop.post(
        {"query": LOGIN, "variables": variables}, **{"x-api-key": shop.organization.key, "x-device-token": token}
    )

    assert answer.payload("login")["tokens"]


async def test_a_stolen_device_token_has_a_counter_of_its_own(shop: Shop) -> None:
    _tight(shop)
    await shop.register("ann@example.org")
    token = (await _login(shop, PASSWORD)).payload("login")["deviceToken"]

    codes = await _codes(shop, 5, deviceToken=token)

    assert codes == ["INVALID_CREDENTIALS"] * 3 + ["RATE_LIMITED"] * 2
    assert (await _login(shop, PASSWORD)).payload("login")["tokens"]


async def test_a_foreign_or_malformed_device_token_is_ignored(shop: Shop) -> None:
    _tight(shop)
    await shop.register("ann@example.org")
    await shop.register("mallory@example.org")
    token = (await _login(shop, PASSWORD, email="mallory@example.org")).payload("login")["deviceToken"]

    for given in (token, token[:-4] + "AAAA", "dt_", "nonsense", "dt_" + "A" * 4000):
        await _wait(shop, failures=0)
        assert await _codes(shop, 4, deviceToken=given) == ["INVALID_CREDENTIALS"] * 3 + ["RATE_LIMITED"]


async def test_a_block_survives_a_restart(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls) as shop:
        _tight(shop)
        await shop.register("ann@example.org")
        await _codes(shop, 3)
        organization = shop.organization
        async with shop.runtime.store.database.transaction() as session:
            await session.exec(update(GuessCounter).values(blocked_until=now() + timedelta(minutes=5)))

    async with open_shop(sqlite_urls, organization=organization) as again:
        assert await _codes(again, 1) == ["RATE_LIMITED"]


@pytest.mark.alone("looks at whole tables")
async def test_nothing_readable_is_kept_and_old_counters_are_swept(shop: Shop) -> None:
    _tight(shop)
    await shop.register("ann@example.org")
    await _codes(shop, 2)
    assert await shop.count("guess_counters") == 2

    assert await repository.sweep(shop.runtime.store) == 0
    await _wait(shop, last_failed_at=now() - FAILURE_RETENTION - timedelta(seconds=1))
    assert await _codes(shop, 1) == ["INVALID_CREDENTIALS"]
    assert await _failures(shop) == [1, 1]
    await _wait(shop, last_failed_at=now() - FAILURE_RETENTION - timedelta(seconds=1))

    assert await repository.sweep(shop.runtime.store) == 2
    assert await shop.count("guess_counters") == 0


async def test_the_counter_of_a_name_is_erased_with_the_customer(shop: Shop) -> None:
    _tight(shop)
    ann = await shop.register("ann@example.org")
    await _codes(shop, 1)
    assert await shop.count("guess_counters") == 2

    await shop.ask("RequestAnonymization", token=await shop.staff(), customerId=ann.id)
    await erase_due(shop.runtime.store)

    assert await shop.count("guess_counters") == 1
    assert await shop.count("guess_counters", "customer_id IS NOT NULL") == 0


async def test_guessing_the_current_password_of_an_open_session_is_slowed_too(shop: Shop) -> None:
    _tight(shop)
    ann = await shop.register("ann@example.org")

    answers = [await shop.ask(CHANGE, token=ann.token, current="wrong") for _ in range(4)]

    codes = [answer.refusals("changePassword") for answer in answers]
    assert codes == [[("INVALID_CREDENTIALS", ["currentPassword"])]] * 3 + [[("RATE_LIMITED", None)]]
    assert (await shop.ask(CHANGE, token=ann.token, current=PASSWORD)).refusals("changePassword") == [
        ("RATE_LIMITED", None)
    ]
    await _wait(shop)
    assert (await shop.ask(CHANGE, token=ann.token, current=PASSWORD)).payload("changePassword")


async def test_limits_are_ten_times_as_wide_in_development(shop: Shop) -> None:
    assert shop.runtime.services.get(GuessingPolicy) == GuessingPolicy(Allowance(50), Allowance(100), Allowance(300))
