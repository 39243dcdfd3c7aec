"""Database kinds, the schema revision that a database has, and the newest revision."""

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
    """The two databases; each has its own chain of migrations."""

    MAIN = "main"
    KEYSTORE = "keystore"


async def is_current(database: Database, kind: DatabaseKind) -> bool:
    """Whether the database has the newest revision."""
    database.circuit.check()
    async with database.engine.connect() as connection:
        return await connection.run_sync(_version) == head_revision(kind)


@cache
def head_revision(kind: DatabaseKind) -> str:
    """The revision that no other follows, read from the migration files without running them."""
    revisions = [
        REVISION.findall(path.read_text(encoding="utf-8")) for path in sorted((MIGRATIONS / kind.value).glob("*.py"))
    ]
    followed = {version for lines in revisions for down, version in lines if down}
    heads: set[str] = {version for lines in revisions for down, version in lines if not down} - followed
    (head,) = heads
    return head


def _version(connection: Connection) -> str | None:
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalar()
