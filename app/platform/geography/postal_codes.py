"""Postal codes: their stored form, and the check against the form of a country."""

import re
import unicodedata
from functools import cache

from app.platform.geography import formats
from app.platform.geography.countries import Country

MINUS_SIGN = "\N{MINUS SIGN}"
# What a Japanese keyboard types for a hyphen between digits.
LONG_VOWEL = "\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}"


def normalise_postal_code(raw: str) -> str:
    """`raw` without surrounding or repeated blanks, in Unicode normal form KC, with ASCII letters in capitals.

    No space or hyphen is added or removed, so that a customer recognises what was typed.
    """
    compatible = unicodedata.normalize("NFKC", raw)
    capitals = "".join(character.upper() if character.isascii() else character for character in compatible)
    # A capital may combine with a following accent.
    return " ".join(unicodedata.normalize("NFKC", capitals).split())


def is_postal_code(country: Country, raw: str) -> bool:
    """Whether `raw` has the form of a postal code of this country; always true where the country has no codes.

    Digits of other scripts, other dashes, and letters before the code (`CH-8001`) are accepted. Only the form is
    checked, not that the code exists or lies in the zone: lists of prefixes are never up to date, and keep people from
    entering their address (commerceguys/addressing issue 147).
    """
    pattern = _pattern(country)
    return pattern is None or pattern.fullmatch(_plain(raw)) is not None


def without_prefix(country: Country, raw: str) -> str:
    """`raw` without the letters of `AddressFormat.postal_code_prefix`."""
    letters = formats.of_country(country).postal_code_prefix.strip(" -")
    return _prefix(letters).sub("", raw) if letters else raw


@cache
def _prefix(letters: str) -> re.Pattern[str]:
    return re.compile(f"^{letters}[ -]?(?=[0-9])", re.IGNORECASE)


@cache
def _pattern(country: Country) -> re.Pattern[str] | None:
    address_format = formats.of_country(country)
    if address_format.postal_code_pattern is None:
        return None
    letters = address_format.postal_code_prefix.strip(" -")
    prefix = f"(?:{letters}[ -]?)?" if letters else ""
    return re.compile(f"{prefix}(?:{address_format.postal_code_pattern})")


def _plain(raw: str) -> str:
    return "".join(_plain_character(character) for character in normalise_postal_code(raw))


def _plain_character(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    is_dash = unicodedata.category(character) == "Pd" or character in {MINUS_SIGN, LONG_VOWEL}
    return "-" if is_dash else character
