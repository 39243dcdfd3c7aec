"""Chooses mutants, runs their tests, and prints which no test noticed."""

import argparse
import sys
import time
from pathlib import Path

from tests.mutants.running import run
from tests.mutants.selection import ROOT, Chosen, choose

# A change that the nearest tests do not notice is tried with all that execute it.
ALL_TESTS = 1000


def main() -> int:
    """Return 1 when fewer were noticed than `--at-least` percent."""
    parser = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="another one chooses other changes")
    parser.add_argument("--count", type=int, default=300, help="how many changes")
    parser.add_argument("--tests", type=int, default=40, help="how many tests are run for one change at first")
    parser.add_argument("--processes", type=int, default=2, help="how many at once")
    parser.add_argument("--at-least", type=float, default=0.0, help="fail below this percentage")
    parser.add_argument("--measured", type=Path, default=ROOT / "var" / "mutants" / "coverage")
    given = parser.parse_args()
    chosen, unexecuted = choose(given.measured, seed=given.seed, count=given.count)
    _say(f"{len(chosen)} changes with seed {given.seed}; {unexecuted} more are on lines that no test executes")
    started, survived = time.monotonic(), 0
    doubtful = []
    for number, (one, noticed) in enumerate(run(chosen, at_once=given.processes, max_tests=given.tests), 1):
        if not noticed and len(one.tests) > given.tests:
            doubtful.append(one)
        elif not noticed:
            survived += _tell(one)
        if number % 25 == 0:
            _say(f"{number} of {len(chosen)}, {time.monotonic() - started:.0f} s, {len(doubtful)} to be tried again")
    for one, noticed in run(doubtful, at_once=given.processes, max_tests=ALL_TESTS):
        survived += 0 if noticed else _tell(one)
    share = 100 * (len(chosen) - survived) / len(chosen)
    _say(f"{len(chosen) - survived} of {len(chosen)} noticed: {share:.1f} %")
    return int(share < given.at_least)


def _tell(survivor: Chosen) -> int:
    source = (ROOT / survivor.mutant.path).read_text(encoding="utf-8")
    _say(f"not noticed by {len(survivor.tests)} tests: {survivor.mutant.describe(source)}")
    return 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
