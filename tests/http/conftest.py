"""A house on SQLite alone: no database has a part in what is refused before it is read."""

from collections.abc import AsyncIterator

import pytest

from tests.house import House, Urls, open_test_house


@pytest.fixture
async def house(sqlite_urls: Urls) -> AsyncIterator[House]:
    async with open_test_house(sqlite_urls) as opened:
        yield opened
