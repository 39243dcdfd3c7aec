"""Brings a database to the newest version of its tables, with Alembic."""

from enum import Enum
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from app.db.engine import Database

MIGRATIONS = Path(__file__).parent / "migrations"


class Line(Enum):
    """The two lines of versions, one for each database."""

    MAIN = "main"
    KEYSTORE = "keystore"


def configuration(line: Line, connection: Connection | None = None) -> Config:
    """Alembic's configuration for one of the databases."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / line.value))
    config.set_main_option("path_separator", "os")
    config.attributes["line"] = line
    config.attributes["connection"] = connection
    return config


async def migrate(database: Database, line: Line) -> None:
    """Upgrade to the newest version; one process at a time does it, the others wait and find it done."""
    async with database.engine.begin() as connection:
        await connection.run_sync(_upgrade, line)


def _upgrade(connection: Connection, line: Line) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7274669)")
    command.upgrade(configuration(line, connection), "head")


async def is_current(database: Database, line: Line) -> bool:
    """Whether the database has the newest version."""
    head = ScriptDirectory.from_config(configuration(line)).get_current_head()
    async with database.engine.connect() as connection:
        return bool(await connection.run_sync(_version) == head)


def _version(connection: Connection) -> Any:
    return MigrationContext.configure(connection).get_current_revision()
