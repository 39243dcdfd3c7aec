"""Tests of key versions and their rotation, with two processes on one key store."""

import base64
from time import monotonic
from uuid import UUID

import pytest
import structlog

from app.platform.vault import ring as key_ring
from app.platform.vault import rotation
from app.platform.vault.master import generate
from app.platform.vault.providers import MasterKeyError
from app.platform.vault.rotation import Unopenable, rewrap, rotate
from app.platform.vault.tables import PersonKey, SystemKey
from app.server.runtime import open_runtime
from tests.platform.vault.builders import (
    change,
    fetch,
    file_settings,
    first_name,
    open_file_shop,
    versions_of_rows,
    wrapped_keys,
)
from tests.shop import Shop, Urls


def row_id(person_id: str) -> UUID:
    return UUID(base64.urlsafe_b64decode(person_id + "==").decode().partition(":")[2])


async def rotate_all(shop: Shop) -> int:
    vault = shop.runtime.store.vault
    return await rotate(vault.keystore, vault.ring)


async def test_a_rotation_wraps_every_key_again_and_changes_no_data(urls: Urls) -> None:
    async with open_file_shop(urls) as shop:
        ann, bob = await shop.register("ann@example.org", firstName="Ann"), await shop.register("bob@example.org")
        before = await wrapped_keys(shop)
        sealed = await shop.scalar("SELECT count(DISTINCT sealed) FROM customers")

        count = await rotate_all(shop)

        after = await wrapped_keys(shop)
        assert before.keys() == after.keys()
        assert not set(before.values()) & set(after.values())
        assert count == len(before) + len(await fetch(shop, "SELECT id FROM system_keys"))
        assert await versions_of_rows(shop) == {2}
        assert await shop.scalar("SELECT count(DISTINCT sealed) FROM customers") == sealed
        shop.runtime.store.vault._ciphers.clear()
        assert await first_name(shop, ann.token) == "Ann"
        assert (await shop.ask("Me", token=bob.token)).data["me"]["email"] == "bob@example.org"


async def test_a_process_that_knows_the_old_version_only_stores_new_keys_with_the_new_one(urls: Urls) -> None:
    async with open_file_shop(urls) as running, open_runtime(urls.settings(**file_settings(urls))) as other:
        await rotate(other.store.vault.keystore, other.store.vault.ring)
        assert running.runtime.store.vault.ring.current == 1

        ann = await running.register("ann@example.org", firstName="Ann")

        assert running.runtime.store.vault.ring.current == 2
        assert await versions_of_rows(running) == {2}
        assert await first_name(running, ann.token) == "Ann"


