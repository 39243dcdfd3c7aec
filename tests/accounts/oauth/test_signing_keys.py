"""Tests of the rotation of signing keys without interruption."""

from time import monotonic

import jwt
import pytest
from sqlalchemy import text

from app.identity.sessions import signing
from app.identity.sessions.signing import SigningKeys
from app.server.runtime import open_runtime
from tests.shop import Shop, Urls, open_shop


async def rows(shop: Shop, statement: str) -> None:
    async with shop.runtime.store.vault.keystore.engine.begin() as connection:
        await connection.execute(text(statement))


async def kid_of_a_new_token(shop: Shop) -> str:
    token = await shop.integration()
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


async def test_a_new_key_is_published_before_it_signs(shop: Shop) -> None:
    keys = shop.runtime.services.get(SigningKeys)
    before = await shop.integration()
    old = jwt.get_unverified_header(before)["kid"]

    new = await keys.rotate()

    assert {key["kid"] for key in (await keys.jwk_set())["keys"]} == {old, new}
    await rows(shop, "UPDATE system_keys SET created_at = '2020-01-01 00:00:00+00:00' WHERE purpose = 'signing'")
    await keys.load()
    assert await kid_of_a_new_token(shop) == new
    assert (await shop.ask("Viewer", token=before)).data["viewer"]["kind"] == "INTEGRATION"


async def test_until_then_the_retired_key_signs_and_its_tokens_are_good(shop: Shop) -> None:
    old = await kid_of_a_new_token(shop)
    await rows(shop, "UPDATE system_keys SET created_at = '2020-01-01 00:00:00+00:00' WHERE purpose = 'signing'")

    await shop.runtime.services.get(SigningKeys).rotate()

    token = await shop.integration()
    assert jwt.get_unverified_header(token)["kid"] == old
    assert (await shop.ask("Viewer", token=token)).data["viewer"]["kind"] == "INTEGRATION"


async def test_a_process_that_was_running_signs_with_the_key_another_one_made(
    urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_shop(urls) as running, open_runtime(urls.settings()) as other:
        new = await other.services.get(SigningKeys).rotate()
        await rows(running, "UPDATE system_keys SET created_at = '2020-01-01 00:00:00+00:00' WHERE purpose = 'signing'")
        assert await kid_of_a_new_token(running) != new

        later = monotonic() + 31
        monkeypatch.setattr(signing, "monotonic", lambda: later)

        assert await kid_of_a_new_token(running) == new


async def test_a_retired_key_is_forgotten_when_no_token_of_it_can_be_valid(urls: Urls) -> None:
    async with open_shop(urls) as shop:
        keys = shop.runtime.services.get(SigningKeys)
        old = await kid_of_a_new_token(shop)
        new = await keys.rotate()
        assert {key["kid"] for key in (await keys.jwk_set())["keys"]} == {old, new}

        await rows(shop, "UPDATE system_keys SET retired_at = '2020-01-01 00:00:00+00:00' WHERE retired_at IS NOT NULL")

        assert [key["kid"] for key in (await keys.jwk_set())["keys"]] == [new]
