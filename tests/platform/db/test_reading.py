"""Compiled reads by lists of ids."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.accounts.organizations.tables import Organization
from app.platform.db.columns import new_id
from app.platform.db.engine import Database, DatabaseOptions
from app.platform.db.reading import Read, any_of
from tests.shop import Shop, Urls


class _Id(NamedTuple):
    id: UUID


BY_IDS = Read(select(col(Organization.id)).where(any_of(Organization.id, "ids")), _Id._make)
KEPT_PLANS = "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT organizations.id%'"


async def test_a_read_finds_none_one_or_several_by_their_ids(shop: Shop) -> None:
    first, second = shop.organization.id, (await shop.create_organization("second")).id
    database = shop.runtime.store.database

    assert await database.rows(BY_IDS, ids=[]) == []
    assert await database.rows(BY_IDS, ids=[second]) == [_Id(second)]
    assert await database.rows(BY_IDS, ids={first, new_id()}) == [_Id(first)]
    assert set(await database.rows(BY_IDS, ids=[first, second])) == {_Id(first), _Id(second)}


async def test_postgresql_plans_a_read_of_a_single_id_once(postgres_urls: Urls) -> None:
    database = Database(postgres_urls.main, DatabaseOptions(pool_size=1))

    for _ in range(10):
        await database.rows(BY_IDS, ids=[new_id()])

    reader = await database._read_pool.acquire()
    # After five custom plans the server compares costs and keeps the generic plan.
    assert await reader.driver.fetchval(KEPT_PLANS) == 5
    database._read_pool.release(reader)
    await database.close()
