"""Who may see the mails of development."""

import httpx
import pytest

from app.server.web import create_app
from tests.shop import Shop, Urls, open_shop

MAILBOX = "/dev/mail"


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "patron.localhost"])
async def test_the_mailbox_is_for_pages_of_this_machine(shop: Shop, host: str) -> None:
    assert (await shop.client.get(MAILBOX, headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "shop.example.org"},
        {"host": "shop.example.org:443"},
        {"host": "localhost.example.org"},
        {"host": "localhost@example.org"},
        {"host": "192.0.2.1:8000"},
        {"host": ""},
        {"x-forwarded-for": "127.0.0.1"},
        {"x-forwarded-host": "localhost"},
        {"forwarded": "for=127.0.0.1"},
        {"via": "1.1 proxy"},
    ],
)
async def test_the_mailbox_is_not_there_for_other_hosts_nor_behind_a_proxy(shop: Shop, headers: dict[str, str]) -> None:
    for path in (MAILBOX, f"{MAILBOX}/00000000-0000-7000-8000-000000000000"):
        answer = await shop.client.get(path, headers=headers)
        assert (answer.status_code, answer.text) == (404, "Not Found")


@pytest.mark.parametrize(("peer", "status"), [("127.0.0.1", 200), ("172.17.0.1", 200), ("11.22.33.44", 404)])
async def test_the_mailbox_is_not_there_for_the_internet_whatever_host_it_names(
    shop: Shop, peer: str, status: int
) -> None:
    transport = httpx.ASGITransport(create_app(shop.runtime), client=(peer, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get(MAILBOX)).status_code == status


async def test_production_has_no_mailbox(urls: Urls) -> None:
    async with open_shop(urls, env="production") as shop:
        assert (await shop.client.get(MAILBOX)).status_code == 404
