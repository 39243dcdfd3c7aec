"""Writes migrations, and finds tables that no migration makes. For developers; the program itself never does."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Connection

from app.platform.db.migrating import Line
from app.platform.db.upgrading import configuration


@contextmanager
def newest(line: Line) -> Iterator[Connection]:
    """A connection to a scratch database at the newest version."""
    with tempfile.TemporaryDirectory() as folder:
        engine = sqlalchemy.create_engine(f"sqlite:///{Path(folder) / 'scratch.db'}")
        with engine.connect() as connection:
            command.upgrade(configuration(line, connection), "head")
            connection.commit()
            yield connection
        engine.dispose()


def write(line: Line, message: str) -> None:
    """Add a migration that brings the newest version to the tables as the program has them."""
    with newest(line) as connection:
        config = configuration(line, connection)
        config.attributes["compare"] = True
        command.revision(config, message, autogenerate=True, version_path=config.get_main_option("version_locations"))


def check(line: Line) -> None:
    """Raise `CommandError` when the tables and the migrations differ."""
    with newest(line) as connection:
        config = configuration(line, connection)
        config.attributes["compare"] = True
        command.check(config)


def main(arguments: list[str]) -> int:
    """`--check`, or a line of versions and what the new migration does."""
    if arguments == ["--check"]:
        try:
            for line in Line:
                check(line)
        except CommandError as error:
            sys.stderr.write(f"{error}\nRun scripts/migrate.\n")
            return 1
        return 0
    write(Line(arguments[0]), arguments[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
