"""Tests of master keys in a file."""

from pathlib import Path

import pytest

from app.platform.vault.master import FileKeyProvider, TextKeyProvider, generate
from app.platform.vault.providers import MasterKeyError


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_a_version_that_was_destroyed_unwraps_nothing_and_its_key_is_in_no_file(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    provider = FileKeyProvider(path, create=True)
    await provider.add(2)
    first, second = path.read_text().splitlines()
    kept = path.open("rb")
    wrapped = {version: await provider.wrap(version, bytes(32)) for version in (1, 2)}

    await provider.destroy(1)
    await provider.destroy(1)

    assert path.read_text() == second + "\n"
    assert mode(path) == 0o600
    with kept:  # the old file, as a disk would still have it
        assert first.partition(":")[2].encode() not in kept.read()
    assert await provider.versions() == {2}
    assert await provider.unwrap(2, wrapped[2]) == bytes(32)
    with pytest.raises(MasterKeyError, match="Version 1 of the master key is needed and not there"):
        await provider.unwrap(1, wrapped[1])


def test_folders_of_a_new_file_are_made(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "patron" / "master.key"

    FileKeyProvider(path, create=True)

    assert path.read_text().startswith("1:")
    assert mode(path) == 0o600


async def test_adding_a_version_twice_keeps_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    provider = FileKeyProvider(path, create=True)

    await provider.add(2)
    before = path.read_text()
    await provider.add(2)

    assert path.read_text() == before
    assert await FileKeyProvider(path).versions() == {1, 2}


@pytest.mark.parametrize("others", [0o644, 0o640, 0o660, 0o604])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, others: int) -> None:
    path = tmp_path / "master.key"
    path.write_text(f"1:{generate()}\n")
    path.chmod(others)

    with pytest.raises(MasterKeyError, match=f"mode {others:o}.*Run `chmod 600"):
        FileKeyProvider(path)


def test_a_file_that_its_owner_may_only_read_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_text(f"1:{generate()}\n")
    path.chmod(0o400)

    FileKeyProvider(path)


async def test_versions_of_a_setting_are_added_and_removed_by_the_operator() -> None:
    provider = TextKeyProvider(f"1:{generate()},2:{generate()}")

    assert await provider.versions() == {1, 2}
    await provider.add(2)
    await provider.destroy(3)
    with pytest.raises(MasterKeyError, match="PATRON_MASTER_KEY has no version 3"):
        await provider.add(3)
    with pytest.raises(MasterKeyError, match="PATRON_MASTER_KEY still has version 1"):
        await provider.destroy(1)
