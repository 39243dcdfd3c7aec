r"""Patterns of extra fields: a subset of regular expressions that is matched in linear time.

Organizations write them, so none may block the process. A pattern consists of characters, `\d`, `\w`, `\s`, `.` and
classes such as `[A-Z0-9]`, each optionally repeated by `?`, `*`, `+` or `{2,4}`, and of `|` between whole
alternatives. It means the same in every browser's `pattern` attribute. There are no groups, and no backtracking.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

from app.platform.blanks import is_storable
from app.platform.errors import ErrorRule, Invalid, TooLong

PATTERN_MAX = 200
MAX_STEPS = 1000
ATOM = re.compile(
    r"(?P<one>\\[dws]|\\[^A-Za-z0-9\n]|\.|\[\^?(?:\\[dws]|\\[^A-Za-z0-9\n]|[^\]\[\\\n])+\]|[^\\\[\](){}?*+|^$.\n])"
    r"(?P<times>[?*+]|\{\d{1,3}(?:,\d{0,3})?\})?"
)
QUANTIFIERS = {None: (1, 1), "?": (0, 1), "*": (0, None), "+": (1, None)}
SYNTAX_HINT = (
    r"Use characters, \d, \w, classes such as [A-Z], repetitions ? * + {{2,4}}, and | between alternatives; no groups."
)


# Whether a character fits an atom changes only at characters of the pattern and within ASCII.
ASCII = range(128)


class _Step(NamedTuple):
    """One character of a pattern: whether it is optional, and whether it may be repeated."""

    atom: str
    optional: bool
    repeated: bool


class _Automaton(NamedTuple):
    """A pattern as sets of positions, each an integer with one bit a position; a set advances by one character at once.

    Position `i` is before step `i`; each alternative ends with a position of its own that has no step. `starts` are
    the first characters of intervals whose characters fit the same steps, which are those at that place in `fitting`.
    """

    first: int
    last: int
    optional: int
    repeated: int
    starts: tuple[int, ...]
    fitting: tuple[int, ...]


def parse(pattern: str) -> str:
    """Validate a pattern and return it; raise `TooLong`, `Invalid`."""
    if len(pattern) > PATTERN_MAX:
        raise TooLong("At most {max} characters.", max=PATTERN_MAX)
    if not is_storable(pattern):
        raise Invalid(SYNTAX_HINT, rule=ErrorRule.PATTERN)
    _compiled(pattern)
    return pattern


def matches(pattern: str, value: str) -> bool:
    """Whether the pattern matches the whole of `value`.

    Each character takes a fixed number of operations on integers of about `MAX_STEPS` bits, whatever the pattern:
    a form of 50 fields with 1,000 characters each is checked in about a tenth of a second.
    """
    automaton = _compiled(pattern)
    reached = _skip_optional(automaton, automaton.first)
    for character in value:
        fitting = automaton.fitting[bisect_right(automaton.starts, ord(character)) - 1]
        moved = reached & fitting
        reached = _skip_optional(automaton, (moved & ~automaton.repeated) << 1 | moved & automaton.repeated)
        if not reached:
            return False
    return bool(reached & automaton.last)


def _skip_optional(automaton: _Automaton, positions: int) -> int:
    """These positions, and those behind optional steps: the carry of the addition runs through neighbouring ones."""
    return positions | (((positions & automaton.optional) + automaton.optional) ^ automaton.optional)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> _Automaton:
    alternatives = _alternatives(pattern)
    steps: list[_Step | None] = []
    first = last = 0
    for alternative in alternatives:
        first |= 1 << len(steps)
        steps += [*alternative, None]
        last |= 1 << (len(steps) - 1)
    starts = sorted({*ASCII, ASCII.stop, *(ord(one) + end for one in pattern for end in (0, 1))})
    by_atom: dict[str, int] = {}
    for position, step in enumerate(steps):
        if step:
            by_atom[step.atom] = by_atom.get(step.atom, 0) | 1 << position
    characters = [(re.compile(atom, re.ASCII | re.DOTALL), bits) for atom, bits in by_atom.items()]
    return _Automaton(
        first=first,
        last=last,
        optional=_bits(steps, lambda step: step.optional),
        repeated=_bits(steps, lambda step: step.repeated),
        starts=tuple(starts),
        fitting=tuple(
            reduce(or_, (bits for expression, bits in characters if expression.fullmatch(chr(start))), 0)
            for start in starts
        ),
    )


def _bits(steps: Sequence[_Step | None], holds: Callable[[_Step], bool]) -> int:
    return sum(1 << position for position, step in enumerate(steps) if step and holds(step))


def _alternatives(pattern: str) -> list[list[_Step]]:
    alternatives: list[list[_Step]] = [[]]
    position = 0
    while position < len(pattern):
        if pattern[position] == "|":
            alternatives.append([])
            position += 1
            continue
        atom = ATOM.match(pattern, position)
        if atom is None:
            raise Invalid(SYNTAX_HINT, rule=ErrorRule.PATTERN)
        alternatives[-1] += _steps(atom["one"], atom["times"])
        position = atom.end()
    if sum(map(len, alternatives)) > MAX_STEPS or not all(alternatives):
        raise Invalid(SYNTAX_HINT, rule=ErrorRule.PATTERN)
    return alternatives


def _steps(one: str, times: str | None) -> list[_Step]:
    try:
        re.compile(one, re.ASCII | re.DOTALL)
    except re.error:
        raise Invalid(SYNTAX_HINT, rule=ErrorRule.PATTERN) from None
    minimum, maximum = QUANTIFIERS[times] if times in QUANTIFIERS else _bounds(str(times))
    required = [_Step(one, optional=False, repeated=False)] * minimum
    if maximum is None:
        return [*required, _Step(one, optional=True, repeated=True)]
    if maximum < max(minimum, 1):
        raise Invalid(SYNTAX_HINT, rule=ErrorRule.PATTERN)
    return required + [_Step(one, optional=True, repeated=False)] * (maximum - minimum)


def _bounds(times: str) -> tuple[int, int | None]:
    minimum, comma, maximum = times[1:-1].partition(",")
    return int(minimum), (int(maximum) if maximum else None) if comma else int(minimum)
