"""Fixtures: a shop behind HTTPS, and a browser on its storefront; a second organization with cookies sorts first."""

from typing import Any

import pytest

from tests.accounts.cookie_sessions.browser import PAGE, Browser
from tests.shop import Shop


@pytest.fixture
def shop_settings() -> dict[str, Any]:
    return {"public_url": "https://patron.test"}


@pytest.fixture
async def browser(shop: Shop) -> Browser:
    await shop.create_organization("another", cookie_sessions=True, cors_origins=["https://another.example.org"])
    organization = await shop.create_organization("cookies", cookie_sessions=True, cors_origins=[PAGE])
    return Browser(shop, organization)
