"""Figures for Prometheus."""

from datetime import UTC, datetime

import httpx

from app.platform.jobs import states
from app.server.web import create_app
from app.server.worker import jobs
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


async def test_without_a_token_the_figures_are_shown_in_development_on_this_machine_only(shop: Shop) -> None:
    elsewhere = httpx.ASGITransport(create_app(shop.runtime), client=("192.0.2.1", 4711))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://patron.test") as client:
        assert (await client.get("/metrics")).status_code == 404

    assert (await get_metrics(shop)).status_code == 200
    for header in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
        assert (await get_metrics(shop, **{header: "127.0.0.1"})).status_code == 404
    for host in ("shop.example.org", "shop.example.org:8000", "192.0.2.1", "localhost.example.org", ""):
        assert (await get_metrics(shop, host=host)).status_code == 404


async def test_without_a_token_production_shows_no_figures(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, env="production") as shop:
        assert (await get_metrics(shop)).status_code == 404


async def test_with_a_token_the_figures_are_for_whoever_has_it(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, metrics_token="a long secret") as shop:
        assert (await get_metrics(shop)).status_code == 404
        assert (await get_metrics(shop, authorization="Bearer wrong")).status_code == 404
        assert (await get_metrics(shop, authorization="Bearer a long secret")).status_code == 200


async def test_each_job_says_when_it_last_succeeded_and_failed_and_how_long_it_took(shop: Shop) -> None:
    database, moment = shop.runtime.store.database, datetime(2026, 5, 1, tzinfo=UTC)
    await states.record_success(database, "sweep-mail", ended_at=moment, seconds=0.25, count=3)
    await states.record_failure(database, "erase", ended_at=moment, seconds=2.5, retry_at=moment)

    lines = (await get_metrics(shop)).text.splitlines()

    assert 'patron_job_last_success_timestamp_seconds{job="sweep-mail"} 1.7775936e+09' in lines
    assert 'patron_job_duration_seconds{job="sweep-mail"} 0.25' in lines
    assert 'patron_job_last_failure_timestamp_seconds{job="erase"} 1.7775936e+09' in lines
    assert 'patron_job_last_success_timestamp_seconds{job="erase"}' not in "\n".join(lines)


async def test_the_other_figures_are_shown_while_the_states_of_jobs_cannot_be_read(shop: Shop) -> None:
    await shop.execute("DROP TABLE job_states")

    page = await get_metrics(shop)

    assert page.status_code == 200
    assert "patron_password_hashes_in_flight 0.0" in page.text.splitlines()


async def test_every_job_of_the_worker_has_a_name_of_its_own(shop: Shop) -> None:
    names = [job.name for job in jobs(shop.runtime)]

    assert len(set(names)) == len(names) == 23
