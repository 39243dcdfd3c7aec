"""Shops on SQLite only: the HTTP layer does not depend on the database."""

from collections.abc import AsyncIterator

import pytest

from tests.shop import Shop, Urls, open_shop


@pytest.fixture
async def shop(sqlite_urls: Urls) -> AsyncIterator[Shop]:
    async with open_shop(sqlite_urls) as opened:
        yield opened
