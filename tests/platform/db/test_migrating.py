"""Migrations: the newest revision, and what upgrading does to rows."""

from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from app.platform.db.engine import Database
from app.platform.db.migrating import migrate
from app.platform.db.revisions import DatabaseKind, head_revision, is_current
from app.platform.db.upgrading import alembic_config
from app.server.runtime import databases
from tests.shop import Urls, open_shop

ADD_CARD = 'mutation { addPaymentMethod(input: { token: "tok_visa" }) { userErrors { code } } }'


@pytest.mark.parametrize("kind", DatabaseKind)
def test_the_newest_version_is_the_one_alembic_calls_head(kind: DatabaseKind) -> None:
    assert head_revision(kind) == ScriptDirectory.from_config(alembic_config(kind)).get_current_head()


async def test_an_empty_database_is_not_current_and_a_migrated_one_is(sqlite_urls: Urls) -> None:
    empty = Database(f"sqlite:///{sqlite_urls.folder / 'empty.db'}")
    before = await is_current(empty, DatabaseKind.MAIN)

    await migrate(empty, DatabaseKind.MAIN)

    assert (before, await is_current(empty, DatabaseKind.MAIN)) == (False, True)
    await empty.close()


async def test_a_card_saved_before_notices_is_looked_at_after_the_upgrade(urls: Urls) -> None:
    async with open_shop(urls) as shop:
        ann = await shop.register("ann@example.org")
        (await shop.ask(ADD_CARD, token=ann.token)).payload("addPaymentMethod")
    main, keystore = databases(urls.settings())

    def downgrade(connection: Connection, to: str) -> None:
        command.downgrade(alembic_config(DatabaseKind.MAIN, connection), to)

    async with main.engine.begin() as connection:
        await connection.run_sync(downgrade, "68501dd819ae")
    await migrate(main, DatabaseKind.MAIN)

    for database in (main, keystore):
        await database.close()
    async with open_shop(urls, shop.organization) as again:
        assert await again.count("payment_methods", "expiry_notice_at = updated_at") == 1
        me: Any = (await again.ask("{ me { paymentMethods { last4 } } }", token=ann.token)).data["me"]
        assert me["paymentMethods"] == [{"last4": "4242"}]
