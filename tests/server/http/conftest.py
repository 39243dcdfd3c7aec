"""Houses on SQLite alone: what HTTP does is the same on any database."""

from collections.abc import AsyncIterator

import pytest

from tests.house import House, Urls, open_test_house


@pytest.fixture
async def house(sqlite_urls: Urls) -> AsyncIterator[House]:
    async with open_test_house(sqlite_urls) as opened:
        yield opened
