"""The schema revision that a database has, the newest one of this program, and whether they go together.

A migration is one of two steps, and says which in its `step`:

    expand    only adds: the program before it can go on with the database
    contract  takes away what no program uses any more: one that still does cannot go on

The table `applied_migrations` has the steps in the order in which they were applied, so that an older program knows
what newer ones did. It is Alembic's bookkeeping, as `alembic_version` is, and no table of the program.

    revision of the database              state         a process
    this program's newest                 CURRENT       serves
    a later one, expand steps only        AHEAD         serves, and says so at `/readyz`
    an earlier one, or none               BEHIND        refuses
    a later one, with a contract step     INCOMPATIBLE  refuses
"""

import re
from enum import Enum
from functools import cache
from itertools import dropwhile
from pathlib import Path
from typing import NamedTuple

import sqlalchemy
from sqlalchemy import Connection

from app.platform.db.engine import Database

EXPAND, CONTRACT = "expand", "contract"
APPLIED = sqlalchemy.Table(
    "applied_migrations",
    sqlalchemy.MetaData(),
    sqlalchemy.Column("position", sqlalchemy.Integer, primary_key=True, autoincrement=False),
    sqlalchemy.Column("revision", sqlalchemy.String(32), nullable=False),
    sqlalchemy.Column("step", sqlalchemy.String(16), nullable=False),
)
MIGRATIONS = Path(__file__).parent / "migrations"
REVISION = re.compile(r'^(down_)?revision(?:: \S+)? = "(\w+)"', re.MULTILINE)


class DatabaseKind(Enum):
    """The two databases; each has its own chain of migrations."""

    MAIN = "main"
    KEYSTORE = "keystore"


class SchemaState(Enum):
    """How the tables of a database compare with those that this program was written for."""

    CURRENT = "current"
    AHEAD = "ahead"
    """A newer program has only added to them: this one can go on."""
    BEHIND = "behind"
    INCOMPATIBLE = "incompatible"
    """A newer program has taken something away, or their history is another one."""

    @property
    def can_be_served(self) -> bool:
        """Whether this program can work with the database."""
        return self in {SchemaState.CURRENT, SchemaState.AHEAD}


class _Applied(NamedTuple):
    revision: str
    step: str


async def is_current(database: Database, kind: DatabaseKind) -> bool:
    """Whether the database has the newest revision."""
    return await schema_state(database, kind) is SchemaState.CURRENT


async def schema_state(database: Database, kind: DatabaseKind) -> SchemaState:
    """Compare the revision of the database, and those applied after ours, with the newest one of this program."""
    database.circuit.check()
    async with database.engine.connect() as connection:
        version, applied = await connection.run_sync(_history)
    head = head_revision(kind)
    if version == head:
        return SchemaState.CURRENT
    if version is None or version in _revisions(kind):
        return SchemaState.BEHIND
    later = list(dropwhile(lambda one: one.revision != head, applied))[1:]
    return SchemaState.AHEAD if later and all(one.step == EXPAND for one in later) else SchemaState.INCOMPATIBLE


@cache
def head_revision(kind: DatabaseKind) -> str:
    """The revision that no other follows, read from the migration files without running them."""
    found = _revisions(kind)
    (head,) = found.keys() - set(found.values())
    return head


@cache
def _revisions(kind: DatabaseKind) -> dict[str, str | None]:
    """Every revision, with the one before it."""
    found: dict[str, str | None] = {}
    for path in sorted((MIGRATIONS / kind.value).glob("*.py")):
        lines = dict(REVISION.findall(path.read_text(encoding="utf-8")))
        found[lines[""]] = lines.get("down_")
    return found


def _history(connection: Connection) -> tuple[str | None, list[_Applied]]:
    inspector = sqlalchemy.inspect(connection)
    if not inspector.has_table("alembic_version"):
        return None, []
    version = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalar()
    if not inspector.has_table(APPLIED.name):
        return version, []
    columns = (APPLIED.c.revision, APPLIED.c.step)
    rows = connection.execute(sqlalchemy.select(*columns).order_by(APPLIED.c.position))
    return version, [_Applied(*row) for row in rows]
