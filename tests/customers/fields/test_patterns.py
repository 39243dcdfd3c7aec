"""Patterns: what they match, in how many steps, and which are refused."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.customers.fields.patterns import PATTERN_MAX, matches, parse
from app.platform.errors import AppError


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("[A-Z]{2}[0-9A-Z]{2,12}", "DE123456789", True),
        ("[A-Z]{2}[0-9A-Z]{2,12}", "D123456789", False),
        (r"\d{3}-?\d{3}", "123456", True),
        (r"\d{3}-?\d{3}", "123-456", True),
        (r"\d{3}-?\d{3}", "123--456", False),
        (r"CHE\d+|LI\d*", "CHE12", True),
        (r"CHE\d+|LI\d*", "LI", True),
        (r"CHE\d+|LI\d*", "CHE", False),
        (r"a*a*b", "aaab", True),
        (r"[^a-c]+", "xyz", True),
        (r"[^a-c]+", "xbz", False),
        (r"\.\w\s.", ".a !", True),
        (r"\d", "\u0663", False),
        ("a{2,}", "aaaa", True),
        ("a{2,}", "a", False),
        ("[à-ü]+", "éà", True),
        ("[à-ü]+", "éþ", False),
        ("é|ñ", "ñ", True),
        ("[^é]", "\U0001f600", True),
        (r"\w", "é", False),
        (".{0,999}", "x" * 999, True),
        (".{0,999}", "x" * 1000, False),
        ("a?b?c?", "", True),
        ("a?b?c?d", "bd", True),
        ("a?b?c?d", "cbd", False),
        ("a|b?", "", True),
        ("ab|c", "ac", False),
    ],
)
def test_a_pattern_describes_the_whole_value(pattern: str, value: str, *, expected: bool) -> None:
    assert matches(parse(pattern), value) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "|", "a|", "(a)", "(?=a)", "a**", "a+?", "*", "[", "[]", "a{"),
        *("a{3,2}", "a{0}", "^a$", r"\b", r"\1", "[z-a]", "a{999}a{999}", "a\x00"),
    ],
)
def test_what_is_not_a_pattern_of_ours_is_refused(pattern: str) -> None:
    with pytest.raises(AppError):
        parse(pattern)


def test_a_pattern_has_at_most_200_characters() -> None:
    assert parse("a" * PATTERN_MAX)
    with pytest.raises(AppError):
        parse("a" * (PATTERN_MAX + 1))


def test_a_pattern_of_catastrophic_backtracking_takes_steps_linear_in_the_value() -> None:
    parse("a*" * 60 + "b")
    calls = 0

    def count(frame: object, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "c_call"

    sys.setprofile(count)
    try:
        assert not matches("a*" * 60 + "b", "a" * 1000)
    finally:
        sys.setprofile(None)

    assert calls < 1000 * 8


ATOMS = st.sampled_from(["a", "b", "[ab]", "[^a]", r"\d", r"\w", ".", r"\."])
TIMES = st.sampled_from(["", "?", "*", "+", "{2}", "{1,3}", "{0,2}", "{2,}"])
PATTERNS = st.lists(st.tuples(ATOMS, TIMES).map("".join), min_size=1, max_size=6).map("".join)


@given(st.lists(PATTERNS, min_size=1, max_size=3).map("|".join), st.text("ab1. ", max_size=12))
def test_a_pattern_means_what_it_means_to_pythons_engine(pattern: str, value: str) -> None:
    expected = re.fullmatch(pattern, value, re.ASCII | re.DOTALL) is not None

    assert matches(parse(pattern), value) is expected
