"""Finding out which version is the newest."""

from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from app.platform.db.engine import Database
from app.platform.db.migrating import Line, is_current, migrate, newest
from app.platform.db.upgrading import configuration
from app.server.house import databases
from tests.house import Urls, open_test_house

ADD_CARD = 'mutation { addPaymentMethod(input: { token: "tok_visa" }) { userErrors { code } } }'


@pytest.mark.parametrize("line", Line)
def test_the_newest_version_is_the_one_alembic_calls_head(line: Line) -> None:
    assert newest(line) == ScriptDirectory.from_config(configuration(line)).get_current_head()


async def test_an_empty_database_is_not_current_and_a_migrated_one_is(sqlite_urls: Urls) -> None:
    empty = Database(f"sqlite:///{sqlite_urls.folder / 'empty.db'}")
    before = await is_current(empty, Line.MAIN)

    await migrate(empty, Line.MAIN)

    assert (before, await is_current(empty, Line.MAIN)) == (False, True)
    await empty.close()


async def test_a_card_saved_before_notices_is_looked_at_after_the_upgrade(urls: Urls) -> None:
    async with open_test_house(urls) as house:
        ann = await house.register("ann@example.org")
        (await house.ask(ADD_CARD, token=ann.token)).payload("addPaymentMethod")
    main, keystore = databases(urls.settings())

    def take_back(connection: Connection, to: str) -> None:
        command.downgrade(configuration(Line.MAIN, connection), to)

    async with main.engine.begin() as connection:
        await connection.run_sync(take_back, "68501dd819ae")
    await migrate(main, Line.MAIN)

    for database in (main, keystore):
        await database.close()
    async with open_test_house(urls, house.shop) as again:
        assert await again.count("payment_methods", "expiry_notice_at = updated_at") == 1
        me: Any = (await again.ask("{ me { paymentMethods { last4 } } }", token=ann.token)).data["me"]
        assert me["paymentMethods"] == [{"last4": "4242"}]
