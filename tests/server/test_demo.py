"""The demo organization of development."""

from app.server.demo import ensure_demo
from tests.shop import Urls, open_shop


async def test_the_demo_leaves_the_default_to_an_organization_that_has_it(urls: Urls) -> None:
    async with open_shop(urls) as shop:
        assert await shop.count("organizations", "is_default") == 1

        assert await ensure_demo(shop.runtime, "http://127.0.0.1:8000/graphql") is True
        assert await ensure_demo(shop.runtime, "http://127.0.0.1:8000/graphql") is False

        assert await shop.scalar("SELECT slug FROM organizations WHERE is_default") == shop.organization.slug
        assert await shop.count("organizations", "slug = 'demo' AND NOT is_default") == 1
