"""Alembic, which knows how to bring a database from any version to the newest one."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from app.platform.db.migrating import MIGRATIONS, Line


def configuration(line: Line, connection: Connection | None = None) -> Config:
    """Alembic's configuration for one of the databases."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / line.value))
    config.set_main_option("path_separator", "os")
    config.attributes["line"] = line
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, line: Line) -> None:
    """Upgrade to the newest version, unless another process is at it: then wait for it."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7274669)")
    command.upgrade(configuration(line, connection), "head")
