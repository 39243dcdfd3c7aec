"""Rate-limit windows shared by all processes through Redis or Valkey, with local windows as the fallback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from app.platform.limits.windows import LimitStatus, LocalWindows, hit, test

TIMEOUT_SECONDS = 0.25
RETRY_SECONDS = 2.0
PROBE = RateLimitItemPerMinute(1, namespace="probe")
# One client speaks to Redis and to Valkey.
SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss", "unix": "redis+unix"}

log = structlog.get_logger(__name__)


class BadRedisUrl(Exception):
    """The text is no URL of a Redis or Valkey; the message says what would be right."""


class SharedWindows:
    """Uses windows in Redis where a URL is given; without a URL, and while Redis does not answer, local ones.

    Requests in flight when Redis fails wait `TIMEOUT_SECONDS` at most. Later ones do not wait: a background task finds
    out when it is back.
    """

    def __init__(self, url: str) -> None:
        """Use the server at `url` (`redis://`, `rediss://`, `valkey://`, `unix://`); no URL: local windows only.

        Raise `BadRedisUrl`.
        """
        self._local_storage = LocalWindows()
        self._local_limiter = SlidingWindowCounterRateLimiter(self._local_storage)
        self._shared_storage = _storage(url) if url else None
        self._shared_limiter = SlidingWindowCounterRateLimiter(self._shared_storage) if self._shared_storage else None
        self._connection_errors: tuple[type[Exception], ...] = (
            OSError,
            TimeoutError,
            *_storage_errors(self._shared_storage),
        )
        self._recovery: asyncio.Task[None] | None = None

    @property
    def degraded(self) -> bool:
        """Whether windows should be shared but are local."""
        return self._recovery is not None

    async def open(self) -> None:
        """Check whether the server answers."""
        if self._shared_limiter is not None:
            try:
                await self._probe()
            except self._connection_errors as fault:
                self._fall_back(fault)

    async def close(self) -> None:
        """Stop the background task and close the connections."""
        if self._recovery is not None:
            self._recovery.cancel()
            with suppress(asyncio.CancelledError):
                await self._recovery
        if self._shared_storage is not None:
            with suppress(*self._connection_errors):
                await self._shared_storage.bridge.get_connection().aclose()  # type: ignore[attr-defined] # every bridge has it

    async def hit(self, policy: RateLimitItem, key: str, amount: int = 1) -> LimitStatus:
        """Take from the shared window, or from the local one while Redis is unavailable."""
        if self._shared_limiter is not None and self._shared_storage is not None and self._recovery is None:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    return await hit(self._shared_limiter, self._shared_storage, policy, key, amount)
            except self._connection_errors as fault:
                self._fall_back(fault)
        return await self.hit_locally(policy, key, amount)

    async def test(self, policy: RateLimitItem, key: str) -> LimitStatus:
        """Look at the shared window, or the local one while there is none, and take nothing from it."""
        if self._shared_limiter is not None and self._shared_storage is not None and self._recovery is None:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    return await test(self._shared_limiter, self._shared_storage, policy, key)
            except self._connection_errors as fault:
                self._fall_back(fault)
        return await test(self._local_limiter, self._local_storage, policy, key)

    async def hit_locally(self, policy: RateLimitItem, key: str, amount: int = 1) -> LimitStatus:
        """Take from this process's window: costs microseconds, and counts only requests to this process."""
        return await hit(self._local_limiter, self._local_storage, policy, key, amount)

    def _fall_back(self, fault: BaseException) -> None:
        if self._recovery is None:
            log.warning("rate_limits_local", kind=type(fault).__qualname__)
            self._recovery = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            with suppress(*self._connection_errors):
                await self._probe()
                break
        log.warning("rate_limits_shared")
        self._recovery = None

    async def _probe(self) -> None:
        assert self._shared_limiter is not None  # noqa: S101 - only called where there is a server
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await self._shared_limiter.test(PROBE, "probe")


@asynccontextmanager
async def open_windows(url: str) -> AsyncIterator[SharedWindows]:
    """Windows that are open for the length of the block; raise `BadRedisUrl`."""
    windows = SharedWindows(url)
    await windows.open()
    try:
        yield windows
    finally:
        await windows.close()


def _storage_errors(storage: RedisStorage | None) -> tuple[type[Exception], ...]:
    """The exceptions that the client raises while its server is unavailable."""
    if storage is None:
        return ()
    exceptions = storage.base_exceptions
    return exceptions if isinstance(exceptions, tuple) else (exceptions,)


def _storage(url: str) -> RedisStorage:
    # Imported here: most installations have no Redis, and its client takes a tenth of the start-up time.
    from redis.asyncio.retry import Retry  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415

    # Its own retries would make requests wait.
    scheme, separator, rest = url.partition("://")
    if scheme not in SCHEMES or not separator or not _has_a_port(url):
        raise BadRedisUrl(
            "Write redis://user:password@host:port/0, with redis, rediss, valkey or valkeys, or unix:///path."
        )
    return RedisStorage(
        f"async+{SCHEMES[scheme]}://{rest}",
        implementation="redispy",
        key_prefix="patron",
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type] # handed to the client as it is
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
    )


def _has_a_port(url: str) -> bool:
    """Whether the port can be one, or is left out."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False
