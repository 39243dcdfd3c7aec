"""Reads by ids."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.accounts.organizations.tables import Organization
from app.platform.db.columns import new_id
from app.platform.db.engine import Database, DatabaseOptions
from app.platform.db.reading import Read, any_of
from tests.house import House, Urls


class _Id(NamedTuple):
    id: UUID


BY_IDS = Read(select(col(Organization.id)).where(any_of(Organization.id, "ids")), _Id._make)
KEPT_PLANS = "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT organizations.id%'"


async def test_a_read_finds_none_one_or_several_by_their_ids(house: House) -> None:
    first, second = house.shop.id, (await house.open_shop("second")).id
    database = house.patron.store.database

    assert await database.rows(BY_IDS, ids=[]) == []
    assert await database.rows(BY_IDS, ids=[second]) == [_Id(second)]
    assert await database.rows(BY_IDS, ids={first, new_id()}) == [_Id(first)]
    assert set(await database.rows(BY_IDS, ids=[first, second])) == {_Id(first), _Id(second)}


async def test_postgresql_plans_a_read_of_a_single_id_once(postgres_urls: Urls) -> None:
    database = Database(postgres_urls.main, DatabaseOptions(pool_size=1))

    for _ in range(10):
        await database.rows(BY_IDS, ids=[new_id()])

    reader = await database._readers.take()
    # After five plans of their own the server compares, and stays with the general one.
    assert await reader.driver.fetchval(KEPT_PLANS) == 5
    database._readers.put_back(reader)
    await database.close()
