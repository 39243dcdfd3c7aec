"""The cost of the first and of the 900th page of 100,000 customers on PostgreSQL.

python -m tests.server.bench.paging
"""

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import uvloop
from sqlalchemy import text

from app.platform.db.migrating import migrate
from app.platform.db.revisions import DatabaseKind
from app.server.runtime import databases
from tests import postgres
from tests.shop import Shop, Urls, open_shop

CUSTOMERS = 100_000
SIZE = 100
DEEP = 900
REPEATS = 25
ROWS = text(
    """INSERT INTO customers (id, organization_id, shopper_reference, placed_orders, newsletter, version,
        created_at, updated_at)
    SELECT gen_random_uuid(), :organization_id, 'shopper-' || number, number % 4, false, 1, moment, moment
    FROM (SELECT number, timestamptz '2020-01-01' + number * interval '7 minutes' AS moment
          FROM generate_series(1, :customers) AS number) AS numbers"""
)
PAGE = """query ($first: Int!, $after: String) { customers(first: $first, after: $after) {
    pageInfo { endCursor } nodes { id status createdAt } } }"""


async def page(shop: Shop, token: str, after: str | None) -> tuple[str, float]:
    """The cursor of the next page, and how many milliseconds this one took."""
    started = perf_counter()
    answer = await shop.ask(PAGE, token=token, first=SIZE, after=after)
    took = (perf_counter() - started) * 1000
    cursor: str = answer.data["customers"]["pageInfo"]["endCursor"]
    return cursor, took


async def measure(shop: Shop) -> None:
    """Fill the table, walk to the deep page, and measure both in turn."""
    async with shop.runtime.store.database.engine.begin() as connection:
        await connection.execute(ROWS, {"organization_id": shop.organization.id, "customers": CUSTOMERS})
        await connection.execute(text("ANALYZE customers"))
    token = await shop.integration()
    cursor: str | None = None
    for number in range(DEEP - 1):
        if number % 300 == 0:
            token = await shop.integration()
        cursor, _ = await page(shop, token, cursor)
    times: dict[str, list[float]] = {"first": [], "deep": []}
    for _ in range(REPEATS):
        times["first"].append((await page(shop, token, None))[1])
        times["deep"].append((await page(shop, token, cursor))[1])
    first, deep = median(times["first"]), median(times["deep"])
    print(f"page 1: {first:.1f} ms, page {DEEP}: {deep:.1f} ms, ratio {deep / first:.2f}")  # noqa: T201 - what it is for


async def page_through() -> None:
    """On a server and databases of its own."""
    with postgres.server() as server, tempfile.TemporaryDirectory() as folder:
        names = ("patron_paging_main", "patron_paging_keystore")
        for name in names:
            await postgres.execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await postgres.execute(server, f"CREATE DATABASE {name}")
        main_url, keystore_url = (postgres.database(server, name) for name in names)
        urls = Urls(main_url, keystore_url, Path(folder))
        for database, kind in zip(databases(urls.settings()), DatabaseKind, strict=True):
            await migrate(database, kind)
            await database.close()
        async with open_shop(urls) as shop:
            await measure(shop)
        for name in names:
            await postgres.execute(server, f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    uvloop.run(page_through())
