"""Finding out which version is the newest."""

import pytest
from alembic.script import ScriptDirectory

from app.db.engine import Database
from app.db.migrating import Line, is_current, migrate, newest
from app.db.upgrading import configuration
from tests.house import Urls


@pytest.mark.parametrize("line", Line)
def test_the_newest_version_is_the_one_alembic_calls_head(line: Line) -> None:
    assert newest(line) == ScriptDirectory.from_config(configuration(line)).get_current_head()


async def test_an_empty_database_is_not_current_and_a_migrated_one_is(sqlite_urls: Urls) -> None:
    empty = Database(f"sqlite:///{sqlite_urls.folder / 'empty.db'}")
    before = await is_current(empty, Line.MAIN)

    await migrate(empty, Line.MAIN)

    assert (before, await is_current(empty, Line.MAIN)) == (False, True)
    await empty.close()
