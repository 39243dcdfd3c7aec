"""A house with a faulty gateway, and somebody who keeps payment methods there."""

from collections.abc import AsyncIterator

import pytest

from tests.house import House, Person, Urls, open_test_house
from tests.payment_methods.gateway import Counter, FaultyGateway


@pytest.fixture
async def counter(house: House) -> Counter:
    return Counter(house, FaultyGateway())


@pytest.fixture
async def ann(house: House) -> Person:
    return await house.register("ann@example.org")


@pytest.fixture
async def bob(house: House) -> Person:
    return await house.register("bob@example.org")


@pytest.fixture
async def sqlite_counter(sqlite_urls: Urls) -> AsyncIterator[Counter]:
    """For rules that no database has a part in."""
    async with open_test_house(sqlite_urls) as house:
        yield Counter(house, FaultyGateway())
