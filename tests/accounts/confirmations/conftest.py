"""Fixtures: an organization that requires verified email addresses."""

import pytest

from tests.accounts.confirmations.storefront import Storefront
from tests.shop import Shop


@pytest.fixture
async def storefront(shop: Shop) -> Storefront:
    return Storefront(shop, await shop.create_organization("careful", require_verified_email=True))
