"""`patron restore`: says what is at stake, and goes on only when it is told to."""

import pytest

from app.privacy.erasure import erase_due
from app.privacy.restores import keep_pair
from tests.privacy.backups import Backups
from tests.privacy.builders import make_due, request
from tests.server.cli.conftest import Patron
from tests.shop import Urls, open_shop


async def _lived(urls: Urls, restored: str | None) -> None:
    """A customer is erased and another one registers after a backup of a database, which is then restored."""
    backups = Backups(urls)
    async with open_shop(urls) as shop:
        ann = await shop.register("ann@example.org")
    await backups.make()
    async with open_shop(urls, shop.organization) as shop:
        for _ in range(3):
            await keep_pair(shop.runtime.store)
        await request(shop, customerId=ann.id)
        await make_due(shop)
        assert await erase_due(shop.runtime.store) == 1
        await shop.register("bob@example.org")
        for _ in range(3):
            await keep_pair(shop.runtime.store)
    if restored:
        await backups.restore(restored)
    await backups.drop()


@pytest.mark.parametrize(
    ("restored", "sentence", "unreadable"),
    [
        (None, "Both databases are of the same moment.", 0),
        ("main", "The main database is older than the key store: no key is destroyed until you confirm.", 0),
        ("keystore", "The key store is older than the main database: nothing is served until you confirm.", 1),
    ],
)
async def test_it_says_which_is_older_and_who_cannot_be_read(
    urls: Urls, patron: Patron, restored: str | None, sentence: str, unreadable: int
) -> None:
    await _lived(urls, restored)

    for _ in range(2):
        checked = await patron("restore", "check")

        assert checked.returncode == 0
        lines = checked.stdout.splitlines()
        assert lines[0] == sentence
        assert f"customers whose key is missing, so that nobody can read them: {unreadable}" in lines
        assert [line.split(" of ")[0].split(":")[0] for line in lines[1:3]] == ["main database", "key store"]

    confirmed = await patron("restore", "confirm")
    assert (confirmed.returncode, confirmed.stdout) == (0, "Both databases are of the same moment.\n")
    again = await patron("restore", "check")
    assert again.stdout.splitlines()[0] == "Both databases are of the same moment."


async def test_databases_that_do_not_belong_together_cannot_be_confirmed(
    urls: Urls, patron: Patron, sqlite_urls: Urls
) -> None:
    await _lived(urls, None)
    other = Urls(sqlite_urls.main, f"sqlite:///{urls.folder / 'other.db'}", urls.folder)
    if urls.main == sqlite_urls.main:
        other = Urls(f"sqlite:///{urls.folder / 'other-main.db'}", other.keystore, urls.folder)
    migrated = await patron("migrate", database_url=other.main, keystore_url=other.keystore)
    assert migrated.returncode == 0, migrated.stderr
    async with open_shop(other):
        pass

    for command in ("check", "confirm"):
        refused = await patron("restore", command, keystore_url=other.keystore)
        assert refused.returncode == 2
        assert "do not belong together" in refused.stderr
        assert "Traceback" not in refused.stderr
