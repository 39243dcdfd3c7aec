"""Query plans of lists of customers."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text, true

from app.customers.back_office.listing import CustomerSortField, Sort, SortDirection, page_statement
from tests.shop import Shop

MIDDLE = UUID(int=2**127)


async def plan(shop: Shop, sort: Sort, *, after: bool) -> str:
    value = 0 if sort.field is CustomerSortField.ORDERS else datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    statement = page_statement(condition=true(), sort=sort, size=100, after=(value, MIDDLE.hex) if after else None)
    engine = shop.runtime.store.database.engine
    compiled = statement.params(organization_id=shop.organization.id).compile(
        dialect=engine.dialect, compile_kwargs={"literal_binds": True}
    )
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    async with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(text("SET enable_seqscan = off"))
            await connection.execute(text("SET enable_bitmapscan = off"))
        rows = await connection.exec_driver_sql(f"{explain} {compiled}")
        return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize("direction", list(SortDirection))
@pytest.mark.parametrize("field", list(CustomerSortField))
async def test_any_page_is_a_range_of_an_index_without_a_sort(
    shop: Shop, field: CustomerSortField, direction: SortDirection
) -> None:
    index = {
        CustomerSortField.CREATED_AT: "ix_customers_created",
        CustomerSortField.UPDATED_AT: "ix_customers_updated",
        CustomerSortField.ORDERS: "ix_customers_orders",
    }[field]

    for after in (False, True):
        found = await plan(shop, Sort(field, direction), after=after)

        assert index in found, found
        assert "Sort" not in found, found
        assert "TEMP B-TREE" not in found, found
        if after:
            # The position is the start of the index scan, not a filter on scanned rows.
            column = field.value
            start = "(organization_id=? AND (" if "SEARCH" in found else f"ROW({column}, id)"
            assert start in found, found
            assert "Index Cond" in found or "SEARCH" in found, found
