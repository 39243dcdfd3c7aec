"""A real process whose database has gone silent."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from threading import Thread

import httpx
import pytest

from tests.server.process.server import Server, serving
from tests.shop import Urls
from tests.silent_proxy import SilentProxy, silent_proxy

ME = {"query": "{ viewer { kind } }"}


@pytest.mark.parametrize("silent", ["main", "keystore"])
async def test_sigterm_ends_a_process_within_ten_seconds_whatever_its_databases_do(
    postgres_urls: Urls, tmp_path: Path, silent: str
) -> None:
    urls = {"main": postgres_urls.main, "keystore": postgres_urls.keystore}
    async with silent_proxy(urls[silent]) as proxy:
        urls[silent] = proxy.proxied(urls[silent])

        code, log = await asyncio.to_thread(
            serve_until_silent, tmp_path / "var", urls, proxy, asyncio.get_running_loop()
        )

    assert code == 0
    assert all(json.loads(line)["level"] for line in log.splitlines())


def serve_until_silent(
    var: Path, urls: dict[str, str], proxy: SilentProxy, loop: asyncio.AbstractEventLoop
) -> tuple[int, str]:
    """The exit code of a server that is ended while a request waits, and what it logged."""
    with serving(var, database_url=urls["main"], keystore_url=urls["keystore"]) as server:
        server.register("ann@example.org")
        loop.call_soon_threadsafe(proxy.silence)
        waiting = Thread(target=_ask, args=[server])
        waiting.start()
        code = server.end()
        waiting.join()
    return code, (var / "server.log").read_text()


def _ask(server: Server) -> None:
    with suppress(httpx.TransportError):  # It ends with the process.
        httpx.post(f"{server.url}/graphql", json=ME, headers={"x-api-key": server.demo["publishableKey"]}, timeout=30)
