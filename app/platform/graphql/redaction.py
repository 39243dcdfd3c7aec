"""Removes values from the error messages of libraries: a value that the caller sent may be a password."""

import re

_INVALID_DATETIME = (
    "This is not a DateTime. Write a point in time with its offset from UTC, as in 2026-01-31T12:00:00Z "
    "or 2026-01-31T13:00:00+01:00."
)
_INVALID_DATE = "This is not a Date. Write a day as in 2026-01-31."
_REDACTIONS = (
    (re.compile(r" to be None\.$"), " to be null."),
    (re.compile(r"Expected value of type 'DateTime!?', .*$", re.DOTALL), _INVALID_DATETIME),
    (re.compile(r"Expected value of type 'Date!?', .*$", re.DOTALL), _INVALID_DATE),
    (re.compile(r"Value cannot represent an? (\w+):.*$", re.DOTALL), r"This is not a \1."),
    (re.compile(r"cannot represent .*$", re.DOTALL), "cannot represent this value."),
    (re.compile(r",? (?:found|but encountered error).*$", re.DOTALL), "."),
    (re.compile(r"Value '.*' does not exist in", re.DOTALL), "The value does not exist in"),
    (re.compile(r"Unexpected (String|BlockString|Int|Float) .*$", re.DOTALL), r"Unexpected \1."),
)


def without_values(message: str) -> str:
    """The message with names and types, but without values."""
    for pattern, replacement in _REDACTIONS:
        message = pattern.sub(replacement, message)
    return message
