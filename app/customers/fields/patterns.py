r"""Patterns of extra fields: a subset of regular expressions that is matched in linear time.

Organizations write them, so none may block the process. A pattern consists of characters, `\d`, `\w`, `\s`, `.` and
classes such as `[A-Z0-9]`, each optionally repeated by `?`, `*`, `+` or `{2,4}`, and of `|` between whole
alternatives. It means the same in every browser's `pattern` attribute. There are no groups, and no backtracking.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from app.platform.errors import Invalid, TooLong

PATTERN_MAX = 200
MAX_STEPS = 1000
ATOM = re.compile(
    r"(?P<one>\\[dws]|\\[^A-Za-z0-9\n]|\.|\[\^?(?:\\[dws]|\\[^A-Za-z0-9\n]|[^\]\[\\\n])+\]|[^\\\[\](){}?*+|^$.\n])"
    r"(?P<times>[?*+]|\{\d{1,3}(?:,\d{0,3})?\})?"
)
QUANTIFIERS = {None: (1, 1), "?": (0, 1), "*": (0, None), "+": (1, None)}
SYNTAX_HINT = (
    r"Use characters, \d, \w, classes such as [A-Z], repetitions ? * + {2,4}, and | between alternatives; no groups."
)


class _Step(NamedTuple):
    """One character of a pattern: whether it is optional, and whether it may be repeated."""

    matches: re.Pattern[str]
    optional: bool
    repeated: bool


Alternative = tuple[_Step, ...]


def parse(pattern: str) -> str:
    """Validate a pattern and return it; raise `TooLong`, `Invalid`."""
    if len(pattern) > PATTERN_MAX:
        raise TooLong(f"At most {PATTERN_MAX} characters.")
    _compiled(pattern)
    return pattern


def matches(pattern: str, value: str) -> bool:
    """Whether the pattern matches the whole of `value`, in at most steps x characters operations."""
    return any(_matches(alternative, value) for alternative in _compiled(pattern))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> tuple[Alternative, ...]:
    alternatives: list[Alternative] = []
    steps: list[_Step] = []
    position = 0
    while position < len(pattern):
        if pattern[position] == "|":
            alternatives.append(tuple(steps))
            steps, position = [], position + 1
            continue
        atom = ATOM.match(pattern, position)
        if atom is None:
            raise Invalid(SYNTAX_HINT)
        steps += _steps(atom["one"], atom["times"])
        position = atom.end()
    alternatives.append(tuple(steps))
    if sum(map(len, alternatives)) > MAX_STEPS or not all(alternatives):
        raise Invalid(SYNTAX_HINT)
    return tuple(alternatives)


def _steps(one: str, times: str | None) -> list[_Step]:
    try:
        character = re.compile(one, re.ASCII | re.DOTALL)
    except re.error:
        raise Invalid(SYNTAX_HINT) from None
    minimum, maximum = QUANTIFIERS[times] if times in QUANTIFIERS else _bounds(str(times))
    required = [_Step(character, optional=False, repeated=False)] * minimum
    if maximum is None:
        return [*required, _Step(character, optional=True, repeated=True)]
    if maximum < max(minimum, 1):
        raise Invalid(SYNTAX_HINT)
    return required + [_Step(character, optional=True, repeated=False)] * (maximum - minimum)


def _bounds(times: str) -> tuple[int, int | None]:
    minimum, comma, maximum = times[1:-1].partition(",")
    return int(minimum), (int(maximum) if maximum else None) if comma else int(minimum)


def _matches(steps: Alternative, value: str) -> bool:
    reached = _epsilon_closure(steps, {0})
    for character in value:
        following: set[int] = set()
        for position in reached:
            if position < len(steps) and steps[position].matches.fullmatch(character):
                following.add(position if steps[position].repeated else position + 1)
        reached = _epsilon_closure(steps, following)
        if not reached:
            return False
    return len(steps) in reached


def _epsilon_closure(steps: Alternative, positions: set[int]) -> set[int]:
    """These positions, and those reached from them by skipping optional steps."""
    reached = set(positions)
    for position in sorted(positions):
        following = position
        while following < len(steps) and steps[following].optional:
            following += 1
            if following in reached:
                break
            reached.add(following)
    return reached
