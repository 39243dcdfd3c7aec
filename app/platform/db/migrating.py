"""Migrates a database to the newest revision of its schema."""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from app.platform.db.engine import Database
from app.platform.db.outages import DatabaseUnavailable
from app.platform.db.revisions import DatabaseKind, schema_state

LOCK_NOT_AVAILABLE = "55P03"
ATTEMPTS = 20
PAUSE_SECONDS = 1.0


class MigrationBlocked(Exception):
    """A migration got no lock: nothing of it was done."""


async def migrate(database: Database, kind: DatabaseKind) -> None:
    """Upgrade to the newest revision. One process does it; others wait for it and find nothing to do.

    Raise `MigrationBlocked` when a lock of a table could not be had in `ATTEMPTS` tries of three seconds.
    """
    if (await schema_state(database, kind)).can_be_served:
        return
    patient = database.without_command_timeout()
    try:
        if database.embedded:
            await _upgrade_file(patient, kind)
        else:
            await _upgrade_server(patient, kind)
    finally:
        await patient.close()


async def _upgrade_file(database: Database, kind: DatabaseKind) -> None:
    # Alembic takes as long to import as the web server, and most starts find nothing to migrate.
    from app.platform.db.upgrading import upgrade  # noqa: PLC0415

    async with database.engine.begin() as connection:
        await connection.run_sync(upgrade, kind)


async def _upgrade_server(database: Database, kind: DatabaseKind) -> None:
    from app.platform.db.upgrading import try_lock, upgrade  # noqa: PLC0415

    async with database.engine.connect() as locking:
        # A connection of its own: migrations end their transactions, and with them such a lock.
        while not await locking.run_sync(try_lock):
            await locking.rollback()
            await asyncio.sleep(PAUSE_SECONDS)
        for attempt in range(ATTEMPTS):
            try:
                async with database.engine.connect() as connection:
                    await connection.run_sync(upgrade, kind)
            except (DatabaseUnavailable, SQLAlchemyError) as fault:
                if not _is_lock(fault):
                    raise
                if attempt == ATTEMPTS - 1:
                    message = (
                        f"The {kind.value} database was not migrated: another transaction holds a lock for too long. "
                        "End it (pg_stat_activity shows it), and run `patron migrate` again."
                    )
                    raise MigrationBlocked(message) from fault
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return


def _is_lock(fault: BaseException | None) -> bool:
    while fault is not None:
        if getattr(fault, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            return True
        fault = getattr(fault, "orig", None) or fault.__cause__
    return False
