"""Postal codes: their stored form, and the check against the form of a country."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache

from app.platform.geography import formats
from app.platform.geography.countries import Country

MINUS_SIGN = "\N{MINUS SIGN}"
# What a Japanese keyboard types for a hyphen between digits.
LONG_VOWEL = "\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}"

# Of British forces abroad: a number follows, with a space before it.
BFPO = "BFPO"
JAPANESE_POSTAL_MARK = "\N{POSTAL MARK}"
SEPARATORS: Mapping[str, tuple[int, str]] = {
    # The United Kingdom, its islands and territories part what delivers the mail from what sorts it.
    **dict.fromkeys(("FK", "GB", "GG", "GI", "GS", "IM", "IO", "JE", "PN", "SH", "TC"), (-3, " ")),
    **dict.fromkeys(("CA", "CZ", "GR", "IE", "MT", "SE", "SK"), (3, " ")),
    **dict.fromkeys(("LB", "NL"), (4, " ")),
    **dict.fromkeys(("BM", "SO"), (2, " ")),
    **dict.fromkeys(("AS", "FM", "GU", "IR", "MH", "MP", "PR", "PW", "SA", "US", "VI"), (5, "-")),
    "BR": (5, "-"),
    "JP": (3, "-"),
    "KY": (3, "-"),
    "LV": (2, "-"),
    "PL": (2, "-"),
    "PT": (4, "-"),
}
"""After how many characters (negative: before how many) the post puts a space or a hyphen (Universal Postal Union)."""
PREFIXES: Mapping[str, tuple[str, ...]] = {
    "AT": ("A",),
    "BE": ("B",),
    "DE": ("D",),
    "ES": ("E",),
    "FI": ("FIN", "SF"),
    "FR": ("F",),
    "GL": ("DK",),
    "GR": ("EL",),
    "HU": ("H",),
    "IT": ("I",),
    "LI": ("FL",),
    "LU": ("L",),
    "MC": ("F",),
    "NO": ("N",),
    "PT": ("P",),
    "RS": ("SRB",),
    "SE": ("S",),
    "SI": ("SLO",),
    "SM": ("RSM", "I"),
    "VA": ("SCV", "V", "I"),
}
"""Letters that people write before a code (`D-53113`), beside the code of the country."""


def normalise_postal_code(raw: str) -> str:
    """`raw` without surrounding or repeated blanks, in Unicode normal form KC, with ASCII letters in capitals.

    No space or hyphen is added or removed: that takes a country (`canonical_postal_code`).
    """
    compatible = unicodedata.normalize("NFKC", raw)
    capitals = "".join(character.upper() if character.isascii() else character for character in compatible)
    # A capital may combine with a following accent.
    return " ".join(unicodedata.normalize("NFKC", capitals).split())


def canonical_postal_code(country: Country, raw: str) -> str:
    """`raw` as the post of the country writes it: `sw1a2aa` is `SW1A 2AA`, `D-53113` is `53113`, `1012jl` is `1012 JL`.

    Other dashes, blanks, hyphens and the letters that stand before a code in mail from abroad
    make no difference. What is no code of this country stays as `normalise_postal_code` leaves it.
    """
    normal = normalise_postal_code(raw)
    # An address in Arabic letters has its code in Arabic digits.
    has_own_digits = any(character.isdecimal() and not character.isascii() for character in normal)
    return normal if has_own_digits else _fitting(country, raw) or normal


def is_postal_code(country: Country, raw: str) -> bool:
    """Whether `raw` is a postal code of this country in any spelling; always true where the country has no codes.

    Only the form is checked, not that the code exists or lies in the zone: lists of prefixes are never up to date, and
    keep people from entering their address (commerceguys/addressing issue 147).
    """
    return _pattern(country) is None or _fitting(country, raw) is not None


def _fitting(country: Country, raw: str) -> str | None:
    """The code of this country that is meant by `raw`."""
    pattern = _pattern(country)
    plain = _plain(raw).removeprefix(JAPANESE_POSTAL_MARK).strip()
    candidates = _candidates(country.code, plain) if pattern else ()
    return next((candidate for candidate in candidates if pattern and pattern.fullmatch(candidate)), None)


def without_prefix(country: Country, raw: str) -> str:
    """`raw` without the letters of `AddressFormat.postal_code_prefix`."""
    letters = formats.of_country(country).postal_code_prefix.strip(" -")
    return _prefix(letters).sub("", raw) if letters else raw


def _candidates(code: str, plain: str) -> Iterator[str]:
    """What may be meant, best first."""
    compact = re.sub("[ -]", "", plain)
    yield _separated(code, compact)
    for letters in (code, *PREFIXES.get(code, ())):
        if compact.startswith(letters):
            yield _separated(code, compact.removeprefix(letters))
    yield plain
    if compact.isdecimal():
        # Some codes begin with the letters of the country, which people leave away.
        yield f"{code}{compact}"
        yield f"{code}-{compact}"


def _separated(code: str, compact: str) -> str:
    at, separator = (len(BFPO), " ") if compact.startswith(BFPO) else SEPARATORS.get(code, (0, ""))
    head, tail = compact[:at], compact[at:]
    return f"{head}{separator}{tail}" if head and tail else compact


@cache
def _prefix(letters: str) -> re.Pattern[str]:
    return re.compile(f"^{letters}[ -]?(?=[0-9])", re.IGNORECASE)


@cache
def _pattern(country: Country) -> re.Pattern[str] | None:
    pattern = formats.of_country(country).postal_code_pattern
    return None if pattern is None else re.compile(pattern)


def _plain(raw: str) -> str:
    return "".join(_plain_character(character) for character in normalise_postal_code(raw))


def _plain_character(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    is_dash = unicodedata.category(character) == "Pd" or character in {MINUS_SIGN, LONG_VOWEL}
    return "-" if is_dash else character
