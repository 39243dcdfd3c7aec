"""A customer's order history: newest first, keyset pagination."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from app.customers.orders.repository import OrderFilter, PageLoader, page_of_one_customer
from app.customers.orders.tables import Order
from app.platform.db.columns import new_id
from app.platform.db.reading import Read
from tests.customers.orders.builders import history, record, row_id
from tests.shop import Shop

MANY = 10_000
START = datetime(2020, 1, 1, tzinfo=UTC)


async def fill(shop: Shop, customer_id: UUID, number: int) -> None:
    """Write orders, an hour apart, as `recordOrder` does."""
    rows = [
        {
            "id": new_id(),
            "organization_id": shop.organization.id,
            "owner_id": customer_id,
            "customer_id": customer_id,
            "number": f"{customer_id.hex[-6:]}-{one}",
            "status": "PLACED",
            "placed_at": START + timedelta(hours=one // 2),
            "total_minor": one,
            "currency_code": "CHF",
            "item_count": 1,
            "version": 1,
            "created_at": START,
            "updated_at": START,
        }
        for one in range(number)
    ]
    async with shop.runtime.store.database.engine.begin() as connection:
        await connection.execute(insert(Order), rows)
        await connection.execute(text("ANALYZE"))


async def plan(shop: Shop, page: PageLoader, customer_id: UUID) -> str:
    """The query plan of a page."""
    database = shop.runtime.store.database
    read = page_of_one_customer(by_status=page.order_filter.status is not None)
    explained = Read(read.select, tuple)
    compiled = explained._compile(database.engine.dialect)
    prefix = "EXPLAIN QUERY PLAN " if database.embedded else "EXPLAIN "
    explained._compiled[database.engine.dialect.name] = compiled._replace(
        sql=prefix + compiled.sql, result_processors=(None,) * (4 if database.embedded else 1)
    )
    shared = {"organization_id": shop.organization.id, "customer_id": customer_id, "size": page.size}
    rows = await database.rows(explained, **shared, **page.order_filter.parameters(page.after))
    return "\n".join(str(row[-1]) for row in rows)


async def test_the_history_is_paged_newest_first_to_its_end(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    token = await shop.integration()
    days = ["2026-01-03", "2026-01-01", "2026-01-02", "2026-01-02", "2026-01-05"]
    for number, day in enumerate(days):
        await record(shop, token, customerId=ann.id, number=f"n{number}", placedAt=f"{day}T00:00:00Z")
    await record(shop, token, customerId=bob.id, number="bob")

    seen: list[list[str]] = []
    after = None
    while True:
        orders = (await history(shop, ann.token, first=2, after=after))["orders"]
        assert orders["totalCount"] == 5
        seen.append([one["number"] for one in orders["nodes"]])
        after = orders["pageInfo"]["endCursor"]
        if not orders["pageInfo"]["hasNextPage"]:
            break

    assert seen == [["n4", "n0"], ["n3", "n2"], ["n1"]]


async def test_dates_and_status_narrow_the_history_and_its_count(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    for number, status in enumerate(("PLACED", "PENDING", "PLACED", "FULFILLED")):
        placed = f"2026-01-0{number + 1}T00:00:00Z"
        await record(shop, token, customerId=ann.id, number=str(number), placedAt=placed, status=status)

    async def numbers(**arguments: Any) -> tuple[list[str], int]:
        orders = (await history(shop, ann.token, **arguments))["orders"]
        return [one["number"] for one in orders["nodes"]], orders["totalCount"]

    assert await numbers(placedFrom="2026-01-02T00:00:00Z") == (["3", "2", "1"], 3)
    assert await numbers(placedTo="2026-01-02T00:00:00Z") == (["0"], 1)
    assert await numbers(placedFrom="2026-01-02T01:00:00+01:00", placedTo="2026-01-04T00:00:00Z") == (["2", "1"], 2)
    assert await numbers(status="PLACED") == (["2", "0"], 2)
    assert await numbers(status="PLACED", first=1) == (["2"], 2)
    assert await numbers(status="CANCELLED") == ([], 0)
    assert await numbers(placedFrom="2026-01-04T00:00:00Z", placedTo="2026-01-01T00:00:00Z") == ([], 0)


async def test_the_back_office_sees_the_history_of_a_customer(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    await record(shop, token, customerId=ann.id)
    query = """query ($id: ID!) { customer(by: { id: $id }) { orders { totalCount nodes { number } } } }"""

    found = (await shop.ask(query, token=await shop.staff(), id=ann.id)).data["customer"]

    assert found == {"orders": {"totalCount": 1, "nodes": [{"number": "1001"}]}}


@pytest.mark.parametrize(("first", "after"), [(0, None), (101, None), (5, "x"), (5, "AAAAAAAAAAAAAAAAAAAA")])
async def test_an_invalid_page_is_refused(shop: Shop, first: int, after: str | None) -> None:
    ann = await shop.register("ann@example.org")

    answer = await shop.ask("OrderHistory", token=ann.token, first=first, after=after)

    assert answer.codes == ["BAD_USER_INPUT"]


async def test_first_and_last_page_of_ten_thousand_orders_read_the_same_range_of_one_index(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    await fill(shop, row_id(bob), 100)
    await fill(shop, row_id(ann), MANY)

    first = (await history(shop, ann.token))["orders"]
    oldest = START + timedelta(hours=50)
    last = (await history(shop, ann.token, placedTo=oldest.isoformat()))["orders"]
    plans = [
        await plan(shop, PageLoader(OrderFilter(), 101), row_id(ann)),
        await plan(shop, PageLoader(OrderFilter(), 101, (START + timedelta(hours=10), new_id())), row_id(ann)),
        await plan(shop, PageLoader(OrderFilter(placed_from=START, placed_to=oldest), 101), row_id(ann)),
    ]

    assert first["totalCount"] == MANY
    assert [one["total"]["amount"] for one in first["nodes"][:2]] == ["99.99", "99.98"]
    assert [one["total"]["amount"] for one in last["nodes"][-2:]] == ["0.01", "0.00"]
    assert (len(last["nodes"]), last["totalCount"], last["pageInfo"]["hasNextPage"]) == (100, 100, False)
    for one in plans:
        assert "ix_orders_history" in one, one
        assert "(owner_id=? AND placed_at>? AND (placed_at,id)<(?,?))" in one or "(ROW(placed_at, id) < ROW(" in one, (
            one
        )
        assert not any(sorting in one for sorting in ("Sort", "TEMP B-TREE", "Seq Scan", "SCAN")), one


async def test_the_same_page_of_many_customers_is_one_query(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [await shop.register(f"person{number}@example.org") for number in range(3)]
    for number, one in enumerate(people[1:], start=1):
        await fill(shop, row_id(one), number * 3)
    counted: list[object] = []
    fetch = Read.fetch

    async def counting(self: Any, *arguments: Any) -> Any:
        counted.append(self)
        return await fetch(self, *arguments)

    monkeypatch.setattr(Read, "fetch", counting)
    pages = await PageLoader(OrderFilter(), 4)(
        shop.runtime.store, shop.organization.id, [row_id(one) for one in people]
    )
    alone = [
        (await PageLoader(OrderFilter(), 4)(shop.runtime.store, shop.organization.id, [row_id(one)]))[0]
        for one in people
    ]

    assert pages == alone
    assert [[row.total_minor for row in one] for one in pages] == [[], [2, 1, 0], [5, 4, 3, 2]]
    assert len(counted) == 1 + len(people)
