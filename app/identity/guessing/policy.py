"""How many wrong guesses are free, and how long the next one waits."""

from dataclasses import dataclass, replace
from datetime import timedelta

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=24)
DOUBLINGS_MAX = 32


@dataclass(frozen=True, slots=True)
class Allowance:
    """The first `free` failures cost nothing; each one after waits twice as long as the one before it."""

    free: int

    def delay(self, failures: int) -> timedelta:
        """How long nothing is looked at after so many failures: 1 s, 2 s, 4 s … at most 15 minutes."""
        if failures < self.free:
            return timedelta()
        doublings = min(failures - self.free, DOUBLINGS_MAX)
        return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


@dataclass(frozen=True, slots=True)
class GuessingPolicy:
    """Allowances for one name, one known device, and one source, behind which many people may sit."""

    account: Allowance = Allowance(5)
    device: Allowance = Allowance(10)
    source: Allowance = Allowance(30)

    def widened(self, times: int) -> "GuessingPolicy":
        """The same with `times` as many free failures, for development."""
        return GuessingPolicy(
            *(replace(one, free=one.free * times) for one in (self.account, self.device, self.source))
        )
