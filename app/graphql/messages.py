"""Error messages of the library without the values it repeats: what a caller sent may be a password."""

import re

_REPEATS = (
    (re.compile(r"Value cannot represent an? (\w+):.*$", re.DOTALL), r"This is not a \1."),
    (re.compile(r"cannot represent .*$", re.DOTALL), "cannot represent this value."),
    (re.compile(r",? (?:found|but encountered error).*$", re.DOTALL), "."),
    (re.compile(r"Value '.*' does not exist in", re.DOTALL), "The value does not exist in"),
    (re.compile(r"Unexpected (String|BlockString|Int|Float) .*$", re.DOTALL), r"Unexpected \1."),
)


def without_values(message: str) -> str:
    """The message with names and types, and without anything that stood in a value."""
    for pattern, replacement in _REPEATS:
        message = pattern.sub(replacement, message)
    return message
