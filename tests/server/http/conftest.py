"""Shops on SQLite alone: what HTTP does is the same on any database."""

from collections.abc import AsyncIterator

import pytest

from tests.shop import Shop, Urls, open_shop


@pytest.fixture
async def shop(sqlite_urls: Urls) -> AsyncIterator[Shop]:
    async with open_shop(sqlite_urls) as opened:
        yield opened
