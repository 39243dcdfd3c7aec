"""Tests of the password reset, the login name reminder and the mails about account security."""

from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.accounts.confirmations.test_verification import ANN, WRONG, let_expire
from tests.shop import PASSWORD


def reset_input(token: str, password: str = NEW_PASSWORD, confirmation: str | None = None) -> dict[str, str]:
    return {"token": token, "password": password, "passwordConfirmation": confirmation or password}


async def request_reset(storefront: Storefront, email: str = ANN) -> str:
    await storefront.succeed("requestPasswordReset", email=email)
    return (await storefront.mail_values("RESET_PASSWORD", email))["token"]


async def test_a_reset_sets_the_password_ends_every_session_and_is_announced_by_mail(storefront: Storefront) -> None:
    first, second = await storefront.register_verified(ANN), await storefront.token(ANN)

    await storefront.succeed("resetPassword", **reset_input(await request_reset(storefront)))

    assert [(await storefront.me(token)).status for token in (first, second)] == [401, 401]
    assert (await storefront.login(ANN)).refusals("login") == WRONG
    await storefront.token(ANN, NEW_PASSWORD)
    assert (await storefront.mail_kinds())[-1] == ("PASSWORD_CHANGED", ANN)
    assert (await storefront.shop.audit())[-3:-1] == ["customer.password_reset", "session.refused"]


async def test_each_of_the_last_links_resets_once_and_voids_the_others(storefront: Storefront) -> None:
    await storefront.register_verified(ANN)
    older, newer = await request_reset(storefront), await request_reset(storefront)

    await storefront.succeed("resetPassword", **reset_input(older))

    for token in (older, newer):
        assert await storefront.refusals_of("resetPassword", **reset_input(token, PASSWORD)) == [
            ("TOKEN_INVALID", ["token"])
        ]
    await storefront.token(ANN, NEW_PASSWORD)


async def test_an_expired_token_changes_nothing(storefront: Storefront) -> None:
    await storefront.register_verified(ANN)
    token = await request_reset(storefront)
    await let_expire(storefront.shop)
    before = await storefront.shop.counts()

    assert await storefront.refusals_of("resetPassword", **reset_input(token)) == [("TOKEN_EXPIRED", ["token"])]

    assert await storefront.shop.counts() == before
    await storefront.token(ANN)


async def test_a_refused_password_leaves_the_token_usable(storefront: Storefront) -> None:
    await storefront.register_verified(ANN)
    token = await request_reset(storefront)

    assert await storefront.refusals_of("resetPassword", **reset_input(token, "short", "other")) == [
        ("PASSWORD_TOO_WEAK", ["password"]),
        ("PASSWORD_MISMATCH", ["passwordConfirmation"]),
    ]
    assert await storefront.refusals_of("resetPassword", **reset_input(token, ANN)) == [
        ("PASSWORD_TOO_WEAK", ["password"])
    ]

    await storefront.succeed("resetPassword", **reset_input(token))


async def test_a_token_is_nothing_in_another_organization_whatever_else_is_wrong(storefront: Storefront) -> None:
    await storefront.register_verified(ANN)
    token = await request_reset(storefront)
    other = await storefront.shop.create_organization("other")

    refused = await storefront.mutate("resetPassword", organization=other, **reset_input(token, "short", "other"))

    assert refused.refusals("resetPassword") == [("TOKEN_INVALID", ["token"])]
    await storefront.succeed("resetPassword", **reset_input(token))


async def test_a_wrong_token_costs_no_hash(storefront: Storefront) -> None:
    hasher = storefront.hasher
    before = hasher.hashes

    assert await storefront.refusals_of("resetPassword", **reset_input("pr_wrong")) == [("TOKEN_INVALID", ["token"])]

    assert hasher.hashes == before


