"""The commands for key versions and backups, from the first rotation to a restore."""

from pathlib import Path

import pytest

from app.platform.vault.epochs import NotOfOneMoment
from app.platform.vault.versions import all_versions
from app.server.worker import jobs
from tests import postgres
from tests.platform.vault.builders import first_name, open_file_shop, versions_of_rows
from tests.server.cli.conftest import Patron
from tests.shop import Urls


async def test_keys_are_rotated_backed_up_and_retired_beside_a_running_shop(
    urls: Urls, patron: Patron, tmp_path: Path
) -> None:
    files = {"master_key": "", "master_key_file": str(urls.folder / "master.key")}
    backup = tmp_path / "keystore.backup"
    async with open_file_shop(urls) as shop:
        ann = await shop.register("ann@example.org", firstName="Ann")

        rotated = await patron("keys", "rotate", **files)
        refused = await patron("keys", "retire", "1", **files)
        written = await patron("keystore", "backup", str(backup), **files)
        again = await patron("keystore", "backup", str(backup), **files)
        retired = await patron("keys", "retire", "1", **files)
        shown = await patron("keys", "status", **files)

        assert rotated.returncode == 0, rotated.stderr
        assert "with version 2" in rotated.stdout
        assert (refused.returncode, "No backup of the key store" in refused.stderr) == (2, True)
        assert written.stdout.endswith("it needs key version 2\n"), written.stderr
        assert (again.returncode, again.stderr) == (2, f"{backup}: File exists\n")
        assert retired.stdout.startswith("version 1 was destroyed at 20"), retired.stderr
        assert [word for word in shown.stdout.split() if word in {"current", "destroyed"}].count("current") == 1
        assert "last backup of the key store: 20" in shown.stdout
        assert await versions_of_rows(shop) == {2}
        shop.runtime.store.vault._ciphers.clear()
        assert await first_name(shop, ann.token) == "Ann"

    refused = await patron("keystore", "restore", str(backup), **files)
    assert (refused.returncode, "The key store is not empty" in refused.stderr) == (2, True)


async def test_a_lost_key_store_is_restored_from_a_backup(
    sqlite_urls: Urls, postgres_url: str, patron: Patron, tmp_path: Path
) -> None:
    files = {
        "database_url": sqlite_urls.main,
        "keystore_url": sqlite_urls.keystore,
        "master_key": "",
        "master_key_file": str(sqlite_urls.folder / "master.key"),
    }
    async with open_file_shop(sqlite_urls) as shop:
        ann = await shop.register("ann@example.org", firstName="Ann")
        written = await patron("keystore", "backup", str(tmp_path / "backup"), **files)
        assert written.returncode == 0, written.stderr
    await postgres.execute(postgres_url, "DROP DATABASE IF EXISTS restored WITH (FORCE)")
    await postgres.execute(postgres_url, "CREATE DATABASE restored")
    moved = {**files, "keystore_url": postgres.database(postgres_url, "restored")}

    assert (await patron("migrate", **moved)).returncode == 0
    restored = await patron("keystore", "restore", str(tmp_path / "backup"), **moved)

    assert restored.stdout.startswith("restored "), restored.stderr
    urls = Urls(sqlite_urls.main, moved["keystore_url"], sqlite_urls.folder)
    async with open_file_shop(urls, shop.organization) as again:
        assert await first_name(again, ann.token) == "Ann"


async def test_no_version_is_destroyed_while_the_databases_are_not_of_one_moment(
    urls: Urls, patron: Patron, tmp_path: Path
) -> None:
    files = {"master_key": "", "master_key_file": str(urls.folder / "master.key")}
    async with open_file_shop(urls) as shop:
        ann = await shop.register("ann@example.org", firstName="Ann")
        assert (await patron("keys", "rotate", **files)).returncode == 0
        assert (await patron("keystore", "backup", str(tmp_path / "backup"), **files)).returncode == 0
        # As after a restore of an older main database.
        await shop.execute("UPDATE main_epoch SET epoch = epoch - 5")

        refused = await patron("keys", "retire", "1", **files)
        (job,) = [job for job in jobs(shop.runtime) if job.name == "keep-key-versions"]
        with pytest.raises(NotOfOneMoment):
            await job.run()

        assert (refused.returncode, "MAIN_OLDER" in refused.stderr) == (2, True), refused.stderr
        version = next(one for one in await all_versions(shop.runtime.store.vault.keystore) if one.version == 1)
        assert version.destroyed_at is None
        assert await first_name(shop, ann.token) == "Ann"
