"""Brings a database to the newest version of its tables."""

import re
from enum import Enum
from functools import cache
from pathlib import Path

import sqlalchemy
from sqlalchemy import Connection

from app.platform.db.engine import Database

MIGRATIONS = Path(__file__).parent / "migrations"
REVISION = re.compile(r'^(down_)?revision(?:: \S+)? = "(\w+)"', re.MULTILINE)


class Line(Enum):
    """The two lines of versions, one for each database."""

    MAIN = "main"
    KEYSTORE = "keystore"


async def migrate(database: Database, line: Line) -> None:
    """Upgrade to the newest version; one process at a time does it, the others wait and find it done."""
    if await is_current(database, line):
        return
    # Alembic takes as long to load as the web server, and most starts find nothing to migrate.
    from app.platform.db.upgrading import upgrade  # noqa: PLC0415

    async with database.engine.begin() as connection:
        await connection.run_sync(upgrade, line)


async def is_current(database: Database, line: Line) -> bool:
    """Whether the database has the newest version."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(_version) == newest(line)


@cache
def newest(line: Line) -> str:
    """The version that no other one follows, read from the migrations without running them."""
    found = [
        REVISION.findall(path.read_text(encoding="utf-8")) for path in sorted((MIGRATIONS / line.value).glob("*.py"))
    ]
    followed = {version for one in found for down, version in one if down}
    heads: set[str] = {version for one in found for down, version in one if not down} - followed
    (head,) = heads
    return head


def _version(connection: Connection) -> str | None:
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalar()
