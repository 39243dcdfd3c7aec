"""Tests of backups of the key store."""

from pathlib import Path

import pytest
from sqlalchemy import select

from app.platform.vault import backups
from app.platform.vault.backups import BadBackup, restore_backup, write_backup
from app.platform.vault.providers import MasterKeyError
from app.platform.vault.ring import KeyRing
from app.platform.vault.rotation import rotate
from app.platform.vault.tables import keystore_metadata
from app.server.runtime import databases, key_providers
from tests.platform.vault.builders import change, fetch, file_settings, first_name, open_file_shop, wrapped_keys
from tests.shop import Shop, Urls


async def back_up(shop: Shop, path: Path) -> backups.Backup:
    vault = shop.runtime.store.vault
    return await write_backup(vault.keystore, vault.ring, path)


async def empty(shop: Shop) -> None:
    for table in keystore_metadata.sorted_tables:
        await change(shop, f"DELETE FROM {table.name}")


async def restore(urls: Urls, path: Path) -> backups.Backup:
    settings = urls.settings(**file_settings(urls))
    main, keystore = databases(settings)
    try:
        return await restore_backup(keystore, KeyRing(keystore, key_providers(settings), "local"), path)
    finally:
        await main.close()
        await keystore.close()


async def test_a_restored_backup_opens_what_the_key_store_opened(urls: Urls, tmp_path: Path) -> None:
    path = tmp_path / "keystore.backup"
    async with open_file_shop(urls) as shop:
        ann, bob = await shop.register("ann@example.org", firstName="Ann"), await shop.register("bob@example.org")
        organization, keys = shop.organization, await wrapped_keys(shop)
        written = await back_up(shop, path)
        assert path.stat().st_mode & 0o777 == 0o600
        assert await fetch(shop, "SELECT oldest_version, row_count FROM keystore_backups") == [(1, written.row_count)]
        content = path.read_bytes()
        assert not any(key in content for key in keys.values())
        await empty(shop)

    restored = await restore(urls, path)

    assert restored == written
    async with open_file_shop(urls, organization) as shop:
        assert await wrapped_keys(shop) == keys
        assert await first_name(shop, ann.token) == "Ann"
        assert (await shop.ask("Me", token=bob.token)).data["me"]["email"] == "bob@example.org"


@pytest.mark.parametrize("damage", ["flip", "cut", "cut-chunk", "swap", "append", "other"])
async def test_a_damaged_backup_restores_nothing(
    urls: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(backups, "CHUNK_BYTES", 200)
    path = tmp_path / "keystore.backup"
    async with open_file_shop(urls) as shop:
        await shop.register("ann@example.org")
        await back_up(shop, path)
        await empty(shop)
    path.write_bytes(_damaged(path.read_bytes(), damage))

    with pytest.raises(BadBackup):
        await restore(urls, path)

    # Not through a runtime: it refuses an empty key store beside a main database that is not.
    main, keystore = databases(urls.settings(**file_settings(urls)))
    async with keystore.engine.connect() as connection:
        for table in keystore_metadata.sorted_tables:
            assert (await connection.execute(select(table))).all() == []
    await main.close()
    await keystore.close()


def _damaged(content: bytes, damage: str) -> bytes:
    header = content.index(b"\n", content.index(b"\n") + 1) + 1
    chunks, start = [], header
    while start < len(content):
        length = 4 + int.from_bytes(content[start : start + 4], "big")
        chunks.append(content[start : start + length])
        start += length
    assert len(chunks) > 2
    return {
        "flip": content[:-20] + bytes([content[-20] ^ 1]) + content[-19:],
        "cut": content[:-1],
        "cut-chunk": content[: -len(chunks[-1])],
        "swap": content[:header] + b"".join([chunks[1], chunks[0], *chunks[2:]]),
        "append": content + chunks[-1],
        "other": b"something else\n",
    }[damage]


async def test_a_key_store_with_rows_is_not_overwritten(urls: Urls, tmp_path: Path) -> None:
    path = tmp_path / "keystore.backup"
    async with open_file_shop(urls) as shop:
        await back_up(shop, path)
        ann = await shop.register("ann@example.org", firstName="Ann")

        with pytest.raises(BadBackup, match="The key store is not empty"):
            await restore(urls, path)

        assert await first_name(shop, ann.token) == "Ann"


async def test_a_backup_of_a_destroyed_version_cannot_be_opened_with_todays_keys(urls: Urls, tmp_path: Path) -> None:
    path = tmp_path / "keystore.backup"
    async with open_file_shop(urls) as shop:
        vault = shop.runtime.store.vault
        await back_up(shop, path)
        await rotate(vault.keystore, vault.ring)
        await vault.ring.provider.destroy(1)
        await empty(shop)

    with pytest.raises(MasterKeyError, match="Version 1 of the master key is needed and not there"):
        await restore(urls, path)


async def test_a_file_that_exists_is_not_overwritten_and_nothing_is_recorded(urls: Urls, tmp_path: Path) -> None:
    path = tmp_path / "keystore.backup"
    path.write_text("precious")
    async with open_file_shop(urls) as shop:
        with pytest.raises(FileExistsError):
            await back_up(shop, path)

        assert await fetch(shop, "SELECT id FROM keystore_backups") == []
    assert path.read_text() == "precious"
