"""On both databases the migrations create exactly the tables of the program."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from app.platform.db.columns import main_metadata
from app.platform.db.revisions import APPLIED
from app.platform.vault.tables import keystore_metadata
from app.server.runtime import databases
from tests.shop import Urls


def differences(connection: Connection, metadata: MetaData) -> list[Any]:
    def is_of_program(name: str | None, type_: str, _: object) -> bool:
        return not (type_ == "table" and name == APPLIED.name)

    return list(
        compare_metadata(MigrationContext.configure(connection, opts={"include_name": is_of_program}), metadata)
    )


async def test_a_migrated_database_has_the_tables_of_the_program(urls: Urls) -> None:
    for database, metadata in zip(databases(urls.settings()), (main_metadata, keystore_metadata), strict=True):
        async with database.engine.connect() as connection:
            assert await connection.run_sync(differences, metadata) == []
        await database.close()
