"""Upgrades while processes serve: databases that are ahead, locks that are not had, and migrations that are refused."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlmodel import col

from app.customers.tables import Customer
from app.platform.db import migrating
from app.platform.db.backfills import backfill
from app.platform.db.engine import Database
from app.platform.db.migrating import MigrationBlocked, migrate
from app.platform.db.migration_rules import MigrationRefused, check_rules
from app.platform.db.revisions import MIGRATIONS, DatabaseKind, SchemaState, head_revision, schema_state
from app.platform.db.upgrading import alembic_config
from app.server.runtime import NotMigrated, databases, open_runtime
from tests.shop import Shop, Urls, open_shop

EXPANDING = """
    op.add_column("customers", sa.Column("nickname_sealed", sa.LargeBinary(), nullable=True))
    op.create_table("nicknames", sa.Column("id", sa.Uuid(), primary_key=True))
    add_index("ix_customers_nickname", "customers", ["nickname_sealed"])"""
ROUNDS = 25


def migration(folder: Path, statements: str, *, step: str = "expand", after: str | None = None) -> str:
    """A migration of a newer program in a folder of its own; its revision."""
    revision = f"newer_{len(list(folder.glob('*.py')))}"
    (folder / f"{revision}.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nfrom app.platform.db.expanding import add_index\n"
        f'revision = "{revision}"\ndown_revision = "{after or head_revision(DatabaseKind.MAIN)}"\n'
        f'branch_labels = None\ndepends_on = None\nstep = "{step}"\n\n\ndef upgrade():{statements}\n'
    )
    return revision


async def upgrade_with(urls: Urls, folder: Path) -> None:
    """What `patron migrate` of the newer program does."""
    main, keystore = databases(urls.settings())
    config = alembic_config(DatabaseKind.MAIN)
    config.set_main_option("version_locations", f"{MIGRATIONS / 'main'}:{folder}")

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    if main.embedded:
        async with main.engine.begin() as connection:
            await connection.run_sync(upgrade)
    else:
        async with main.engine.connect() as connection:
            await connection.run_sync(upgrade)
    for database in (main, keystore):
        await database.close()


async def readyz(shop: Shop) -> tuple[int, Any]:
    response = await shop.client.get("/readyz")
    return response.status_code, response.json()


async def test_a_process_serves_through_the_expand_step_of_a_newer_program(
    shop: Shop, urls: Urls, tmp_path: Path
) -> None:
    ann = await shop.register("ann@example.org")
    migration(tmp_path, EXPANDING)
    before = await readyz(shop)

    async def use() -> list[str]:
        seen = []
        for number in range(ROUNDS):
            changed = await shop.ask("UpdateCustomer", token=ann.token, input={"firstName": f"Ann {number}"})
            changed.payload("updateCustomer")
            seen.append((await shop.ask("{ me { firstName } }", token=ann.token)).data["me"]["firstName"])
        return seen

    seen, _ = await asyncio.gather(use(), upgrade_with(urls, tmp_path))

    assert seen == [f"Ann {number}" for number in range(ROUNDS)]
    assert (before, await readyz(shop)) == ((200, {"status": "ready"}), (200, {"status": "ready", "ahead": ["main"]}))
    assert (await use())[-1] == f"Ann {ROUNDS - 1}"
    # One that starts now serves too, and leaves the database as it is.
    await migrate(shop.runtime.store.database, DatabaseKind.MAIN)
    async with open_shop(urls, shop.organization) as another:
        assert (await another.ask("{ me { email } }", token=ann.token)).data == {"me": {"email": "ann@example.org"}}


async def test_a_process_refuses_a_database_from_which_a_newer_program_took_something(
    shop: Shop, urls: Urls, tmp_path: Path
) -> None:
    first = migration(tmp_path, EXPANDING)
    migration(tmp_path, '\n    op.drop_table("nicknames")', step="contract", after=first)

    await upgrade_with(urls, tmp_path)

    assert await readyz(shop) == (503, {"status": "of a newer program", "databases": {"main": "of a newer program"}})
    with pytest.raises(NotMigrated, match="run the newer one"):
        async with open_runtime(urls.settings()):
            pass


async def test_a_process_refuses_a_database_that_is_behind(sqlite_urls: Urls) -> None:
    empty = Database(f"sqlite:///{sqlite_urls.folder / 'empty.db'}")

    assert await schema_state(empty, DatabaseKind.MAIN) is SchemaState.BEHIND

    await empty.close()


async def test_a_migration_that_gets_no_lock_gives_way(postgres_urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "ATTEMPTS", 1)
    monkeypatch.setattr("app.platform.db.upgrading.LOCK_TIMEOUT", "50ms")
    database = Database(postgres_urls.keystore)
    async with database.engine.begin() as connection:
        await connection.execute(text("DELETE FROM alembic_version"))

    async with database.engine.begin() as holding:
        await holding.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(MigrationBlocked, match="another transaction holds a lock"):
            await migrating._upgrade_server(database, DatabaseKind.KEYSTORE)

    assert await schema_state(database, DatabaseKind.KEYSTORE) is SchemaState.BEHIND
    await database.close()


async def test_a_backfill_changes_pending_rows_in_batches_and_no_others(shop: Shop) -> None:
    for number in range(5):
        await shop.register(f"c{number}@example.org")
    await shop.execute(
        "UPDATE customers SET placed_orders = 3 WHERE shopper_reference = "
        "(SELECT min(shopper_reference) FROM customers)"
    )
    database = shop.runtime.store.database
    pending = col(Customer.placed_orders) == 0

    first = await backfill(database, Customer, pending=pending, values={"placed_orders": 9}, batch_size=2)
    again = await backfill(database, Customer, pending=pending, values={"placed_orders": 9}, batch_size=2)

    assert (first, again) == (4, 0)
    assert await shop.count("customers", "placed_orders = 9") == 4
    assert await shop.count("customers", "placed_orders = 3") == 1


def test_the_migrations_of_the_program_keep_the_rules() -> None:
    for kind in DatabaseKind:
        check_rules(kind)


def test_an_expand_step_that_holds_nobody_up_is_accepted(tmp_path: Path) -> None:
    migration(
        tmp_path,
        EXPANDING
        + '\n    op.add_column("orders", sa.Column("gift", sa.Boolean(), nullable=False, server_default="false"))',
    )

    check_rules(DatabaseKind.MAIN, more=tmp_path)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ('op.create_index("ix_new", "payment_methods", ["updated_at"])', "builds an index under a lock"),
        ('op.execute("UPDATE payment_methods SET updated_at = created_at")', "changes rows"),
        ('op.execute("DELETE FROM login_sessions WHERE ended_at IS NOT NULL")', "changes rows"),
        ('op.alter_column("orders", "currency", type_=sa.Text())', "rewrites the table"),
        ('op.alter_column("orders", "sealed", nullable=False)', "looks at every row"),
        ('op.add_column("orders", sa.Column("gift", sa.Boolean(), nullable=False))', "older programs do not fill"),
        (
            'op.add_column("orders", sa.Column("at", sa.DateTime(), server_default=sa.func.now()))',
            "computes a default",
        ),
        ('op.create_check_constraint("gift", "orders", "currency <> \'\'")', "checks every row"),
        ('op.create_foreign_key("fk_new", "orders", "customers", ["customer_id"], ["id"])', "checks every row"),
        ('op.create_unique_constraint("uq_new", "customers", ["shopper_reference"])', "builds an index under a lock"),
        ('op.drop_column("orders", "currency")', "drops what older programs use"),
        ('op.rename_table("orders", "purchases")', "renames what older programs use"),
        ('op.drop_table("orders")', "drops what older programs use"),
        ('op.execute("LOCK TABLE orders")', "locks the table"),
    ],
)
def test_a_migration_that_holds_processes_up_is_refused(tmp_path: Path, statement: str, reason: str) -> None:
    revision = migration(tmp_path, f"\n    {statement}")

    with pytest.raises(MigrationRefused) as refused:
        check_rules(DatabaseKind.MAIN, more=tmp_path)

    assert str(refused.value).startswith(f"{revision}: `")
    assert reason in str(refused.value)