async def test_while_a_key_is_being_stored_no_other_version_becomes_current(
    postgres_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_file_shop(postgres_urls) as shop:
        vault = shop.runtime.store.vault
        async with vault.keystore.transaction() as session:
            session.add(await vault.system_key(session, "signing", bytes(32)))
            await session.flush()

            waiting = await fetch(
                shop,
                "SELECT 1 FROM key_versions WHERE version = 1 FOR UPDATE SKIP LOCKED",
            )

        assert waiting == []
        await rotate_all(shop)
        assert await versions_of_rows(shop) == {2}


async def test_an_interrupted_rotation_goes_on_where_keys_are_left(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "_TABLES", rotation._TABLES[:1])
    async with open_file_shop(urls) as shop:
        ann = await shop.register("ann@example.org", firstName="Ann")
        await rotate_all(shop)
        assert await versions_of_rows(shop) == {1, 2}
        assert await fetch(shop, "SELECT version FROM key_versions WHERE rewrapped_at IS NOT NULL") == []
        monkeypatch.undo()
        system_keys = len(await fetch(shop, "SELECT id FROM system_keys"))

        assert await rotate_all(shop) == system_keys

        assert await versions_of_rows(shop) == {2}
        assert await fetch(shop, "SELECT version FROM key_versions WHERE rewrapped_at IS NOT NULL") == [(1,)]
        assert [version for (version,) in await fetch(shop, "SELECT version FROM key_versions ORDER BY 1")] == [1, 2]
        assert await first_name(shop, ann.token) == "Ann"


async def test_a_rotation_reads_every_key_once_whatever_their_number(
    urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    monkeypatch.setattr(
        rotation,
        "_TABLES",
        (
            rotation._statements(PersonKey, PersonKey.person_id),
            rotation._statements(SystemKey, SystemKey.id),
        ),
    )
    async with open_file_shop(urls) as shop:
        for number in range(8):
            await shop.register(f"person{number}@example.org")
        wrapped: list[int] = []

        vault = shop.runtime.store.vault
        done = await rotate(vault.keystore, vault.ring, progress=wrapped.append)

        assert done == wrapped[-1] == 9 + len(await fetch(shop, "SELECT id FROM system_keys"))
        assert max(later - earlier for earlier, later in zip([0, *wrapped], wrapped, strict=False)) == 2
        assert await rewrap(vault.keystore, vault.ring) == 0


async def test_a_key_that_is_destroyed_during_a_rotation_stays_destroyed(urls: Urls) -> None:
    async with open_file_shop(urls) as shop:
        ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org", firstName="Bob")
        vault = shop.runtime.store.vault
        rows = await vault.keystore.rows(rotation._TABLES[0].outdated, after=UUID(int=0), current=2)
        await vault.ring.add_version(2)
        wrapped = await rotation._wrap_again(vault.ring, rows, 2)
        await vault.discard_keys([row_id(ann.id)])

        await rotation._write(vault.keystore, rotation._TABLES[0], wrapped, 2)

        assert len(wrapped) == 3
        assert len(await wrapped_keys(shop)) == 2
        assert await first_name(shop, bob.token) == "Bob"


async def test_one_damaged_key_fails_no_list_and_is_reported_once(urls: Urls) -> None:
    async with open_file_shop(urls) as shop:
        ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
        vault, staff = shop.runtime.store.vault, await shop.staff()
        damaged = row_id(ann.id)
        stored = damaged.hex if vault.keystore.embedded else damaged
        await change(shop, "UPDATE person_keys SET wrapped = :bytes WHERE person_id = :id", bytes=bytes(60), id=stored)
        vault._ciphers.clear()

        with structlog.testing.capture_logs() as logs:
            pages = [
                (await shop.ask("{ customers(first: 10) { nodes { id email } } }", token=staff)).data for _ in range(2)
            ]

        listed = {node["id"]: node["email"] for node in pages[1]["customers"]["nodes"] if node}
        assert listed[bob.id] == "bob@example.org"
        assert listed.get(ann.id) is None
        reports = [line for line in logs if line["event"] == "data_keys_unopenable"]
        assert [(line["count"], line["first"]) for line in reports] == [(1, damaged.hex)]
        with structlog.testing.capture_logs() as logs, pytest.raises(Unopenable, match="1 keys could not be opened"):
            await rotate_all(shop)
        assert [(line["event"], line["version"], line["count"]) for line in logs] == [("keys_not_rewrapped", 1, 1)]
        assert (
            len([1 for (version,) in await fetch(shop, "SELECT master_version FROM person_keys") if version == 1]) == 1
        )
        assert (await fetch(shop, "SELECT rewrapped_at FROM key_versions WHERE version = 1")) == [(None,)]


async def test_a_process_without_a_version_that_is_needed_is_not_ready_and_does_not_start(
    urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = urls.folder / "master.key"
    async with open_file_shop(urls) as shop:
        assert (await shop.client.get("/readyz")).json() == {"status": "ready"}
        path.write_text(f"2:{generate()}\n")
        later = monotonic() + 61
        monkeypatch.setattr(key_ring, "monotonic", lambda: later)

        readiness = await shop.client.get("/readyz")

        assert readiness.status_code == 503
        assert readiness.json() == {"status": "key version missing", "keyVersions": [1]}

    with pytest.raises(MasterKeyError, match="Version 1 of the master key is needed and not there"):
        async with open_runtime(urls.settings(**file_settings(urls))):
            pass
