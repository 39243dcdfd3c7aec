"""Tests of retiring key versions, and of the worker's schedule."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.platform.clock import now
from app.platform.vault import retirement
from app.platform.vault.backups import write_backup
from app.platform.vault.master import FileKeyProvider
from app.platform.vault.providers import MasterKeyError
from app.platform.vault.retirement import RetirementRefused
from app.platform.vault.rotation import rotate
from app.platform.vault.schedule import KeySchedule, follow
from app.platform.vault.versions import all_versions
from app.server.worker import jobs
from tests.platform.vault.builders import change, fetch, first_name, open_file_shop, versions_of_rows
from tests.shop import Shop, Urls

DAY = timedelta(days=1)
WEEKLY = KeySchedule(7 * DAY, 7 * DAY)


async def rotate_all(shop: Shop) -> int:
    return await rotate(shop.runtime.store.vault.keystore, shop.runtime.store.vault.ring)


async def retire(shop: Shop, version: int, grace: timedelta = 7 * DAY) -> None:
    vault = shop.runtime.store.vault
    await retirement.retire(vault.keystore, vault.ring, version, grace=grace)


async def states(shop: Shop) -> dict[int, str]:
    return {row.version: row.state for row in await all_versions(shop.runtime.store.vault.keystore)}


async def lines(path: Path) -> frozenset[int]:
    return await FileKeyProvider(path).versions()


async def test_the_current_version_and_one_that_does_not_exist_are_not_retired(urls: Urls) -> None:
    async with open_file_shop(urls) as shop:
        with pytest.raises(RetirementRefused, match="Version 1 is the current one"):
            await retire(shop, 1, timedelta(0))
        with pytest.raises(RetirementRefused, match="There is no version 7"):
            await retire(shop, 7, timedelta(0))

        assert await states(shop) == {1: "current"}
        assert await lines(urls.folder / "master.key") == {1}


async def test_a_version_that_a_key_needs_is_not_retired(urls: Urls) -> None:
    async with open_file_shop(urls) as shop:
        ann = await shop.register("ann@example.org", firstName="Ann")
        await shop.runtime.store.vault.ring.add_version(2)

        with pytest.raises(RetirementRefused, match="Version 1 still wraps keys"):
            await retire(shop, 1, timedelta(0))

        assert await states(shop) == {1: "replaced", 2: "current"}
        assert await lines(urls.folder / "master.key") == {1, 2}
        assert await first_name(shop, ann.token) == "Ann"


async def test_a_version_is_retired_after_a_backup_that_does_not_need_it(urls: Urls, tmp_path: Path) -> None:
    async with open_file_shop(urls) as shop:
        ann = await shop.register("ann@example.org", firstName="Ann")
        vault = shop.runtime.store.vault
        before = await write_backup(vault.keystore, vault.ring, tmp_path / "before")
        await rotate_all(shop)
        with pytest.raises(RetirementRefused, match="No backup of the key store was made since version 1 was replaced"):
            await retire(shop, 1)
        assert await lines(urls.folder / "master.key") == {1, 2}
        after = await write_backup(vault.keystore, vault.ring, tmp_path / "after")
        assert (before.oldest_version, after.oldest_version) == (1, 2)

        await retire(shop, 1)
        await retire(shop, 1)

        assert await states(shop) == {1: "destroyed", 2: "current"}
        assert await fetch(shop, "SELECT wrapped FROM key_versions WHERE version = 1") == [(None,)]
        assert await lines(urls.folder / "master.key") == {2}
        assert set(vault.ring._loaded) == {2}
        vault._ciphers.clear()
        assert await first_name(shop, ann.token) == "Ann"
        assert (await shop.client.get("/readyz")).json() == {"status": "ready"}


async def test_a_version_is_retired_when_the_grace_period_is_over(urls: Urls) -> None:
    async with open_file_shop(urls) as shop:
        await rotate_all(shop)
        await change(shop, "UPDATE key_versions SET replaced_at = '2020-01-01 00:00:00+00:00' WHERE version = 1")

        await retire(shop, 1)

        assert await states(shop) == {1: "destroyed", 2: "current"}


async def test_a_retirement_that_was_interrupted_is_finished(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise MasterKeyError("The provider is away.")

    async with open_file_shop(urls) as shop:
        await rotate_all(shop)
        with monkeypatch.context() as broken:
            broken.setattr(FileKeyProvider, "destroy", away)
            with pytest.raises(MasterKeyError):
                await retire(shop, 1, timedelta(0))
        assert await states(shop) == {1: "retiring", 2: "current"}

        await retire(shop, 1, timedelta(0))

        assert await states(shop) == {1: "destroyed", 2: "current"}
        assert await lines(urls.folder / "master.key") == {2}


async def test_the_worker_rotates_and_retires_when_it_is_due_and_not_before(urls: Urls) -> None:
    async with open_file_shop(urls) as shop:
        ann = await shop.register("ann@example.org", firstName="Ann")
        vault = shop.runtime.store.vault
        # The clock of a virtual machine may be set back by a little while the test runs.
        start = now() - timedelta(minutes=1)

        async def work(moment: timedelta) -> dict[int, str]:
            await follow(vault.keystore, vault.ring, WEEKLY, moment=start + moment)
            return await states(shop)

        async def set_moment(column: str, moment: datetime) -> None:
            embedded = vault.keystore.embedded
            stored = str(moment.replace(tzinfo=None)) if embedded else moment
            await change(shop, f"UPDATE key_versions SET {column} = :moment WHERE version = 1", moment=stored)

        await set_moment("created_at", start)
        assert await work(6 * DAY) == {1: "current"}
        assert await work(7 * DAY) == {1: "replaced", 2: "current"}
        assert await versions_of_rows(shop) == {2}
        await set_moment("replaced_at", start + 7 * DAY)
        await change(shop, "UPDATE key_versions SET created_at = '2120-01-01 00:00:00+00:00' WHERE version = 2")
        assert await work(13 * DAY) == {1: "replaced", 2: "current"}
        rows = await all_versions(vault.keystore)
        assert WEEKLY.irrecoverable_by(rows, version=1) == start + 14 * DAY
        await change(shop, "UPDATE key_versions SET replaced_at = '2020-01-01 00:00:00+00:00' WHERE version = 1")
        assert await work(14 * DAY) == {1: "destroyed", 2: "current"}
        assert WEEKLY.irrecoverable_by(await all_versions(vault.keystore), version=1) is not None
        assert await first_name(shop, ann.token) == "Ann"


async def test_without_an_interval_the_worker_does_nothing(urls: Urls) -> None:
    async with open_file_shop(urls, key_rotation_interval=0) as shop:
        await change(shop, "UPDATE key_versions SET created_at = '2020-01-01 00:00:00+00:00'")
        job = next(job for job in jobs(shop.runtime) if job.name == "keep-key-versions")

        assert await job.run() == 0

        assert await states(shop) == {1: "current"}


async def test_the_jobs_of_the_worker_rotate_and_vacuum(urls: Urls) -> None:
    async with open_file_shop(urls) as shop:
        await shop.register("ann@example.org")
        await change(shop, "UPDATE key_versions SET created_at = '2020-01-01 00:00:00+00:00'")
        found = {job.name: job for job in jobs(shop.runtime)}

        assert await found["keep-key-versions"].run() == len(
            await fetch(shop, "SELECT person_id FROM person_keys UNION ALL SELECT id FROM system_keys")
        )
        assert await found["vacuum-key-store"].run() == 0

        assert await states(shop) == {1: "replaced", 2: "current"}


async def test_metrics_and_readiness_show_the_state_of_key_versions(urls: Urls, tmp_path: Path) -> None:
    async with open_file_shop(urls) as shop:
        vault = shop.runtime.store.vault
        await vault.ring.add_version(2)

        unfinished = (await shop.client.get("/metrics")).text.splitlines()

        assert (await shop.client.get("/readyz")).json() == {"status": "ready", "keyRotation": "unfinished"}
        assert "patron_key_version_current 2.0" in unfinished
        assert "patron_key_rotation_unfinished 1.0" in unfinished
        assert not any(line.startswith("patron_keystore_last_backup") for line in unfinished)

        await rotate_all(shop)
        await write_backup(vault.keystore, vault.ring, tmp_path / "backup")
        await retire(shop, 1)

        finished = (await shop.client.get("/metrics")).text.splitlines()
        assert (await shop.client.get("/readyz")).json() == {"status": "ready"}
        assert 'patron_key_versions{state="current"} 1.0' in finished
        assert 'patron_key_versions{state="replaced"} 0.0' in finished
        assert 'patron_key_versions{state="destroyed"} 1.0' in finished
        assert "patron_key_rotation_unfinished 0.0" in finished
        assert any(line.startswith("patron_keystore_last_backup_timestamp_seconds ") for line in finished)


async def test_versions_of_a_setting_are_left_to_the_operator(shop: Shop) -> None:
    await change(shop, "UPDATE key_versions SET created_at = '2020-01-01 00:00:00+00:00'")
    vault = shop.runtime.store.vault

    assert await follow(vault.keystore, vault.ring, WEEKLY, moment=now()) == 0

    assert await states(shop) == {1: "current"}
