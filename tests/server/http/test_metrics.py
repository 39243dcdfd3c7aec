"""Figures for Prometheus."""

import httpx

from app.server.web import create_app
from tests.shop import Shop, Urls, open_shop


async def get_metrics(shop: Shop, **headers: str) -> httpx.Response:
    return await shop.client.get("/metrics", headers=headers)


async def test_requests_are_counted_by_what_they_do_and_how_they_end(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, rate_limits={"guest-reads": "1 per hour"}) as shop:
        await shop.ask("{ viewer { kind } }")
        await shop.ask("{ viewer { kind } }")
        await shop.register("ann@example.org")
        await shop.client.get("/nothing/ann@example.org")
        page = await get_metrics(shop)

    lines = page.text.splitlines()
    assert page.headers["content-type"].startswith("text/plain")
    assert 'patron_http_requests_total{operation="reads",route="/graphql",status="200"} 1.0' in lines
    assert 'patron_http_requests_total{operation="reads",route="/graphql",status="429"} 1.0' in lines
    assert 'patron_http_requests_total{operation="credentials",route="/graphql",status="200"} 1.0' in lines
    assert 'patron_http_requests_total{operation="none",route="other",status="404"} 1.0' in lines
    assert 'patron_http_request_seconds_count{operation="reads",route="/graphql"} 2.0' in lines
    assert 'patron_rate_limit_refusals_total{policy="guest-reads"} 1.0' in lines
    assert "patron_password_hashes_in_flight 0.0" in lines
    assert "patron_rate_limits_local 0.0" in lines
    assert "ann" not in page.text
    assert "127.0.0.1" not in page.text


async def test_the_figures_are_shown_on_this_machine_only_and_through_no_proxy(shop: Shop) -> None:
    elsewhere = httpx.ASGITransport(create_app(shop.runtime), client=("192.0.2.1", 4711))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://patron.test") as client:
        assert (await client.get("/metrics")).status_code == 404

    assert (await get_metrics(shop)).status_code == 200
    for header in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
        assert (await get_metrics(shop, **{header: "127.0.0.1"})).status_code == 404


async def test_with_a_token_the_figures_are_for_whoever_has_it(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, metrics_token="a long secret") as shop:
        assert (await get_metrics(shop)).status_code == 404
        assert (await get_metrics(shop, authorization="Bearer wrong")).status_code == 404
        assert (await get_metrics(shop, authorization="Bearer a long secret")).status_code == 200
