"""The countries of ISO 3166-1 and Kosovo: codes, and names in a given language."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError, localedata
from babel.core import get_global

from app.platform.blanks import without_blanks
from app.platform.errors import ErrorRule, Invalid

# CLDR keeps withdrawn alpha-3 codes beside the current ones: Burma, Zaire, the GDR, metropolitan France,
# East Timor before independence, South Yemen.
WITHDRAWN = frozenset({"BUR", "ZAR", "DDR", "FXX", "TMP", "YMD"})
# Reserved, but not as countries: Ascension, Clipperton, Diego Garcia, the European Union, Tristan da Cunha.
RESERVED = frozenset({"AC", "CP", "DG", "EU", "TA"})
# ISO 3166-1 has no code for Kosovo. XKX is what the European Commission and the World Bank write; CLDR alone says XKK.
KOSOVO = ("XK", "XKX")
COMMON_MISTAKES = {"UK": "GB", "EL": "GR", "ENGLAND": "GB", "SCOTLAND": "GB", "WALES": "GB", "USA": "US"}


@dataclass(frozen=True, slots=True)
class Country:
    """A country with its ISO 3166-1 codes of two and three letters."""

    code: str
    alpha3: str


def find(code: str) -> Country | None:
    """The country with this two-letter code in upper or lower case; `UK`, `EU` and `ZZ` are no countries."""
    # Only ASCII: upper() makes SS, South Sudan, of a German ß.
    return _countries().get(code.upper()) if code.isascii() else None


def all_countries() -> tuple[Country, ...]:
    """All 250 countries in the order of their codes."""
    return tuple(_countries().values())


def name(code: str, locale: str) -> str:
    """The name of the country in `locale` (BCP 47, such as `de-CH`).

    English where the language is unknown or has no name for it; the code itself where English has none either.
    """
    upper = code.upper()
    return _names(_identifier(locale)).get(upper) or _names("en").get(upper) or code


def parse_country(raw: str) -> Country:
    """The country with the code `raw`; raise `Invalid`, with the right code where it can be guessed."""
    value = without_blanks(raw)
    country = find(value)
    if country is not None:
        return country
    guess = _guess(value)
    if guess:
        raise Invalid("This is not a country code. Did you mean {guess}?", rule=ErrorRule.COUNTRY, guess=guess)
    raise Invalid("This is not a country code. Use two letters (ISO 3166-1), such as CH or US.", rule=ErrorRule.COUNTRY)


def _guess(value: str) -> str | None:
    wanted = value.upper()
    if wanted in COMMON_MISTAKES:
        return COMMON_MISTAKES[wanted]
    english = _names("en")
    return next(
        (
            country.code
            for country in all_countries()
            if wanted in (country.alpha3, english.get(country.code, "").upper())
        ),
        None,
    )


@cache
def _countries() -> Mapping[str, Country]:
    aliases: Mapping[str, list[str]] = get_global("territory_aliases")
    alpha3 = {
        codes[0]: alias
        for alias, codes in aliases.items()
        if len(alias) == len(KOSOVO[1]) and alias.isalpha() and len(codes) == 1 and alias not in WITHDRAWN
    }
    official = {code: alias for code, alias in alpha3.items() if _is_official(code)}
    return {code: Country(code, alias) for code, alias in sorted({**official, KOSOVO[0]: KOSOVO[1]}.items())}


def _is_official(code: str) -> bool:
    """Whether ISO itself may assign the code: AA, QM to QZ, XA to XZ and ZZ are left to users (ISO 3166-1, 8.1.3)."""
    user_assigned = code in {"AA", "ZZ"} or "QM" <= code <= "QZ" or code.startswith("X")
    return not user_assigned and code not in RESERVED


@lru_cache(maxsize=256)
def _identifier(locale: str) -> str:
    """The nearest locale that Babel has data for, as Babel's identifier."""
    parts = locale.replace("_", "-").split("-")[:3]
    for length in range(len(parts), 0, -1):
        try:
            return str(Locale.parse("-".join(parts[:length]), sep="-"))
        except (UnknownLocaleError, ValueError):
            continue
    return "en"


@lru_cache(maxsize=128)
def _names(identifier: str) -> Mapping[str, str]:
    names = {code: text for code, text in Locale.parse(identifier).territories.items() if len(code) == len("CH")}
    # Babel keeps every locale it ever read, half a megabyte each: requests in one language after the other could
    # exhaust the memory. Only the names are needed.
    with localedata._cache_lock:  # noqa: SLF001 - there is no public way to clear it
        localedata._cache.clear()  # noqa: SLF001
    return names
