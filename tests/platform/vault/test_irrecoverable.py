"""With a copy of every file from before and after, and today's keys: an erased person is readable until the retirement.

The attacker of this test has the sealed row, all bytes of the key store from before and after (PostgreSQL's heap and
write-ahead log, or SQLite's files), every version key that was ever in it, and the key file as it is now.
"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text

from app.platform.vault import master
from app.platform.vault.backups import write_backup
from app.platform.vault.providers import MasterKeyError
from app.platform.vault.retirement import retire
from app.platform.vault.rotation import rotate
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.wrapping import unwrap
from app.privacy.erasure import erase_due
from tests.platform.vault.builders import fetch, first_name, open_file_shop
from tests.shop import Shop, Urls

WRAPPED_BYTES = 60
SEALED = "SELECT id, sealed FROM customers WHERE sealed IS NOT NULL"


async def main_rows(shop: Shop) -> dict[UUID, bytes]:
    """The sealed rows, as a backup of the main database has them."""
    async with shop.runtime.store.database.engine.connect() as connection:
        rows = await connection.execute(text(SEALED))
        return {UUID(str(row[0])): bytes(row[1]) for row in rows}


async def copies(shop: Shop, urls: Urls) -> bytes:
    """All bytes of the key store, on disk: the whole cluster on PostgreSQL."""
    keystore = shop.runtime.store.vault.keystore
    if keystore.embedded:
        return b"".join(path.read_bytes() for path in sorted(urls.folder.glob("keystore.db*")))
    async with keystore.engine.connect() as connection:
        await connection.exec_driver_sql("CHECKPOINT")
        folder = Path((await connection.exec_driver_sql("SHOW data_directory")).scalar_one())
        database = (
            await connection.exec_driver_sql("SELECT oid FROM pg_database WHERE datname = current_database()")
        ).scalar_one()
    return await asyncio.to_thread(_cluster, folder, database)


def _cluster(folder: Path, database: int) -> bytes:
    if not folder.exists():
        pytest.skip("the server is on another machine")
    files = [*(folder / "base" / str(database)).glob("*"), *(folder / "pg_wal").glob("0*")]
    return b"\n".join(path.read_bytes() for path in files)


async def wrapped_versions(shop: Shop) -> dict[int, bytes]:
    return {
        version: bytes(wrapped)
        for version, wrapped in await fetch(shop, "SELECT version, wrapped FROM key_versions WHERE wrapped IS NOT NULL")
    }


def version_keys(path: Path, wrapped: dict[int, bytes]) -> dict[int, AESGCM]:
    """The version keys that today's key file opens."""
    provider, found = master.FileKeyProvider(path), {}
    for version, value in wrapped.items():
        try:
            key = unwrap(provider._cipher(version), value, subject=master.SUBJECT, version=version)
        except MasterKeyError:
            continue
        found[version] = AESGCM(key)
    return found


def attempts(content: bytes, person: UUID, known: bytes, keys: dict[int, AESGCM]) -> Iterator[DataKeyCipher]:
    """Every data key of the person that the copies and the version keys give."""
    # The attacker may know exactly what to look for: where the wrapped key of the person stood.
    start = content.find(known)
    while start >= 0:
        for version, cipher in keys.items():
            try:
                wrapped = content[start : start + WRAPPED_BYTES]
                yield DataKeyCipher(unwrap(cipher, wrapped, subject=person.hex, version=version))
            except MasterKeyError:
                continue
        start = content.find(known, start + 1)


def opened(rows: dict[UUID, bytes], person: UUID, ciphers: Iterator[DataKeyCipher]) -> list[Any]:
    """What the attacker reads of the person."""
    found = []
    for cipher in ciphers:
        try:
            found.append(cipher.open("customers", person, rows[person]))
        except InvalidTag:
            continue
    return found


async def test_an_erased_person_is_readable_from_copies_before_the_retirement_and_not_after(
    urls: Urls, tmp_path: Path
) -> None:
    path = urls.folder / "master.key"
    async with open_file_shop(urls) as shop:
        ann, bob = (
            await shop.register("ann@example.org", firstName="Ann"),
            await shop.register("bob@example.org", firstName="Bob"),
        )
        vault, rows = shop.runtime.store.vault, await main_rows(shop)
        names = {(await vault.cipher(id_)).open("customers", id_, rows[id_])["first_name"]: id_ for id_ in rows}
        person = names["Ann"]
        keys = await fetch(shop, "SELECT person_id, wrapped FROM person_keys")
        known = next(bytes(wrapped) for id_, wrapped in keys if UUID(str(id_)) == person)
        before, versions = await copies(shop, urls), await wrapped_versions(shop)
        await write_backup(vault.keystore, vault.ring, tmp_path / "old-backup")

        asked = await shop.ask("RequestAnonymization", token=await shop.staff(), customerId=ann.id)
        assert asked.payload("requestAnonymization")
        await erase_due(shop.runtime.store)
        await rotate(vault.keystore, vault.ring)
        await write_backup(vault.keystore, vault.ring, tmp_path / "new-backup")
        after = await copies(shop, urls)
        versions |= await wrapped_versions(shop)
        everything = before + after

        today = version_keys(path, versions)
        assert today.keys() == {1, 2}
        assert opened(rows, person, attempts(everything, person, known, today))[0]["first_name"] == "Ann"

        await retire(vault.keystore, vault.ring, 1, grace=timedelta(days=7))

        everything += await copies(shop, urls) + path.read_bytes()
        today = version_keys(path, versions | await wrapped_versions(shop))
        assert today.keys() == {2}
        assert known in everything
        assert opened(rows, person, attempts(everything, person, known, today)) == []
        assert await first_name(shop, bob.token) == "Bob"
