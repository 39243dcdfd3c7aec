"""Which failures of a transaction end when it runs again: somebody else's change came in between."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

FOREIGN_KEY_VIOLATION = "23503"
SERIALIZATION_FAILURE = "40001"
DEADLOCK = "40P01"
RETRIED_STATES = frozenset({FOREIGN_KEY_VIOLATION, SERIALIZATION_FAILURE, DEADLOCK})
MAX_RUNS = 5
Result = TypeVar("Result")


def may_succeed_again(fault: Exception) -> bool:
    """Whether the same transaction may succeed when it runs again from the start.

    A violated foreign key is one of them: what is referred to was there when it was looked at, and no lock kept it.
    The next run sees that it is gone, and says so.
    """
    return getattr(getattr(fault, "orig", fault), "sqlstate", None) in RETRIED_STATES


async def run_again(
    act: Callable[[], Awaitable[Result]], *, may_succeed: Callable[[Exception], bool] = may_succeed_again
) -> Result:
    """Run an act of the worker, which may be repeated, up to five times while `may_succeed` says so of its failure."""
    for _ in range(MAX_RUNS - 1):
        try:
            return await act()
        except Exception as fault:
            if not may_succeed(fault):
                raise
    return await act()
