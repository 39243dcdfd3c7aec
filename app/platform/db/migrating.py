"""Migrates a database to the newest revision of its schema."""

from app.platform.db.engine import Database
from app.platform.db.revisions import DatabaseKind, is_current


async def migrate(database: Database, kind: DatabaseKind) -> None:
    """Upgrade to the newest revision. One process does it; others wait for it and find nothing to do."""
    if await is_current(database, kind):
        return
    # Alembic takes as long to import as the web server, and most starts find nothing to migrate.
    from app.platform.db.upgrading import upgrade  # noqa: PLC0415

    patient = database.without_command_timeout()
    try:
        async with patient.engine.begin() as connection:
            await connection.run_sync(upgrade, kind)
    finally:
        await patient.close()