async def test_a_reset_proves_the_address_and_voids_what_was_registered_with_it(storefront: Storefront) -> None:
    await storefront.register(ANN, "the attacker's own words")
    claimed = (await storefront.mail_values("VERIFY_EMAIL", ANN))["token"]

    await storefront.succeed("resetPassword", **reset_input(await request_reset(storefront)))

    assert await storefront.refusals_of("verifyEmail", token=claimed) == [("TOKEN_INVALID", ["token"])]
    await storefront.token(ANN, NEW_PASSWORD)


async def test_a_reset_with_another_login_name_than_the_customer_has_is_refused(storefront: Storefront) -> None:
    await storefront.register(ANN, loginName="archer")
    await storefront.succeed("verifyEmail", token=(await storefront.mail_values("VERIFY_EMAIL", ANN))["token"])
    token = await request_reset(storefront)

    refused = await storefront.refusals_of("resetPassword", **reset_input(token), loginName="fletcher")

    assert refused == [("NOT_ALLOWED", ["loginName"])]
    await storefront.token("archer")
    await storefront.succeed("resetPassword", **reset_input(token), loginName="Archer")
    await storefront.token("archer", NEW_PASSWORD)


async def test_a_reset_revokes_a_requested_email_change(storefront: Storefront) -> None:
    thief = await storefront.register_verified(ANN)
    await storefront.succeed("requestEmailChange", bearer=thief, newEmail="eve@example.org", password=PASSWORD)
    change = (await storefront.mail_values("CONFIRM_NEW_EMAIL", "eve@example.org"))["token"]

    await storefront.succeed("resetPassword", **reset_input(await request_reset(storefront)))

    assert await storefront.refusals_of("confirmEmailChange", token=change) == [("TOKEN_INVALID", ["token"])]


async def test_a_changed_password_voids_the_reset_that_was_mailed_and_is_announced_by_mail(
    storefront: Storefront,
) -> None:
    token = await storefront.register_verified(ANN)
    reset = await request_reset(storefront)
    given = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, "newPasswordConfirmation": NEW_PASSWORD}

    await storefront.succeed("changePassword", bearer=token, **given)

    assert (await storefront.mail_kinds())[-1] == ("PASSWORD_CHANGED", ANN)
    assert await storefront.refusals_of("resetPassword", **reset_input(reset, PASSWORD)) == [
        ("TOKEN_INVALID", ["token"])
    ]


async def test_a_malformed_address_is_refused(storefront: Storefront) -> None:
    before = await storefront.shop.counts()

    assert await storefront.refusals_of("requestPasswordReset", email="ann") == [("INVALID", ["email"])]
    assert await storefront.refusals_of("requestPasswordReset", email=" ") == [("REQUIRED", ["email"])]
    assert await storefront.refusals_of("requestLoginNameReminder", email="ann") == [("INVALID", ["email"])]

    assert await storefront.shop.counts() == before


async def test_a_customer_without_login_name_is_reminded_of_the_address(storefront: Storefront) -> None:
    await storefront.register_verified(ANN)

    await storefront.succeed("requestLoginNameReminder", email=ANN.upper())

    assert await storefront.mail_values("LOGIN_NAME_REMINDER", ANN) == {"login_name": ANN}


async def test_a_replayed_refresh_token_is_announced_by_mail(storefront: Storefront) -> None:
    await storefront.register_verified(ANN)
    tokens = (await storefront.login(ANN)).payload("login")["tokens"]
    (
        await storefront.shop.ask(
            "RefreshToken", organization=storefront.organization, refreshToken=tokens["refreshToken"]
        )
    ).payload("refreshToken")
    await storefront.let_grace_pass()

    again = await storefront.shop.ask(
        "RefreshToken", organization=storefront.organization, refreshToken=tokens["refreshToken"]
    )

    assert [code for code, _ in again.refusals("refreshToken")] == ["TOKEN_INVALID"]
    assert (await storefront.mail_kinds())[-1] == ("SESSION_REPLAYED", ANN)
