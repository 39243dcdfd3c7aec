"""What a customer owns is keyed by its owner, and every statement names the owner, for one machine and many."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, Table, UniqueConstraint

from app.platform.db.columns import main_metadata
from app.platform.db.distribution import BY_LOOKUP, BY_OWNER, DISTRIBUTED, REFERENCE, citus_statements
from app.platform.db.engine import Database
from app.platform.db.reading import Read
from app.privacy.erasure import erase_due
from tests.contract.owner_statements import owner_clauses, unowned_parts
from tests.contract.permitted_fan_outs import PERMITTED, is_permitted
from tests.contract.stored_values import customer_with_everything, settle_gateways
from tests.shop import PASSWORD, Shop


def unique_keys(table: Table) -> Iterator[set[str]]:
    """The columns of everything that is unique in the table."""
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
            yield {column.name for column in constraint.columns}
    yield from ({column.name for column in index.columns} for index in table.indexes if index.unique)


def test_every_table_lies_by_its_owner_by_what_is_looked_up_or_everywhere() -> None:
    listed = [*BY_OWNER, *BY_LOOKUP, *REFERENCE]

    assert sorted(listed) == sorted([*main_metadata.tables, "alembic_version"])


@pytest.mark.parametrize("name", DISTRIBUTED)
def test_whatever_is_unique_in_a_distributed_table_is_unique_beside_its_key(name: str) -> None:
    table, key = main_metadata.tables[name], DISTRIBUTED[name]

    assert not table.columns[key].nullable
    for unique in unique_keys(table):
        assert key in unique


@pytest.mark.parametrize("name", BY_OWNER)
def test_the_primary_key_begins_with_the_owner(name: str) -> None:
    assert main_metadata.tables[name].primary_key.columns.keys()[0] == BY_OWNER[name]


@pytest.mark.parametrize("name", sorted(main_metadata.tables))
def test_what_a_row_refers_to_lies_beside_it_or_everywhere(name: str) -> None:
    table = main_metadata.tables[name]
    for constraint in table.constraints:
        if not isinstance(constraint, ForeignKeyConstraint) or constraint.referred_table.name in REFERENCE:
            continue
        assert name in BY_OWNER
        referred = constraint.referred_table.name
        pairs = {(element.parent.name, element.column.name) for element in constraint.elements}
        assert (BY_OWNER[name], BY_OWNER[referred]) in pairs


def test_citus_is_told_of_every_table_after_those_it_refers_to() -> None:
    distributed = [statement.split("'")[1] for statement in citus_statements()]

    assert sorted(distributed) == sorted([*main_metadata.tables, "alembic_version"])
    for table in main_metadata.tables.values():
        for constraint in table.foreign_key_constraints:
            assert distributed.index(constraint.referred_table.name) < distributed.index(table.name)


def test_every_fan_out_that_is_permitted_has_its_reason() -> None:
    assert all(len(reason) > 20 for reason in PERMITTED.values())


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """All statements that go to the drivers of the main database."""
    heard: set[str] = set()
    notify, rows = Database._notify, Database.rows

    def heard_notify(self: Database, statement: str) -> None:
        heard.add(statement)
        notify(self, statement)

    async def heard_rows(self: Database, read: Read[Any], **parameters: object) -> list[Any]:
        heard.add(read.sql(self.engine.dialect))
        return await rows(self, read, **parameters)

    with monkeypatch.context() as patched:
        patched.setattr(Database, "_notify", heard_notify)
        patched.setattr(Database, "rows", heard_rows)
        yield heard


async def test_a_clause_taken_out_of_any_statement_is_noticed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(monkeypatch) as heard:
        zoe = await customer_with_everything(shop)
        answer = await shop.ask("RefreshToken", refreshToken=zoe.refresh_token)
        token = answer.payload("refreshToken")["tokens"]["accessToken"]
        (await shop.ask("Login", identifier=zoe.email, password=PASSWORD)).payload("login")
        for name in ("Me", "Logout"):
            assert (await shop.ask(name, token=token)).status == 200
        await settle_gateways(shop)
        assert await erase_due(shop.runtime.store) == 1

    dialect = shop.runtime.store.database.engine.dialect.name
    without_a_clause = {
        changed: statement
        for statement in heard
        if all(is_permitted(part.shape) for part in unowned_parts(statement, dialect))
        for changed in owner_clauses(statement, dialect)
    }
    unnoticed = {
        statement
        for changed, statement in without_a_clause.items()
        if len(unowned_parts(changed, dialect)) <= len(unowned_parts(statement, dialect))
    }

    assert len(without_a_clause) > 40
    assert unnoticed == set()


OWNED = [
    "SELECT id FROM addresses WHERE customer_id = ?",
    "SELECT id FROM addresses WHERE customer_id IN (SELECT value FROM json_each(?))",
    "SELECT 1 FROM login_sessions LEFT JOIN customers ON customers.id = login_sessions.owner_id"
    " WHERE login_sessions.owner_id = ? AND login_sessions.id = ?",
    "INSERT INTO proofs (customer_id, id) VALUES (?, ?)",
    "INSERT INTO customers (id, group_id) SELECT ?, (SELECT id FROM customer_groups WHERE is_default)",
    "UPDATE orders SET sealed = NULL WHERE owner_id = ? AND id = ?",
    "SELECT key_hash FROM guess_counters WHERE key_hash = ? OR key_hash = ?",
]
UNOWNED = [
    "SELECT id FROM addresses WHERE id = ?",
    "SELECT id FROM addresses WHERE customer_id = ? OR id = ?",
    "SELECT id FROM addresses WHERE customer_id > ?",
    "SELECT id FROM addresses WHERE NOT customer_id = ?",
    "SELECT id FROM addresses WHERE customer_id IN (SELECT id FROM customers)",
    # An outer join brings nothing to the rows it is joined to.
    "SELECT 1 FROM login_sessions LEFT JOIN customers ON customers.id = login_sessions.owner_id AND customers.id = ?",
    "SELECT 1 FROM orders JOIN customers ON customers.id = orders.customer_id WHERE customers.id = ?",
    "INSERT INTO proofs (id) VALUES (?)",
    "INSERT INTO proofs (customer_id, id) SELECT id, ? FROM customers WHERE id = ?",
    "UPDATE orders SET owner_id = ? WHERE id = ?",
    "DELETE FROM proofs WHERE expires_at < ?",
    "WITH gone AS (DELETE FROM proofs WHERE id = ? RETURNING 1) SELECT count(*) FROM gone",
    "SELECT 1 FROM customers WHERE id = ? AND EXISTS (SELECT 1 FROM orders WHERE orders.id = ?)",
]


@pytest.mark.parametrize("statement", OWNED)
def test_a_statement_that_names_the_owner_passes(statement: str) -> None:
    assert unowned_parts(statement, "sqlite") == ()


@pytest.mark.parametrize("statement", UNOWNED)
def test_a_statement_that_does_not_is_refused(statement: str) -> None:
    assert unowned_parts(statement, "sqlite")


@pytest.mark.parametrize("owner", ["customer_id = ANY($1::uuid[])", "customer_id IN ($1, $2)"])
def test_what_is_locked_is_named_by_one_owner(owner: str) -> None:
    statement = f"SELECT id FROM addresses WHERE {owner}"

    assert unowned_parts(statement, "postgresql") == ()
    assert len(unowned_parts(f"{statement} FOR UPDATE", "postgresql")) == 1
    assert unowned_parts("SELECT id FROM addresses WHERE customer_id = $1 FOR UPDATE", "postgresql") == ()
