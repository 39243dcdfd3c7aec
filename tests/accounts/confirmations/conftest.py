"""Fixtures: a shop that wants addresses proven."""

import pytest

from tests.accounts.confirmations.words import Letters
from tests.house import House


@pytest.fixture
async def letters(house: House) -> Letters:
    return Letters(house, await house.open_shop("careful", require_verified_email=True))
