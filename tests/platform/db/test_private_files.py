"""Tests of the files of SQLite: who may read them, and what their logs keep."""

from pathlib import Path

from app.platform.db.engine import Database, DatabaseOptions
from tests.shop import Urls, open_shop


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.glob("*.db*")}


async def test_database_files_and_their_logs_are_for_the_owner_only(sqlite_urls: Urls) -> None:
    (sqlite_urls.folder / "main.db").chmod(0o644)
    async with open_shop(sqlite_urls) as shop:
        await shop.register("ann@example.org")

        found = modes(sqlite_urls.folder)

    assert {"main.db", "main.db-wal", "keystore.db"} <= found.keys()
    assert set(found.values()) == {0o600}


async def test_a_new_database_is_for_the_owner_only(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    await database.ping()
    await database.close()

    assert modes(tmp_path)["new.db"] == 0o600


async def test_the_write_ahead_log_is_emptied_and_nothing_is_lost(sqlite_urls: Urls) -> None:
    log = sqlite_urls.folder / "main.db-wal"
    async with open_shop(sqlite_urls) as shop:
        ann = await shop.register("ann@example.org")
        assert log.stat().st_size > 0

        assert await shop.runtime.store.database.empty_log() is True

        assert log.stat().st_size == 0
        assert (await shop.ask("Me", token=ann.token)).data["me"]["email"] == "ann@example.org"


async def test_the_key_store_keeps_no_log_after_a_transaction(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls) as shop:
        await shop.register("ann@example.org")

        assert [path.name for path in sqlite_urls.folder.glob("keystore.db*")] == ["keystore.db"]
        assert await Database(sqlite_urls.keystore, DatabaseOptions(secure_delete=True)).empty_log() is True
