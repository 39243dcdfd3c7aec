"""Guessing: who is slowed down, who is not, and what it costs."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import select

from app.identity.guessing import repository
from app.identity.guessing.policy import FORGOTTEN_AFTER, Allowance, GuessingPolicy
from app.identity.guessing.tables import GuessCounter
from app.platform.clock import now
from app.privacy.erasing import erase_due
from tests.house import PASSWORD, Answer, House, Urls, open_test_house

LOGIN = """mutation ($identifier: String!, $password: String!, $deviceToken: String) {
    login(input: { identifier: $identifier, password: $password, deviceToken: $deviceToken }) {
        deviceToken tokens { accessToken }
        userErrors { __typename code field message ... on RateLimitedError { retryAfterSeconds } } } }"""
CHANGE = """mutation ($current: String!) { changePassword(input: { currentPassword: $current,
    newPassword: "four orange umbrellas", newPasswordConfirmation: "four orange umbrellas" }) {
    userErrors { code field } } }"""


def _tight(house: House) -> None:
    house.patron.services.add(GuessingPolicy, GuessingPolicy(Allowance(3), Allowance(3), Allowance(8)))


async def _login(house: House, password: str = "wrong", *, email: str = "ann@example.org", **more: Any) -> Answer:
    return await house.ask(LOGIN, identifier=email, password=password, **more)


async def _codes(house: House, times: int, **more: Any) -> list[str]:
    answers = [await _login(house, **more) for _ in range(times)]
    return [answer.refusals("login")[0][0] for answer in answers]


async def _wait(house: House, **changes: Any) -> None:
    """Let all delays pass, by moving what they end at."""
    async with house.patron.store.database.transaction() as session:
        moment = now() - timedelta(seconds=1)
        await session.exec(update(GuessCounter).values(**{"blocked_until": moment, **changes}))


async def _failures(house: House) -> list[int]:
    async with house.patron.store.database.transaction() as session:
        return sorted((await session.exec(select(GuessCounter.failures))).all())


async def test_after_some_wrong_passwords_the_next_one_waits_twice_as_long_each_time(house: House) -> None:
    _tight(house)
    await house.register("ann@example.org")
    assert await _codes(house, 3) == ["INVALID_CREDENTIALS"] * 3

    waits = []
    for _ in range(4):
        refused = (await _login(house)).data["login"]["userErrors"][0]
        assert (refused["__typename"], refused["code"], refused["field"]) == ("RateLimitedError", "RATE_LIMITED", None)
        waits.append(refused["retryAfterSeconds"])
        await _wait(house)
        assert await _codes(house, 1) == ["INVALID_CREDENTIALS"]

    assert waits == [1, 2, 4, 8]


def test_a_delay_never_grows_beyond_a_quarter_of_an_hour() -> None:
    allowance = Allowance(5)

    assert [allowance.delay(failures) for failures in (0, 4, 5, 6)] == [
        timedelta(),
        timedelta(),
        timedelta(seconds=1),
        timedelta(seconds=2),
    ]
    assert allowance.delay(1_000_000) == timedelta(minutes=15)


async def test_an_attempt_while_blocked_costs_no_hash_and_does_not_extend_the_block(house: House) -> None:
    _tight(house)
    await house.register("ann@example.org")
    await _codes(house, 3)
    hashes, failures = house.hashes(), await _failures(house)

    assert await _codes(house, 5) == ["RATE_LIMITED"] * 5
    assert (await _login(house, PASSWORD)).refusals("login") == [("RATE_LIMITED", None)]

    assert house.hashes() == hashes
    assert await _failures(house) == failures
    await _wait(house)
    assert (await _login(house, PASSWORD)).payload("login")["tokens"]


async def test_a_known_and_an_unknown_name_are_slowed_alike(house: House) -> None:
    _tight(house)
    await house.register("ann@example.org")

    known = [(await _login(house)).body for _ in range(4)]
    await _wait(house, failures=0)
    unknown = [(await _login(house, email="nobody@example.org")).body for _ in range(4)]

    assert known == unknown
    assert known[3]["data"]["login"]["userErrors"][0]["code"] == "RATE_LIMITED"


async def test_one_source_is_slowed_whatever_names_it_tries(house: House) -> None:
    _tight(house)
    await house.register("ann@example.org")

    codes = [(await _codes(house, 1, email=f"somebody{number}@example.org"))[0] for number in range(10)]

    assert codes == ["INVALID_CREDENTIALS"] * 8 + ["RATE_LIMITED"] * 2
    assert (await _login(house, PASSWORD)).refusals("login") == [("RATE_LIMITED", None)]


async def test_a_login_to_an_own_account_does_not_take_back_what_a_source_has_guessed(house: House) -> None:
    _tight(house)
    await house.register("mallory@example.org")
    for number in range(7):
        await _codes(house, 1, email=f"somebody{number}@example.org")

    (await _login(house, PASSWORD, email="mallory@example.org")).payload("login")

    assert await _codes(house, 2, email="ann@example.org") == ["INVALID_CREDENTIALS", "RATE_LIMITED"]


async def test_the_right_password_forgets_the_wrong_ones_about_the_name(house: House) -> None:
    _tight(house)
    await house.register("ann@example.org")

    await _codes(house, 2)
    (await _login(house, PASSWORD)).payload("login")

    assert await _codes(house, 3) == ["INVALID_CREDENTIALS"] * 3


async def test_a_thousand_wrong_logins_slow_the_attacker_and_not_the_owner_on_a_known_device(urls: Urls) -> None:
    # The limit of requests would step in before: this is about what lies behind it.
    async with open_test_house(urls, rate_limit_scale=10_000) as house:
        _tight(house)
        await house.register("ann@example.org")
        token = (await _login(house, PASSWORD)).payload("login")["deviceToken"]
        hashes = house.hashes()

        codes = await _codes(house, 1000)

        assert house.hashes() - hashes == codes.count("INVALID_CREDENTIALS")
        assert codes.count("RATE_LIMITED") >= 900
        owner = (await _login(house, PASSWORD, deviceToken=token)).payload("login")
        assert owner["tokens"]["accessToken"]
        assert owner["deviceToken"]


async def test_a_known_device_is_known_by_its_header_too(house: House) -> None:
    _tight(house)
    await house.register("ann@example.org")
    token = (await _login(house, PASSWORD)).payload("login")["deviceToken"]
    await _codes(house, 4)

    variables = {"identifier": "ann@example.org", "password": PASSWORD}
    answer = await house.post(
        {"query": LOGIN, "variables": variables}, **{"x-api-key": house.shop.key, "x-device-token": token}
    )

    assert answer.payload("login")["tokens"]


async def test_a_stolen_device_token_has_a_counter_of_its_own(house: House) -> None:
    _tight(house)
    await house.register("ann@example.org")
    token = (await _login(house, PASSWORD)).payload("login")["deviceToken"]

    codes = await _codes(house, 5, deviceToken=token)

    assert codes == ["INVALID_CREDENTIALS"] * 3 + ["RATE_LIMITED"] * 2
    assert (await _login(house, PASSWORD)).payload("login")["tokens"]


async def test_a_device_token_helps_nobody_else(house: House) -> None:
    _tight(house)
    await house.register("ann@example.org")
    await house.register("mallory@example.org")
    token = (await _login(house, PASSWORD, email="mallory@example.org")).payload("login")["deviceToken"]

    for given in (token, token[:-4] + "AAAA", "dt_", "nonsense", "dt_" + "A" * 4000):
        await _wait(house, failures=0)
        assert await _codes(house, 4, deviceToken=given) == ["INVALID_CREDENTIALS"] * 3 + ["RATE_LIMITED"]


async def test_a_block_survives_a_restart(sqlite_urls: Urls) -> None:
    async with open_test_house(sqlite_urls) as house:
        _tight(house)
        await house.register("ann@example.org")
        await _codes(house, 3)
        shop = house.shop
        async with house.patron.store.database.transaction() as session:
            await session.exec(update(GuessCounter).values(blocked_until=now() + timedelta(minutes=5)))

    async with open_test_house(sqlite_urls, shop=shop) as again:
        assert await _codes(again, 1) == ["RATE_LIMITED"]


async def test_nothing_readable_is_kept_and_old_counters_are_swept(house: House) -> None:
    _tight(house)
    await house.register("ann@example.org")
    await _codes(house, 2)
    assert await house.count("guess_counters") == 2

    assert await repository.sweep(house.patron.store) == 0
    await _wait(house, last_failed_at=now() - FORGOTTEN_AFTER - timedelta(seconds=1))
    assert await _codes(house, 1) == ["INVALID_CREDENTIALS"]
    assert await _failures(house) == [1, 1]
    await _wait(house, last_failed_at=now() - FORGOTTEN_AFTER - timedelta(seconds=1))

    assert await repository.sweep(house.patron.store) == 2
    assert await house.count("guess_counters") == 0


async def test_the_counter_of_a_name_goes_with_the_person(house: House) -> None:
    _tight(house)
    ann = await house.register("ann@example.org")
    await _codes(house, 1)
    assert await house.count("guess_counters") == 2

    await house.ask("RequestAnonymization", token=await house.staff(), customerId=ann.id)
    await erase_due(house.patron.store)

    assert await house.count("guess_counters") == 1
    assert await house.count("guess_counters", "customer_id IS NOT NULL") == 0


async def test_guessing_the_current_password_of_an_open_session_is_slowed_too(house: House) -> None:
    _tight(house)
    ann = await house.register("ann@example.org")

    answers = [await house.ask(CHANGE, token=ann.token, current="wrong") for _ in range(4)]

    codes = [answer.refusals("changePassword") for answer in answers]
    assert codes == [[("INVALID_CREDENTIALS", ["currentPassword"])]] * 3 + [[("RATE_LIMITED", None)]]
    assert (await house.ask(CHANGE, token=ann.token, current=PASSWORD)).refusals("changePassword") == [
        ("RATE_LIMITED", None)
    ]
    await _wait(house)
    assert (await house.ask(CHANGE, token=ann.token, current=PASSWORD)).payload("changePassword")


async def test_limits_are_ten_times_as_wide_in_development(house: House) -> None:
    assert house.patron.services.get(GuessingPolicy) == GuessingPolicy(Allowance(50), Allowance(100), Allowance(300))
