"""Migrations: the newest revision, and when a database is current."""

import pytest
from alembic.script import ScriptDirectory

from app.platform.db.engine import Database
from app.platform.db.migrating import migrate
from app.platform.db.revisions import DatabaseKind, head_revision, is_current
from app.platform.db.upgrading import alembic_config
from tests.shop import Urls


@pytest.mark.parametrize("kind", DatabaseKind)
def test_the_newest_version_is_the_one_alembic_calls_head(kind: DatabaseKind) -> None:
    assert head_revision(kind) == ScriptDirectory.from_config(alembic_config(kind)).get_current_head()


async def test_an_empty_database_is_not_current_and_a_migrated_one_is(sqlite_urls: Urls) -> None:
    empty = Database(f"sqlite:///{sqlite_urls.folder / 'empty.db'}")
    before = await is_current(empty, DatabaseKind.MAIN)

    await migrate(empty, DatabaseKind.MAIN)

    assert (before, await is_current(empty, DatabaseKind.MAIN)) == (False, True)
    await empty.close()
