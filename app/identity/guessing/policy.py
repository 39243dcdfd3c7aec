"""How many wrong guesses are free, and how long the next one waits."""

from dataclasses import dataclass, replace
from datetime import timedelta

INITIAL_DELAY = timedelta(seconds=1)
MAX_DELAY = timedelta(minutes=15)
FAILURE_RETENTION = timedelta(hours=24)
MAX_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Allowance:
    """The first `free` failures cost nothing; each one after waits twice as long as the one before it."""

    free_failures: int

    def delay(self, failures: int) -> timedelta:
        """How long nothing is looked at after so many failures: 1 s, 2 s, 4 s … at most 15 minutes."""
        if failures < self.free_failures:
            return timedelta()
        doublings = min(failures - self.free_failures, MAX_DOUBLINGS)
        return min(INITIAL_DELAY * (1 << doublings), MAX_DELAY)


@dataclass(frozen=True, slots=True)
class GuessingPolicy:
    """Allowances for one name, one known device, and one source, behind which many people may sit."""

    account: Allowance = Allowance(5)
    device: Allowance = Allowance(10)
    source: Allowance = Allowance(30)

    def scaled(self, factor: int) -> "GuessingPolicy":
        """The same with `times` as many free failures, for development."""
        return GuessingPolicy(
            *(
                replace(one, free_failures=one.free_failures * factor)
                for one in (self.account, self.device, self.source)
            )
        )
