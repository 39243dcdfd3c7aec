"""Runs Alembic: upgrades a database from any revision to the newest one."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from app.platform.db.revisions import MIGRATIONS, DatabaseKind


def alembic_config(kind: DatabaseKind, connection: Connection | None = None) -> Config:
    """Alembic's configuration for one of the databases."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / kind.value))
    config.set_main_option("path_separator", "os")
    config.attributes["kind"] = kind
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, kind: DatabaseKind) -> None:
    """Upgrade to the newest revision; wait first for any other process that is upgrading (PostgreSQL advisory lock)."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7274669)")
    command.upgrade(alembic_config(kind, connection), "head")
