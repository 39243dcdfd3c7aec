"""Windows shared by all processes through Redis or Valkey; each process for itself while that is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from app.platform.limits.windows import LocalWindows, Standing, take

ANSWER_SECONDS = 0.25
RETRY_SECONDS = 2.0
PROBE = RateLimitItemPerMinute(1, namespace="probe")

log = structlog.get_logger(__name__)


class SharedWindows:
    """Takes from windows in Redis where its URL is given, else, and while it does not answer, from local ones.

    The requests under way when it goes away wait `ANSWER_SECONDS` at most; those after it do not wait at all,
    as a task of its own finds out when it is back.
    """

    def __init__(self, url: str) -> None:
        """Use the server at `url` (`redis://`, `rediss://`, `valkey://`, `unix://`); no URL: local windows only."""
        self._local = LocalWindows()
        self._by_local = SlidingWindowCounterRateLimiter(self._local)
        self._shared = _storage(url) if url else None
        self._by_shared = SlidingWindowCounterRateLimiter(self._shared) if self._shared else None
        self._away: tuple[type[Exception], ...] = (OSError, TimeoutError, *_faults(self._shared))
        self._recovery: asyncio.Task[None] | None = None

    @property
    def degraded(self) -> bool:
        """Whether windows should be shared and are not."""
        return self._recovery is not None

    async def open(self) -> None:
        """Find out whether the server answers."""
        if self._by_shared is not None:
            try:
                await self._probe()
            except self._away as fault:
                self._fall_back(fault)

    async def close(self) -> None:
        """Stop looking for the server and close the connections to it."""
        if self._recovery is not None:
            self._recovery.cancel()
            with suppress(asyncio.CancelledError):
                await self._recovery
        if self._shared is not None:
            with suppress(*self._away):
                await self._shared.bridge.get_connection().aclose()  # type: ignore[attr-defined] # every bridge has it

    async def take(self, policy: RateLimitItem, key: str, amount: int = 1) -> Standing:
        """Take from the shared window, or from the local one while there is none."""
        if self._by_shared is not None and self._shared is not None and self._recovery is None:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await take(self._by_shared, self._shared, policy, key, amount)
            except self._away as fault:
                self._fall_back(fault)
        return await self.take_locally(policy, key, amount)

    async def take_locally(self, policy: RateLimitItem, key: str, amount: int = 1) -> Standing:
        """Take from the window of this process: costs microseconds, and counts only what comes here."""
        return await take(self._by_local, self._local, policy, key, amount)

    def _fall_back(self, fault: BaseException) -> None:
        if self._recovery is None:
            log.warning("rate_limits_local", kind=type(fault).__qualname__)
            self._recovery = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            with suppress(*self._away):
                await self._probe()
                break
        log.warning("rate_limits_shared")
        self._recovery = None

    async def _probe(self) -> None:
        assert self._by_shared is not None  # noqa: S101 - only called where there is a server
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._by_shared.test(PROBE, "probe")


@asynccontextmanager
async def open_windows(url: str) -> AsyncIterator[SharedWindows]:
    """Windows for as long as the block runs."""
    windows = SharedWindows(url)
    await windows.open()
    try:
        yield windows
    finally:
        await windows.close()


def _faults(storage: RedisStorage | None) -> tuple[type[Exception], ...]:
    """What the client raises while its server is away."""
    if storage is None:
        return ()
    found = storage.base_exceptions
    return found if isinstance(found, tuple) else (found,)


def _storage(url: str) -> RedisStorage:
    # Here, as most houses have no Redis and its client takes a tenth of the time to start.
    from redis.asyncio.retry import Retry  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415

    # One client speaks to Redis and to Valkey; its own retries would make requests wait.
    url = (
        url.replace("valkey://", "redis://", 1)
        .replace("valkeys://", "rediss://", 1)
        .replace("unix://", "redis+unix://", 1)
    )
    return RedisStorage(
        f"async+{url}",
        implementation="redispy",
        key_prefix="patron",
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type] # handed to the client as it is
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
    )
