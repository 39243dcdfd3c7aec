"""A new address: proven first, told to the old one, and taken back from there."""

import pytest

from tests.accounts.confirmations.test_verification import ANN, WRONG, let_expire, other
from tests.accounts.confirmations.words import NEW_PASSWORD, Letters
from tests.house import PASSWORD, House

EVE = "eve@example.org"


async def ask(letters: Letters, token: str, email: str = EVE) -> dict[str, str]:
    await letters.done("requestEmailChange", bearer=token, newEmail=email, password=PASSWORD)
    return await letters.last("CONFIRM_NEW_EMAIL", email)


async def change(letters: Letters, token: str, email: str = EVE) -> None:
    await letters.done("confirmEmailChange", token=(await ask(letters, token, email))["token"])


async def test_nothing_changes_before_the_new_address_is_proven(letters: Letters) -> None:
    token = await letters.member(ANN)

    await ask(letters, token)

    assert (await letters.me(token)).data["me"]["email"] == ANN
    assert (await letters.login(EVE)).refusals("login") == WRONG
    await letters.token(ANN)


async def test_the_code_works_for_the_customer_who_is_logged_in_only(letters: Letters) -> None:
    token, stranger = await letters.member(ANN), await letters.member("bob@example.org")
    code = (await ask(letters, token))["code"]

    assert await letters.refused("confirmEmailChange", code=code) == [("REQUIRED", ["token"])]
    assert await letters.refused("confirmEmailChange", bearer=stranger, code=code) == [("TOKEN_INVALID", ["code"])]
    assert await letters.refused("confirmEmailChange", bearer=token, code=other(code)) == [("TOKEN_INVALID", ["code"])]
    await letters.done("confirmEmailChange", bearer=token, code=code)

    assert (await letters.me(token)).data["me"]["email"] == EVE


async def test_the_undo_restores_the_address_ends_every_session_and_mails_a_reset(letters: Letters) -> None:
    token = await letters.member(ANN)
    await change(letters, token)
    mailed = await letters.last("EMAIL_CHANGED", ANN)
    assert mailed["new_email"] == EVE

    await letters.done("undoEmailChange", token=mailed["token"])

    assert (await letters.me(token)).status == 401
    assert (await letters.login(EVE)).refusals("login") == WRONG
    assert (await letters.me(await letters.token(ANN))).data["me"]["email"] == ANN
    assert (await letters.kinds())[-1] == ("RESET_PASSWORD", ANN)
    assert await letters.refused("undoEmailChange", token=mailed["token"]) == [("TOKEN_INVALID", ["token"])]


async def test_changing_twice_does_not_take_the_first_owners_way_back(letters: Letters) -> None:
    token = await letters.member(ANN)
    await change(letters, token, "eve1@example.org")
    await change(letters, token, EVE)

    await letters.done("undoEmailChange", token=(await letters.last("EMAIL_CHANGED", ANN))["token"])

    assert (await letters.me(await letters.token(ANN))).data["me"]["email"] == ANN
    later = (await letters.last("EMAIL_CHANGED", "eve1@example.org"))["token"]
    assert await letters.refused("undoEmailChange", token=later) == [("TOKEN_INVALID", ["token"])]


async def test_registering_the_old_address_does_not_take_the_way_back(letters: Letters) -> None:
    await change(letters, await letters.member(ANN))
    await letters.register(ANN, NEW_PASSWORD)

    await letters.done("undoEmailChange", token=(await letters.last("EMAIL_CHANGED", ANN))["token"])

    await letters.token(ANN)
    claimed = (await letters.last("VERIFY_EMAIL", ANN))["token"]
    await letters.done("verifyEmail", token=claimed)
    assert (await letters.login(ANN, NEW_PASSWORD)).refusals("login") == WRONG


async def test_an_address_that_somebody_proved_meanwhile_stays_theirs(letters: Letters) -> None:
    token = await letters.member(ANN)
    mailed = await ask(letters, token)
    await letters.member(EVE, NEW_PASSWORD)

    assert await letters.refused("confirmEmailChange", token=mailed["token"]) == [("EMAIL_TAKEN", ["token"])]

    assert (await letters.me(token)).data["me"]["email"] == ANN
    await letters.token(EVE, NEW_PASSWORD)


async def test_a_change_voids_the_reset_that_went_to_the_old_address(letters: Letters) -> None:
    token = await letters.member(ANN)
    await letters.done("requestPasswordReset", email=ANN)
    reset = (await letters.last("RESET_PASSWORD", ANN))["token"]

    await change(letters, token)

    given = {"token": reset, "password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
    assert await letters.refused("resetPassword", **given) == [("TOKEN_INVALID", ["token"])]


async def test_a_taken_address_looks_free_and_its_owner_is_told(letters: Letters) -> None:
    token = await letters.member(ANN)
    await letters.member("bob@example.org")

    await letters.done("requestEmailChange", bearer=token, newEmail="Bob@example.org", password=PASSWORD)

    assert (await letters.kinds())[-1] == ("ALREADY_REGISTERED", "bob@example.org")


async def test_where_people_are_let_in_at_once_a_taken_address_is_said_to_be(house: House) -> None:
    easy = Letters(house, house.shop)
    token = (await easy.register(ANN)).payload("register")["tokens"]["accessToken"]
    await easy.register(EVE)
    before = await house.counts()

    refused = await easy.refused("requestEmailChange", bearer=token, newEmail=EVE, password=PASSWORD)

    assert refused == [("EMAIL_TAKEN", ["newEmail"])]
    assert await house.counts() == before


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"newEmail": EVE, "password": "a wrong password"}, ("INVALID_CREDENTIALS", ["password"])),
        ({"newEmail": "eve", "password": PASSWORD}, ("INVALID", ["newEmail"])),
        ({"newEmail": "", "password": PASSWORD}, ("REQUIRED", ["newEmail"])),
        ({"newEmail": ANN, "password": PASSWORD}, ("INVALID", ["newEmail"])),
    ],
)
async def test_a_change_that_cannot_be_asked_for_writes_nothing(
    letters: Letters, given: dict[str, str], refusal: tuple[str, list[str]]
) -> None:
    token = await letters.member(ANN)
    before = await letters.house.counts()

    assert await letters.refused("requestEmailChange", bearer=token, **given) == [refusal]

    assert await letters.house.counts() == before


async def test_expired_and_wrong_tokens_change_nothing(letters: Letters) -> None:
    token = await letters.member(ANN)
    mailed = await ask(letters, token)
    await let_expire(letters.house)

    assert await letters.refused("confirmEmailChange", token=mailed["token"]) == [("TOKEN_EXPIRED", ["token"])]
    assert await letters.refused("confirmEmailChange", token="ec_never") == [("TOKEN_INVALID", ["token"])]
    assert await letters.refused("undoEmailChange", token="eu_never") == [("TOKEN_INVALID", ["token"])]
    assert (await letters.me(token)).data["me"]["email"] == ANN


async def test_a_guest_cannot_ask_for_a_change(letters: Letters) -> None:
    answer = await letters.do("requestEmailChange", newEmail=EVE, password=PASSWORD)

    assert answer.codes == ["UNAUTHENTICATED"]
