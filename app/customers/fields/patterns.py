r"""Patterns of extra fields: a small part of regular expressions that is matched in linear time.

An organization writes them, so none may be able to hang the process. They are characters, `\d`, `\w`, `\s`, `.`
and classes such as `[A-Z0-9]`, each repeated by `?`, `*`, `+` or `{2,4}`, and `|` between whole alternatives: the
same in every browser's `pattern` attribute. There are no groups, and nothing is ever tried twice.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from app.platform.errors import Invalid, TooLong

PATTERN_MAX = 200
POSITIONS_MAX = 1000
ATOM = re.compile(
    r"(?P<one>\\[dws]|\\[^A-Za-z0-9\n]|\.|\[\^?(?:\\[dws]|\\[^A-Za-z0-9\n]|[^\]\[\\\n])+\]|[^\\\[\](){}?*+|^$.\n])"
    r"(?P<times>[?*+]|\{\d{1,3}(?:,\d{0,3})?\})?"
)
TIMES = {None: (1, 1), "?": (0, 1), "*": (0, None), "+": (1, None)}
HINT = r"Use characters, \d, \w, classes such as [A-Z], repetitions ? * + {2,4}, and | between alternatives; no groups."


class _Step(NamedTuple):
    """One character: whether it may be left out, and whether it may come again."""

    matches: re.Pattern[str]
    optional: bool
    repeated: bool


Alternative = tuple[_Step, ...]


def parse(pattern: str) -> str:
    """The pattern, when it is one; raise `TooLong`, `Invalid`."""
    if len(pattern) > PATTERN_MAX:
        raise TooLong(f"At most {PATTERN_MAX} characters.")
    _compiled(pattern)
    return pattern


def matches(pattern: str, value: str) -> bool:
    """Whether the whole of `value` is as the pattern says: steps x characters, never more."""
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
            raise Invalid(HINT)
        steps += _steps(atom["one"], atom["times"])
        position = atom.end()
    alternatives.append(tuple(steps))
    if sum(map(len, alternatives)) > POSITIONS_MAX or not all(alternatives):
        raise Invalid(HINT)
    return tuple(alternatives)


def _steps(one: str, times: str | None) -> list[_Step]:
    try:
        character = re.compile(one, re.ASCII | re.DOTALL)
    except re.error:
        raise Invalid(HINT) from None
    least, most = TIMES[times] if times in TIMES else _bounds(str(times))
    required = [_Step(character, optional=False, repeated=False)] * least
    if most is None:
        return [*required, _Step(character, optional=True, repeated=True)]
    if most < max(least, 1):
        raise Invalid(HINT)
    return required + [_Step(character, optional=True, repeated=False)] * (most - least)


def _bounds(times: str) -> tuple[int, int | None]:
    least, comma, most = times[1:-1].partition(",")
    return int(least), (int(most) if most else None) if comma else int(least)


def _matches(steps: Alternative, value: str) -> bool:
    reached = _with_skips(steps, {0})
    for character in value:
        following: set[int] = set()
        for position in reached:
            if position < len(steps) and steps[position].matches.fullmatch(character):
                following.add(position if steps[position].repeated else position + 1)
        reached = _with_skips(steps, following)
        if not reached:
            return False
    return len(steps) in reached


def _with_skips(steps: Alternative, positions: set[int]) -> set[int]:
    """These positions, and those behind what may be left out."""
    reached = set(positions)
    for position in sorted(positions):
        following = position
        while following < len(steps) and steps[following].optional:
            following += 1
            if following in reached:
                break
            reached.add(following)
    return reached
