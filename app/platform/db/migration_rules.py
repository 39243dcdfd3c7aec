"""Rules for migrations: refuses those that rewrite a table, lock it for long, or take away what a program still uses.

A migration runs beside processes that serve. Its PostgreSQL statements are made without a database and looked at:

    refused on every table that exists before          instead
    CREATE INDEX without CONCURRENTLY                  `expanding.add_index`
    ALTER COLUMN … TYPE                                a new column, filled by a job of the worker
    SET NOT NULL                                       a CHECK … NOT VALID, validated later
    ADD COLUMN … NOT NULL without a constant default   nullable, or with a constant `server_default`
    ADD COLUMN with a computed default                 nullable, filled by a job of the worker
    ADD FOREIGN KEY or CHECK without NOT VALID         `postgresql_not_valid=True`, validated later
    ADD UNIQUE or PRIMARY KEY without USING INDEX      an index built CONCURRENTLY first
    UPDATE, DELETE                                     a job of the worker, in batches
    LOCK, CLUSTER, VACUUM FULL, TRUNCATE               nothing
    DROP or RENAME in an expand step                   a later migration with `step = "contract"`
"""

import re
from io import StringIO
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from app.platform.db.revisions import CONTRACT, EXPAND, DatabaseKind
from app.platform.db.upgrading import alembic_config

CREATED = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?\"?(\w+)", re.IGNORECASE)
CONSTANT = r"(?:'[^']*'(?:::\w+)?|-?\d+(?:\.\d+)?|true|false|null)(?=\s|,|$)"
TABLE = r"ALTER TABLE (?:ONLY )?\"?(?P<table>\w+)\"? .*?"
LOCKING = {
    r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*? ON (?:ONLY )?\"?(?P<table>\w+)": "builds an index under a lock",
    TABLE + r"ALTER (?:COLUMN )?\S+ (?:SET DATA )?TYPE ": "changes the type of a column, which rewrites the table",
    TABLE + r"SET NOT NULL": "looks at every row under an exclusive lock",
    TABLE
    + r"ADD (?:COLUMN )?(?!.*\bDEFAULT\b)(?!CONSTRAINT).*\bNOT NULL": "adds a column that older programs do not fill",
    TABLE
    + rf"ADD (?:COLUMN )?.*\bDEFAULT (?!{CONSTANT})": "computes a default for every row, which rewrites the table",
    TABLE + r"ADD (?:COLUMN )?.*\b(?:SERIAL|BIGSERIAL|GENERATED|STORED)\b": "computes a value for every row",
    TABLE + r"ADD (?:CONSTRAINT \S+ )?(?:FOREIGN KEY|CHECK)(?!.*NOT VALID)": "checks every row under a lock",
    TABLE + r"ADD (?:CONSTRAINT \S+ )?(?:UNIQUE|PRIMARY KEY|EXCLUDE)(?!.*USING INDEX)": "builds an index under a lock",
    r"(?:UPDATE|DELETE FROM) (?:ONLY )?\"?(?P<table>\w+)": "changes rows, and holds their locks to the end",
    r"(?:LOCK(?: TABLE)?|TRUNCATE(?: TABLE)?|CLUSTER|VACUUM FULL) \"?(?P<table>\w+)": "locks the table",
}
REMOVING = {
    TABLE + r"DROP (?!CONSTRAINT|NOT NULL|DEFAULT)": "drops what older programs use",
    TABLE + r"RENAME ": "renames what older programs use",
    TABLE + r"ALTER (?:COLUMN )?\S+ DROP DEFAULT": "drops what older programs rely on",
    r"DROP TABLE (?:IF EXISTS )?\"?(?P<table>\w+)": "drops what older programs use",
}


class MigrationRefused(Exception):
    """A migration would hold up or break the processes that serve meanwhile."""


def check_rules(kind: DatabaseKind, *, more: Path | None = None) -> None:
    """Raise `MigrationRefused` for the first migration against a rule; `more` is a folder with further ones."""
    config = alembic_config(kind)
    if more is not None:
        locations = f"{config.get_main_option('version_locations')}:{more}"
        config.set_main_option("version_locations", locations)
    for script in ScriptDirectory.from_config(config).walk_revisions():
        if script.down_revision:
            _check(script, _statements(config, script))


def _statements(config: Config, script: Script) -> list[str]:
    """The statements of one migration on PostgreSQL, each on one line."""
    config.output_buffer = StringIO()
    command.upgrade(config, f"{script.down_revision}:{script.revision}", sql=True)
    lines = [line for line in config.output_buffer.getvalue().splitlines() if not line.startswith("--")]
    return [" ".join(one.split()) for one in "\n".join(lines).split(";") if "alembic_version" not in one]


def _check(script: Script, statements: list[str]) -> None:
    step = getattr(script.module, "step", EXPAND)
    if step not in {EXPAND, CONTRACT}:
        raise MigrationRefused(f'{script.revision}: its step is "{EXPAND}" or "{CONTRACT}".')
    new_tables = set(CREATED.findall("\n".join(statements)))
    rules = LOCKING if step == CONTRACT else {**LOCKING, **REMOVING}
    for statement in statements:
        for pattern, reason in rules.items():
            found = re.match(pattern, statement, re.IGNORECASE)
            if found and found["table"] not in new_tables:
                raise MigrationRefused(f"{script.revision}: `{statement[:100]}` {reason} ({found['table']}).")
