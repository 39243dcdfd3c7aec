"""One sliding window: how much is left of it, and when more becomes available."""

import time
from dataclasses import dataclass
from math import ceil, floor
from typing import Protocol

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

SWEEP_THRESHOLD = 20_000
MAX_KEYS = 400_000


@dataclass(frozen=True, slots=True)
class LimitStatus:
    """The state of a caller's window.

    `reset_seconds` is the time until more becomes available or, after a refusal, until a retry can succeed.
    """

    policy: str
    limit: int
    window: int
    allowed: bool
    remaining: int
    reset_seconds: int


class Windows(Protocol):
    """The storage methods that are used to read a window."""

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Count and remaining seconds of the previous and of the current window."""
        ...


class LocalWindows(MemoryStorage):
    """Windows in the memory of this process.

    The library checks every key at each hit. This sweeps only when the number of keys has doubled, from 20,000 on,
    and keeps at most `MAX_KEYS`: requests from many addresses cannot exhaust the memory.
    """

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self._sweep_at = SWEEP_THRESHOLD

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; the first count of a window sets its end."""
        if key not in self.expirations:
            self.expirations[key] = time.time() + expiry
            if len(self.expirations) > self._sweep_at:
                self._sweep()
        self.storage[key] += amount
        return self.storage[key]

    def _sweep(self) -> None:
        moment = time.time()
        alive = [key for key, end in self.expirations.items() if end > moment][-MAX_KEYS:]
        self.expirations = {key: self.expirations[key] for key in alive}
        self.storage = type(self.storage)({key: self.storage[key] for key in alive})
        self.locks.clear()
        self._sweep_at = max(SWEEP_THRESHOLD, 2 * len(alive))


async def hit(
    limiter: SlidingWindowCounterRateLimiter, windows: Windows, policy: RateLimitItem, key: str, amount: int
) -> LimitStatus:
    """Take `amount` from the window of `key`, or nothing when less is left."""
    allowed = await limiter.hit(policy, key, cost=amount)
    window = await windows.get_sliding_window(policy.key_for(key), policy.get_expiry())
    return _limit_status(policy, window, amount, allowed=allowed)


async def test(
    limiter: SlidingWindowCounterRateLimiter, windows: Windows, policy: RateLimitItem, key: str
) -> LimitStatus:
    """Whether one more would be let through; nothing is taken."""
    allowed = await limiter.test(policy, key)
    window = await windows.get_sliding_window(policy.key_for(key), policy.get_expiry())
    return _limit_status(policy, window, 1, allowed=allowed)


def _limit_status(
    policy: RateLimitItem, window: tuple[int, float, int, float], amount: int, *, allowed: bool
) -> LimitStatus:
    previous, previous_ends, current, current_ends = window
    period = policy.get_expiry()
    # The library keeps a window for two periods; during the second its weight decreases.
    turn = max(0.0, current_ends - period) if current else 0.0
    used = floor(previous * previous_ends / period) + current
    wait = turn if allowed else _wait(policy, window, turn, amount)
    return LimitStatus(
        policy=policy.namespace,
        limit=policy.amount,
        window=period,
        allowed=allowed,
        remaining=max(0, policy.amount - used),
        reset_seconds=min(period, max(1, ceil(wait))),
    )


def _wait(policy: RateLimitItem, window: tuple[int, float, int, float], turn: float, amount: int) -> float:
    """Seconds until `amount` fits, if nothing else is taken until then."""
    previous, previous_ends, current, _ = window
    period, free = policy.get_expiry(), policy.amount - amount
    if current <= free and previous:
        # It fits when floor(previous * left / period) + current <= free.
        return previous_ends - (free - current + 1) * period / previous
    if current == 0:
        return float(period)
    return turn + max(0.0, period - (free + 1) * period / current)
