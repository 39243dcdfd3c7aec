"""Fixtures: a shop behind HTTPS, and a browser on its storefront; a second organization with cookies sorts first."""

from collections.abc import AsyncIterator

import pytest

from tests.accounts.cookie_sessions.browser import PAGE, Browser
from tests.shop import Shop, Urls, open_shop


@pytest.fixture
async def shop(urls: Urls) -> AsyncIterator[Shop]:
    async with open_shop(urls, public_url="https://patron.test") as opened:
        await opened.create_organization("another", cookie_sessions=True, cors_origins=["https://another.example.org"])
        yield opened


@pytest.fixture
async def browser(shop: Shop) -> Browser:
    organization = await shop.create_organization("cookies", cookie_sessions=True, cors_origins=[PAGE])
    return Browser(shop, organization)
