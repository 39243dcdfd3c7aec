"""A pattern for HTML inputs that takes a postal code as people type it, wherever a mutation does.

The pattern of a country describes codes as its post writes them. Here letters are of either case, a space or hyphen may
be left away or be the other one, and the letters that stand before codes in mail from abroad may precede (`ch-8001`).
"""

import re
from collections.abc import Iterator
from functools import cache

from app.platform.geography import formats
from app.platform.geography.countries import Country
from app.platform.geography.postal_codes import JAPANESE_POSTAL_MARK, PREFIXES

SEPARATOR = r"[ \-]?"
# What the patterns are made of: a class, an escape, the head of a group, a quantifier, or a character.
TOKEN = re.compile(r"\[[^\]]+\]\??|\\[^d]\??|\\d|\(\?:|\{[^}]+\}|[ \-]\??|.")


@cache
def typed_pattern(country: Country) -> str | None:
    """In the syntax that Python, JavaScript and HTML share; None where there are no codes."""
    pattern = formats.of_country(country).postal_code_pattern
    if pattern is None:
        return None
    # Some codes begin with the letters of the country, which people leave away.
    rest = re.sub(rf"^{country.code}-?", "", pattern)
    letters = "|".join(_in_either_case(one) for one in (country.code, *PREFIXES.get(country.code, ())))
    mark = f"{JAPANESE_POSTAL_MARK}? *" if country.code == "JP" else ""
    return f" *{mark}(?:(?:{letters}){SEPARATOR}){{0,2}}(?:{_in_either_case(rest)}) *"


def _in_either_case(pattern: str) -> str:
    return "".join(_loosened(TOKEN.findall(pattern)))


def _loosened(tokens: list[str]) -> Iterator[str]:
    for token in tokens:
        if token.strip("?") in {" ", "-", r"\-", r"[ \-]"}:
            yield SEPARATOR
        elif token.startswith("["):
            letters = "".join(re.findall(r"[A-Z]-[A-Z]|[A-Z]", token))
            yield token.replace("]", f"{letters.lower()}]") if letters else token
        elif token.isascii() and token.isupper() and len(token) == 1:
            yield f"[{token}{token.lower()}]"
        else:
            yield token
