"""Every column is declared, what is personal is sealed, and what somebody owns is erased, exported and in a receipt."""

import pytest
from sqlalchemy import LargeBinary, MetaData

from app.platform.db.columns import main_metadata
from app.platform.vault.tables import keystore_metadata
from app.privacy.exports.sections import STORES, Section
from app.privacy.stored_data import GATEWAY_ATTEMPTS, KEYSTORE, MAIN, ORDER_NUMBERS, OWNED, StoredData
from app.server import web, worker

ALL_TABLES_ARE_IMPORTED_BY = (web, worker)
DECLARED = [(data, main_metadata) for data in MAIN] + [(data, keystore_metadata) for data in KEYSTORE]
# Columns whose names say that a person is meant, where an erasure has to do something.
OWNER_COLUMNS = {"customer_id", "owner_id"}
# Deleted customers alone have rows in the first; gateways answer later; each order has one number.
NOT_IN_RECEIPTS = {"customer_deletions", GATEWAY_ATTEMPTS.table, ORDER_NUMBERS.table}


@pytest.mark.parametrize(("declared", "metadata"), [(MAIN, main_metadata), (KEYSTORE, keystore_metadata)])
def test_every_table_is_declared_once(declared: tuple[StoredData, ...], metadata: MetaData) -> None:
    assert sorted(data.table for data in declared) == sorted(metadata.tables)


@pytest.mark.parametrize(("data", "metadata"), DECLARED, ids=lambda one: getattr(one, "table", ""))
def test_every_column_is_declared_once_and_the_personal_ones_are_sealed(data: StoredData, metadata: MetaData) -> None:
    table = metadata.tables[data.table]
    kinds = list(data.columns)

    assert sorted(name for name, _ in kinds) == sorted(column.name for column in table.columns)
    sealed = {
        column.name
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name.startswith("sealed")
    }
    assert {name for name, kind in kinds if kind == "personal"} == sealed


@pytest.mark.parametrize("data", OWNED, ids=lambda one: one.table)
def test_what_stays_of_a_table_has_a_ground_and_what_is_emptied_can_be(data: StoredData) -> None:
    columns = main_metadata.tables[data.table].columns

    assert data.owner in columns.keys()  # noqa: SIM118 - a collection of columns
    assert (data.ground is None) == (data.outcome is not None and data.outcome.value == "DELETED")
    assert all(columns[name].nullable for name in data.emptied.split())
    kept_personal = {name for name, kind in data.columns if kind == "personal"} - set(data.emptied.split())
    assert data.outcome is not None
    assert data.outcome.value == "DELETED" or not kept_personal


def test_what_a_customer_owns_is_exported_or_it_is_said_why_not() -> None:
    assert set(STORES) == {data.table for data in OWNED}
    assert set(Section) <= set(STORES.values())
    assert all(STORES[data.table] for data in OWNED)


def test_what_a_customer_owns_is_in_plans_and_receipts() -> None:
    owned = {name for name, table in main_metadata.tables.items() if OWNER_COLUMNS & set(table.columns.keys())}

    assert owned - NOT_IN_RECEIPTS == {data.table for data in OWNED} - {"customers"}
    assert GATEWAY_ATTEMPTS.table in owned
