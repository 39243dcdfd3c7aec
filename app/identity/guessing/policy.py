"""Guess limits: how many failures each counter allows without delay, and the delays after that.

| Counter   | Failures without delay | The delay after the next ones                                      |
|-----------|------------------------|--------------------------------------------------------------------|
| `account` | 4 (the 5th delays)     | 1 s after the 5th failure, then 2 s, 4 s, 8 s … at most 15 minutes |
| `device`  | 9 (the 10th delays)    | the same, from the 10th failure on                                 |
| `source`  | 29 (the 30th delays)   | the same, from the 30th failure on                                 |

A counter restarts at 1 when its last failure is older than `FAILURE_RETENTION` (24 hours). Development multiplies
the number of free failures (`GuessingPolicy.scaled`).
"""

from dataclasses import dataclass, replace
from datetime import timedelta

INITIAL_DELAY = timedelta(seconds=1)
MAX_DELAY = timedelta(minutes=15)
FAILURE_RETENTION = timedelta(hours=24)
MAX_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Allowance:
    """Failures below `free_failures` cause no delay. From that number on, each delay is twice the one before."""

    free_failures: int

    def delay(self, failures: int) -> timedelta:
        """How long attempts are refused after this many failures: 1 s, 2 s, 4 s … at most 15 minutes."""
        if failures < self.free_failures:
            return timedelta()
        doublings = min(failures - self.free_failures, MAX_DOUBLINGS)
        return min(INITIAL_DELAY * (1 << doublings), MAX_DELAY)


@dataclass(frozen=True, slots=True)
class GuessingPolicy:
    """Allowances for one name, one known device, and one source (a client address that many people may share)."""

    account: Allowance = Allowance(5)
    device: Allowance = Allowance(10)
    source: Allowance = Allowance(30)

    def scaled(self, factor: int) -> "GuessingPolicy":
        """The same policy with `factor` times as many free failures, for development."""
        return GuessingPolicy(
            *(
                replace(one, free_failures=one.free_failures * factor)
                for one in (self.account, self.device, self.source)
            )
        )
