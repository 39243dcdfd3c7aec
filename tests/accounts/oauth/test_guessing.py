"""Tests of guesses at the token endpoint: counted by source unless the client proves that it is a server."""

from typing import Any

import httpx

from app.identity.guessing.policy import Allowance, GuessingPolicy
from tests.accounts.oauth.forms import credentials, refusal_of, send
from tests.shop import PASSWORD, Shop


def tighten(shop: Shop) -> None:
    """Three wrong guesses of a name, eight of a source."""
    policy = shop.runtime.services.get(GuessingPolicy)
    for name, free in {"account": 3, "source": 8}.items():
        object.__setattr__(policy, name, Allowance(free))


async def guess(shop: Shop, number: int, password: str = "a wrong password", **form: Any) -> httpx.Response:
    who = f"somebody{number}@example.org" if number else "ann@example.org"
    return await send(shop, grant_type="password", username=who, password=password, **form)


async def test_a_publishable_client_is_slowed_by_its_source(shop: Shop) -> None:
    tighten(shop)
    await shop.register("ann@example.org")
    form = {"client_id": str(shop.organization.storefront_id)}

    answers = [await guess(shop, number, **form) for number in range(1, 11)]

    assert [refusal_of(answer) for answer in answers] == [(400, "invalid_grant")] * 8 + [
        (429, "temporarily_unavailable")
    ] * 2
    assert (await guess(shop, 0, PASSWORD, **form)).status_code == 429


async def test_a_confidential_client_sends_the_guesses_of_many_people(shop: Shop) -> None:
    tighten(shop)
    await shop.register("ann@example.org")
    form = credentials(shop.organization)

    answers = [await guess(shop, number, **form) for number in range(1, 11)]

    assert [refusal_of(answer) for answer in answers] == [(400, "invalid_grant")] * 10
    assert (await guess(shop, 0, PASSWORD, **form)).status_code == 200


async def test_a_known_device_is_known_here_too(shop: Shop) -> None:
    tighten(shop)
    await shop.register("ann@example.org")
    login = """mutation { login(input: { identifier: "ann@example.org", password: "a quiet green bicycle" }) {
        deviceToken userErrors { code } } }"""
    device = (await shop.ask(login)).payload("login")["deviceToken"]
    form = {"client_id": str(shop.organization.storefront_id)}
    for _ in range(3):
        await guess(shop, 0, **form)

    assert (await guess(shop, 0, PASSWORD, **form)).status_code == 429
    assert (await guess(shop, 0, PASSWORD, headers={"x-device-token": device}, **form)).status_code == 200
