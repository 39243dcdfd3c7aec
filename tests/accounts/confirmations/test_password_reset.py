"""A new password for somebody who forgot the old one."""

from tests.accounts.confirmations.test_verification import ANN, WRONG, let_expire
from tests.accounts.confirmations.words import NEW_PASSWORD, Letters
from tests.house import PASSWORD


def choice(token: str, password: str = NEW_PASSWORD, confirmation: str | None = None) -> dict[str, str]:
    return {"token": token, "password": password, "passwordConfirmation": confirmation or password}


async def asked(letters: Letters, email: str = ANN) -> str:
    await letters.done("requestPasswordReset", email=email)
    return (await letters.last("RESET_PASSWORD", email))["token"]


async def test_a_reset_sets_the_password_ends_every_session_and_is_told_by_mail(letters: Letters) -> None:
    first, second = await letters.member(ANN), await letters.token(ANN)

    await letters.done("resetPassword", **choice(await asked(letters)))

    assert [(await letters.me(token)).status for token in (first, second)] == [401, 401]
    assert (await letters.login(ANN)).refusals("login") == WRONG
    await letters.token(ANN, NEW_PASSWORD)
    assert (await letters.kinds())[-1] == ("PASSWORD_CHANGED", ANN)
    assert (await letters.house.audit())[-3:-1] == ["customer.password_reset", "session.refused"]


async def test_a_token_resets_once_and_only_the_newest_does(letters: Letters) -> None:
    await letters.member(ANN)
    older, newer = await asked(letters), await asked(letters)

    assert await letters.refused("resetPassword", **choice(older)) == [("TOKEN_INVALID", ["token"])]
    await letters.done("resetPassword", **choice(newer))
    assert await letters.refused("resetPassword", **choice(newer, PASSWORD)) == [("TOKEN_INVALID", ["token"])]


async def test_an_expired_token_changes_nothing(letters: Letters) -> None:
    await letters.member(ANN)
    token = await asked(letters)
    await let_expire(letters.house)
    before = await letters.house.counts()

    assert await letters.refused("resetPassword", **choice(token)) == [("TOKEN_EXPIRED", ["token"])]

    assert await letters.house.counts() == before
    await letters.token(ANN)


async def test_a_password_that_cannot_be_had_leaves_the_token_usable(letters: Letters) -> None:
    await letters.member(ANN)
    token = await asked(letters)

    assert await letters.refused("resetPassword", **choice(token, "short", "other")) == [
        ("PASSWORD_TOO_WEAK", ["password"]),
        ("PASSWORD_MISMATCH", ["passwordConfirmation"]),
    ]
    assert await letters.refused("resetPassword", **choice(token, ANN)) == [("PASSWORD_TOO_WEAK", ["password"])]

    await letters.done("resetPassword", **choice(token))


async def test_a_wrong_token_costs_no_hash(letters: Letters) -> None:
    hasher = letters.hasher
    before = hasher.hashes

    assert await letters.refused("resetPassword", **choice("pr_wrong")) == [("TOKEN_INVALID", ["token"])]

    assert hasher.hashes == before


async def test_a_reset_proves_the_address_and_voids_what_was_claimed_with_it(letters: Letters) -> None:
    await letters.register(ANN, "the attacker's own words")
    claimed = (await letters.last("VERIFY_EMAIL", ANN))["token"]

    await letters.done("resetPassword", **choice(await asked(letters)))

    assert await letters.refused("verifyEmail", token=claimed) == [("TOKEN_INVALID", ["token"])]
    await letters.token(ANN, NEW_PASSWORD)


async def test_a_reset_stops_an_email_change_that_was_asked_for(letters: Letters) -> None:
    thief = await letters.member(ANN)
    await letters.done("requestEmailChange", bearer=thief, newEmail="eve@example.org", password=PASSWORD)
    change = (await letters.last("CONFIRM_NEW_EMAIL", "eve@example.org"))["token"]

    await letters.done("resetPassword", **choice(await asked(letters)))

    assert await letters.refused("confirmEmailChange", token=change) == [("TOKEN_INVALID", ["token"])]


async def test_a_changed_password_voids_the_reset_that_was_mailed_and_is_told_by_mail(letters: Letters) -> None:
    token = await letters.member(ANN)
    reset = await asked(letters)
    given = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, "newPasswordConfirmation": NEW_PASSWORD}

    await letters.done("changePassword", bearer=token, **given)

    assert (await letters.kinds())[-1] == ("PASSWORD_CHANGED", ANN)
    assert await letters.refused("resetPassword", **choice(reset, PASSWORD)) == [("TOKEN_INVALID", ["token"])]


async def test_a_malformed_address_is_refused(letters: Letters) -> None:
    before = await letters.house.counts()

    assert await letters.refused("requestPasswordReset", email="ann") == [("INVALID", ["email"])]
    assert await letters.refused("requestPasswordReset", email=" ") == [("REQUIRED", ["email"])]
    assert await letters.refused("requestLoginNameReminder", email="ann") == [("INVALID", ["email"])]

    assert await letters.house.counts() == before


async def test_who_has_no_login_name_is_reminded_of_the_address(letters: Letters) -> None:
    await letters.member(ANN)

    await letters.done("requestLoginNameReminder", email=ANN.upper())

    assert await letters.last("LOGIN_NAME_REMINDER", ANN) == {"login_name": ANN}


async def test_a_replayed_refresh_token_is_told_by_mail(letters: Letters) -> None:
    await letters.member(ANN)
    tokens = (await letters.login(ANN)).payload("login")["tokens"]
    (await letters.house.ask("RefreshToken", shop=letters.shop, refreshToken=tokens["refreshToken"])).payload(
        "refreshToken"
    )
    await letters.let_grace_pass()

    again = await letters.house.ask("RefreshToken", shop=letters.shop, refreshToken=tokens["refreshToken"])

    assert [code for code, _ in again.refusals("refreshToken")] == ["TOKEN_INVALID"]
    assert (await letters.kinds())[-1] == ("SESSION_REPLAYED", ANN)
