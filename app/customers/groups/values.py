"""Parsers of the codes and names of groups and markets."""

import re

from app.platform import values
from app.platform.errors import ErrorRule, Invalid

CODE = re.compile(r"[A-Za-z0-9_-]+")
CODE_MAX = 25

name = values.identifier_parser(1, 255)


def code(raw: str) -> str:
    """A code: at most 25 letters, digits, `_` and `-`; case-sensitive."""
    value = values.identifier_parser(1, CODE_MAX)(raw)
    if not CODE.fullmatch(value):
        raise Invalid("Use letters, digits, underscores and hyphens only.", rule=ErrorRule.PATTERN)
    return value
