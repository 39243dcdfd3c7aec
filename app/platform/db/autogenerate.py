"""Generates migrations and checks that they match the tables: a command for developers, not used at runtime."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Connection

from app.platform.db.migration_rules import MigrationRefused, check_rules
from app.platform.db.revisions import DatabaseKind
from app.platform.db.upgrading import alembic_config


@contextmanager
def migrated_scratch_database(kind: DatabaseKind) -> Iterator[Connection]:
    """A connection to a scratch database at the newest revision."""
    with tempfile.TemporaryDirectory() as folder:
        engine = sqlalchemy.create_engine(f"sqlite:///{Path(folder) / 'scratch.db'}")
        with engine.connect() as connection:
            command.upgrade(alembic_config(kind, connection), "head")
            connection.commit()
            yield connection
        engine.dispose()


def add_migration(kind: DatabaseKind, message: str) -> None:
    """Add a migration that brings the newest revision to the tables as they are defined."""
    with migrated_scratch_database(kind) as connection:
        config = alembic_config(kind, connection)
        config.attributes["compare"] = True
        command.revision(config, message, autogenerate=True, version_path=config.get_main_option("version_locations"))


def check_migrations(kind: DatabaseKind) -> None:
    """Raise `CommandError` when the tables and the migrations differ."""
    with migrated_scratch_database(kind) as connection:
        config = alembic_config(kind, connection)
        config.attributes["compare"] = True
        command.check(config)


def main(arguments: list[str]) -> int:
    """The command line: `--check`, or a database kind and a description of the new migration."""
    if arguments == ["--check"]:
        try:
            for kind in DatabaseKind:
                check_migrations(kind)
                check_rules(kind)
        except MigrationRefused as refused:
            sys.stderr.write(f"{refused}\nThe rules are in app/platform/db/migration_rules.py.\n")
            return 1
        except CommandError as error:
            sys.stderr.write(f"{error}\nRun scripts/migrate.\n")
            return 1
        return 0
    add_migration(DatabaseKind(arguments[0]), arguments[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
