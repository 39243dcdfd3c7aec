"""Fixtures: a shop with a faulty gateway, and customers."""

from collections.abc import AsyncIterator, Iterator

import pytest

from app.customers.payment_methods.gateways.stripe_gateway import StripeGateway
from tests.customers.payment_methods.payments import FaultyGateway, SandboxPayments
from tests.customers.payment_methods.stripe_proxy import StripeProxy, account, localstripe, serve_stripe_proxy
from tests.shop import Person, Shop, Urls, open_shop


@pytest.fixture
async def payments(shop: Shop) -> SandboxPayments:
    return SandboxPayments(shop, FaultyGateway())


@pytest.fixture
async def ann(shop: Shop) -> Person:
    return await shop.register("ann@example.org")


@pytest.fixture
async def bob(shop: Shop) -> Person:
    return await shop.register("bob@example.org")


@pytest.fixture
async def sqlite_payments(sqlite_urls: Urls) -> AsyncIterator[SandboxPayments]:
    """For rules that do not depend on the database."""
    async with open_shop(sqlite_urls) as shop:
        yield SandboxPayments(shop, FaultyGateway())


@pytest.fixture(scope="session")
def localstripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with localstripe(tmp_path_factory.mktemp("localstripe")) as url:
        yield url


@pytest.fixture
async def stripe_proxy(localstripe_url: str) -> AsyncIterator[StripeProxy]:
    """Stripe behind a proxy with planned faults."""
    async with serve_stripe_proxy(localstripe_url) as running:
        yield running


@pytest.fixture
async def stripe(stripe_proxy: StripeProxy) -> AsyncIterator[StripeGateway]:
    gateway = StripeGateway(account(stripe_proxy))
    yield gateway
    await gateway.close()
