"""A house with a faulty gateway, and somebody who keeps payment methods there."""

from collections.abc import AsyncIterator, Iterator

import pytest

from app.customers.payment_methods.gateways.stripe_gateway import StripeGateway
from tests.customers.payment_methods.gateway import Counter, FaultyGateway
from tests.customers.payment_methods.stripe_peer import Peer, account, localstripe, peer
from tests.house import House, Person, Urls, open_test_house


@pytest.fixture
async def counter(house: House) -> Counter:
    return Counter(house, FaultyGateway())


@pytest.fixture
async def ann(house: House) -> Person:
    return await house.register("ann@example.org")


@pytest.fixture
async def bob(house: House) -> Person:
    return await house.register("bob@example.org")


@pytest.fixture
async def sqlite_counter(sqlite_urls: Urls) -> AsyncIterator[Counter]:
    """For rules that no database has a part in."""
    async with open_test_house(sqlite_urls) as house:
        yield Counter(house, FaultyGateway())


@pytest.fixture(scope="session")
def localstripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with localstripe(tmp_path_factory.mktemp("localstripe")) as url:
        yield url


@pytest.fixture
async def stripe_peer(localstripe_url: str) -> AsyncIterator[Peer]:
    """Stripe, behind a proxy that fails as planned."""
    async with peer(localstripe_url) as running:
        yield running


@pytest.fixture
async def stripe(stripe_peer: Peer) -> AsyncIterator[StripeGateway]:
    gateway = StripeGateway(account(stripe_peer))
    yield gateway
    await gateway.close()
