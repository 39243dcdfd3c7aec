"""Chooses what is changed, and which tests execute it."""

import hashlib
import random
import re
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
# What is declared, and tools of operators and developers.
NOT_CHANGED = ("inputs.py", "payloads.py", "tables.py", "__init__.py", "calibration.py")


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
        source = path.read_text(encoding="utf-8")
        for one in mutants(str(path.relative_to(ROOT)), source):
            tests = _tests(lines.get(one.line, []), one, source)
            if tests:
                executed.append(Chosen(one, tests))
            else:
                # What runs at import has no test of its own: those of the whole module notice it.
                tests = _tests([name for names in lines.values() for name in names], one, source)
                if tests and _is_module_level(source, one.line):
                    executed.append(Chosen(one, tests))
                else:
                    unexecuted += 1
    chooser = random.Random(seed)
    return chooser.sample(executed, min(count, len(executed))), unexecuted


def _is_module_level(source: str, line: int) -> bool:
    return not source.splitlines()[line - 1].startswith(" " * 8)


def _tests(contexts: list[str], mutant: Mutant, source: str) -> list[str]:
    names = {context.partition("|")[0] for context in contexts if "::" in context}
    if any(word in source[mutant.start : mutant.end] for word in ("lock", "for_update")):
        # It was measured on SQLite, which ignores locks of rows.
        names = {name.replace("[sqlite", "[postgresql") for name in names}
    words = set(re.split(r"[/._]", mutant.path)) - {"app", "py"}

    def distance(name: str) -> tuple[int, str]:
        # Among those that are as near, in no order of their names: tests of one file are alike.
        near = len(words & set(re.split(r"[/._]", name.partition("::")[0])))
        return -near, hashlib.sha256(name.encode()).hexdigest()

    return sorted(names, key=distance)
