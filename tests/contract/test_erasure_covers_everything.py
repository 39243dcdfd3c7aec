"""Every stored personal value is sealed, and an erasure deletes it."""

from uuid import UUID

from sqlalchemy import ColumnElement, LargeBinary, Table, func, select

from app.platform.db.columns import main_metadata
from app.platform.graphql import ids
from app.privacy.erasure import erase_due
from tests.contract.stored_values import PERSONAL, all_stored_values, customer_with_everything, settle_gateways
from tests.shop import Shop

# Tables whose rows stay. They hold ids, times and statuses only, no personal value, sealed or readable.
RETAINED_TABLES = {
    "anonymization_requests": "the proof that the erasure was asked for and done",
    "audit_events": "who did what and when, by ids and names of fields",
    "orders": "numbers, amounts, dates and the country, which the shop must keep",
    "erasure_requests": "that the customer asked for it, and who decided; the reason of a refusal is emptied",
    "legal_holds": "that data had to stay, and until when; the reason is emptied",
    "webhook_events": "that the shop's other systems are asked to forget, too",
    "gateway_attempts": "what is still to be sent to the gateways, sealed with the system key, emptied when sent",
}
# Ids and times of deleted customers: an anonymized customer has no row here.
DELETED_CUSTOMERS_ONLY = {"customer_deletions"}


def tables_of_a_customer() -> list[Table]:
    tables = main_metadata.sorted_tables
    return [table for table in tables if "customer_id" in table.c and table.name not in DELETED_CUSTOMERS_ONLY]


async def count_rows(shop: Shop, table: Table, customer_id: UUID, *conditions: ColumnElement[bool]) -> int:
    statement = select(func.count()).select_from(table).where(table.c.customer_id == customer_id, *conditions)
    async with shop.runtime.store.database.engine.connect() as connection:
        return int((await connection.execute(statement)).scalar_one())


def sealed_columns(table: Table) -> list[str]:
    return [one.name for one in table.c if isinstance(one.type, LargeBinary) and one.name.startswith("sealed")]


async def test_every_table_of_a_customer_is_filled_and_then_emptied(shop: Shop) -> None:
    customer_id = ids.decode("Customer", (await customer_with_everything(shop)).id)
    filled = {table.name: await count_rows(shop, table, customer_id) for table in tables_of_a_customer()}
    assert all(filled.values()), (
        f"`customer_with_everything` owns nothing in some of {filled}: extend it, and `erase_rooms`"
    )

    assert await erase_due(shop.runtime.store) == 1

    left = {table.name for table in tables_of_a_customer() if await count_rows(shop, table, customer_id)}
    assert left == set(RETAINED_TABLES)


async def test_nothing_sealed_is_left_of_an_erased_customer(shop: Shop) -> None:
    customer_id = ids.decode("Customer", (await customer_with_everything(shop)).id)

    assert await erase_due(shop.runtime.store) == 1
    await settle_gateways(shop)

    for table in tables_of_a_customer():
        for name in sealed_columns(table):
            assert await count_rows(shop, table, customer_id, table.c[name].is_not(None)) == 0, table.name
    assert await shop.count("customers", "sealed IS NOT NULL OR sealed_password IS NOT NULL") == 0
    assert await shop.count("gateway_attempts", "token_hash IS NOT NULL") == 0


async def test_no_personal_value_is_readable_in_any_column_before_or_after_the_erasure(shop: Shop) -> None:
    await customer_with_everything(shop)
    before = await all_stored_values(shop)

    assert await erase_due(shop.runtime.store) == 1

    for stored in [*before, *await all_stored_values(shop)]:
        shown = [name for name, value in PERSONAL.items() if stored.shows(value) and not is_chance(name, stored.value)]
        assert not shown, f"{stored.table}.{stored.column} shows {shown}"


def is_chance(name: str, value: object) -> bool:
    """Four digits of a card occur by chance in ids, times and random bytes."""
    return name == "card" and not (isinstance(value, str) and len(value) < 32)


async def test_the_searched_values_are_those_of_the_customer(shop: Shop) -> None:
    person = await customer_with_everything(shop)
    me = """{ me { email loginName attributes { value } firstName lastName phone phoneNational fax company birthDate
        reference taxExemptionCode imageUrl metadata addresses { line1 city notes } paymentMethods { last4 } } }"""

    shown = str((await shop.ask(me, token=person.token)).data)

    assert [name for name, value in PERSONAL.items() if value not in shown] == ["agent", "hold", "refusal"]
