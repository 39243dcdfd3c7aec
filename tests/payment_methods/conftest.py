"""A house with a faulty gateway, and somebody who keeps payment methods there."""

import pytest

from tests.house import House, Person
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
