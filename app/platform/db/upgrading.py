"""Runs Alembic: upgrades a database from any revision to the newest one, and waits for no lock for long."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from app.platform.db.revisions import MIGRATIONS, DatabaseKind

# Whatever waits for a lock makes all others wait behind it: a migration gives way, and is tried again.
LOCK_TIMEOUT = "3s"
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(7274669)"


def alembic_config(kind: DatabaseKind, connection: Connection | None = None) -> Config:
    """Alembic's configuration for one of the databases."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / kind.value))
    config.set_main_option("path_separator", "os")
    config.attributes["kind"] = kind
    config.attributes["connection"] = connection
    return config


def try_lock(connection: Connection) -> bool:
    """Whether this process is the one that upgrades, until the connection's transaction ends.

    It is tried, not waited for: a waiting statement would hold up `CREATE INDEX CONCURRENTLY`, which waits for it.
    """
    return bool(connection.exec_driver_sql(TRY_LOCK).scalar())


def upgrade(connection: Connection, kind: DatabaseKind) -> None:
    """Upgrade to the newest revision; on PostgreSQL each migration is a transaction of its own."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        connection.commit()
    command.upgrade(alembic_config(kind, connection), "head")
