"""Chooses what is changed, and which tests execute it."""

import random
from dataclasses import dataclass
from pathlib import Path

from coverage import CoverageData

from tests.mutants.operators import Mutant, mutants

ROOT = Path(__file__).parents[2]
# Where a fault lets somebody in, keeps somebody out, or forgets nobody.
PACKAGES = (
    "app/accounts",
    "app/identity/guessing",
    "app/identity/passwords",
    "app/identity/proofs",
    "app/identity/sessions",
    "app/platform/vault",
    "app/privacy",
)
NOT_CHANGED = ("inputs.py", "payloads.py", "tables.py", "__init__.py")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A mutant and the tests that execute its line, those beside the module first."""

    mutant: Mutant
    tests: list[str]


def modules() -> list[Path]:
    """The modules that are changed."""
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if path.name not in NOT_CHANGED]


def choose(measured: Path, *, seed: int, count: int) -> tuple[list[Chosen], int]:
    """So many mutants on lines that tests execute, and how many there are on lines that none executes."""
    data = CoverageData(basename=str(measured))
    data.read()
    executed, unexecuted = [], 0
    for path in modules():
        lines = data.contexts_by_lineno(str(path))
        for one in mutants(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")):
            tests = _tests(lines.get(one.line, []), one)
            if tests:
                executed.append(Chosen(one, tests))
            else:
                # What runs at import has no test of its own: those of the whole module notice it.
                tests = _tests([name for names in lines.values() for name in names], one)
                if tests and _is_module_level(path, one.line):
                    executed.append(Chosen(one, tests))
                else:
                    unexecuted += 1
    chooser = random.Random(seed)
    return chooser.sample(executed, min(count, len(executed))), unexecuted


def _is_module_level(path: Path, line: int) -> bool:
    text = path.read_text(encoding="utf-8").splitlines()[line - 1]
    return not text.startswith(" " * 8)


def _tests(contexts: list[str], mutant: Mutant) -> list[str]:
    names = {context.partition("|")[0] for context in contexts if "::" in context}
    words = set(Path(mutant.path).with_suffix("").parts)
    # Locks are seen by PostgreSQL alone; anything else by both, and by SQLite sooner.
    locks = "with_for_update" in mutant.kind or "lock" in mutant.text

    def distance(name: str) -> tuple[bool, int, str]:
        return ("postgresql" in name) != locks, -len(words & set(Path(name.partition("::")[0]).parts)), name

    return sorted(names, key=distance)
