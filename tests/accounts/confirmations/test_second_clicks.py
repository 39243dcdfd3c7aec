"""A proof that is used twice, or five times at once: one login, which ends like any other."""

import asyncio
from typing import Any

import pytest

from tests.accounts.confirmations.storefront import Storefront
from tests.shop import Shop

VERIFY = """mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) {
    email nextStep customer { id } tokens { accessToken refreshToken } userErrors { code } } }"""
REFRESH = """mutation ($token: String!) { refreshToken(input: { refreshToken: $token }) {
    tokens { accessToken } userErrors { code } } }"""
LOGOUT = "mutation { logout { userErrors { code } } }"
ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.fixture
async def verified_shop(shop: Shop) -> Storefront:
    """Of an organization that wants addresses proven, with a bystander who is logged in."""
    storefront = Storefront(shop, await shop.create_organization("careful", require_verified_email=True))
    await storefront.elsewhere().register_verified(BOB)
    (await storefront.register(ANN)).payload("register")
    return storefront


async def verify(storefront: Storefront) -> dict[str, Any]:
    token = (await storefront.mail_values("VERIFY_EMAIL", ANN))["token"]
    given = {"token": token, "registrationToken": storefront.registration_tokens[ANN]}
    answer = await storefront.shop.ask(VERIFY, organization=storefront.organization, input=given)
    found: dict[str, Any] = answer.payload("verifyEmail")
    return found


async def sessions(storefront: Storefront) -> int:
    return await storefront.shop.count("login_sessions", "ended_at IS NULL AND customer_id IS NOT NULL")


async def test_five_at_once_are_one_login_whose_answers_all_work(verified_shop: Storefront) -> None:
    before = await sessions(verified_shop)

    answers = await asyncio.gather(*(verify(verified_shop) for _ in range(5)))

    assert await sessions(verified_shop) == before + 1
    assert [one["nextStep"] for one in answers] == ["DONE"] * 5
    for one in answers:
        assert (await verified_shop.me(one["tokens"]["accessToken"])).data["me"]["email"] == ANN
        refreshed = await verified_shop.shop.post(
            {"query": REFRESH, "variables": {"token": one["tokens"]["refreshToken"]}},
            **{"x-api-key": verified_shop.organization.key},
        )
        assert refreshed.payload("refreshToken")["tokens"]
    assert await sessions(verified_shop) == before + 1


async def test_after_a_logout_a_second_click_logs_nobody_in(verified_shop: Storefront) -> None:
    before = await sessions(verified_shop)
    first = await verify(verified_shop)
    token = first["tokens"]["accessToken"]
    (await verified_shop.shop.ask(LOGOUT, organization=verified_shop.organization, token=token)).payload("logout")

    second = await verify(verified_shop)

    assert (second["nextStep"], second["tokens"], second["customer"]) == ("LOG_IN", None, None)
    assert second["email"] == ANN
    assert await sessions(verified_shop) == before
