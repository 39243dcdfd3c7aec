"""The drill of restores, as users run it, on SQLite and on PostgreSQL."""

from pathlib import Path

import pytest

from app.server.runtime import open_runtime
from tests.privacy.drill import RESTORES, Scratch, play
from tests.shop import Urls, seed_organization


async def _played(scratch: Scratch, **copied: str) -> None:
    try:
        outcomes = [outcome async for outcome in play(scratch, **copied)]
    finally:
        await scratch.drop()
    assert [one.restore.name for one in outcomes] == [one.name for one in RESTORES]
    assert {one.restore.name: one.people for one in outcomes} == {one.name: one.expected for one in RESTORES}


async def test_no_restore_of_files_loses_or_brings_back_anybody(tmp_path: Path) -> None:
    await _played(Scratch(tmp_path, None))


async def test_no_restore_of_dumps_loses_or_brings_back_anybody(postgres_url: str, tmp_path: Path) -> None:
    await _played(Scratch(tmp_path, postgres_url))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "drill").mkdir()
    return tmp_path / "drill"


def _contents(urls: Urls) -> list[bytes]:
    return [Path(url.removeprefix("sqlite:///")).read_bytes() for url in (urls.main, urls.keystore)]


async def test_it_is_played_on_copies_which_stay_as_they_are(sqlite_urls: Urls, folder: Path) -> None:
    async with open_runtime(sqlite_urls.settings()) as runtime:
        await seed_organization(runtime, "first")
    before = _contents(sqlite_urls)

    await _played(Scratch(folder, None), main=sqlite_urls.main, keystore=sqlite_urls.keystore)

    assert _contents(sqlite_urls) == before
