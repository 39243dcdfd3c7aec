"""Database kinds and their schema revisions: which one a database has, and which one is the newest."""

import re
from enum import Enum
from functools import cache
from pathlib import Path

import sqlalchemy
from sqlalchemy import Connection

from app.platform.db.engine import Database

MIGRATIONS = Path(__file__).parent / "migrations"
REVISION = re.compile(r'^(down_)?revision(?:: \S+)? = "(\w+)"', re.MULTILINE)


class DatabaseKind(Enum):
    """The two databases; each has a line of migrations of its own."""

    MAIN = "main"
    KEYSTORE = "keystore"


async def is_current(database: Database, kind: DatabaseKind) -> bool:
    """Whether the database has the newest version."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(_version) == head_revision(kind)


@cache
def head_revision(kind: DatabaseKind) -> str:
    """The version that no other one follows, read from the migrations without running them."""
    revisions = [
        REVISION.findall(path.read_text(encoding="utf-8")) for path in sorted((MIGRATIONS / kind.value).glob("*.py"))
    ]
    followed = {version for one in revisions for down, version in one if down}
    heads: set[str] = {version for one in revisions for down, version in one if not down} - followed
    (head,) = heads
    return head


def _version(connection: Connection) -> str | None:
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalar()
