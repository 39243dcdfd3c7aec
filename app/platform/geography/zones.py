"""Zones, the subdivisions that a country's addresses name: states, provinces, prefectures, cantons, emirates."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from app.platform.geography import records
from app.platform.geography.countries import Country
from app.platform.geography.zone_corrections import ADDED, ALIASES, CANTONS, CODES, LATIN, RENAMED

# The key of the data is what is written on an envelope (US `CA`, MX `Ags.`), except in these countries.
KEY_IS_NOT_POSTAL = frozenset({"AD", "AE", "ES", "HK", "RU", "SV", "UA"})
# In these countries the name of the data is a short form, and the key is the full name.
KEY_IS_FULL_NAME = frozenset({"CN", "KR"})
# Words that only say which kind of zone it is: Beijing equals Beijing Shi, Cork equals Co. Cork.
ZONE_TYPE_WORDS = re.compile(
    r"^(?:co\.?|county|special region of|respublika|республика|استان|إمارة|จังหวัด|місто|thành phố) +"
    r"| (?:province|governorate|city|county|district|sheng|shi|zizhiqu|oblast'?|kray|respublika|область|край|state)$"
    r"|-do$|(?:自治区|省|市|縣|都|府|県|특별자치도|특별자치시|특별시|광역시|도)$",
    re.IGNORECASE,
)
# Letters that most people type in place of each other, and that Unicode does not decompose.
EQUIVALENT_LETTERS = str.maketrans(
    {"ı": "i", "đ": "d", "臺": "台", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "&": "and"}  # noqa: RUF001
)


@dataclass(frozen=True, slots=True)
class Zone:
    """A subdivision of a country.

    `code` is the second half of the ISO 3166-2 code; where ISO has none (Hong Kong, Cayman Islands, some islands), the
    name. `name` is in the country's own language and script, `latin_name` in Latin letters, `postal` as written on an
    envelope in that country. `translations` are pairs of language and name.
    """

    country: str
    code: str
    name: str
    latin_name: str
    postal: str
    language: str
    translations: tuple[tuple[str, str], ...] = ()


def of_country(country: Country) -> tuple[Zone, ...]:
    """The zones that an address of this country can have; empty for most countries."""
    return _zones(country.code)


def find_zone(country: Country, raw: str) -> Zone | None:
    """The zone that `raw` names: by its code (`CA`, `US-CA`) or by its name in any known language.

    Case, accents and punctuation do not matter. None for what is no zone of this country, so always None for a country
    without zones, where the zone is free text.
    """
    index = _index(country.code)
    without_country = re.sub(f"^{country.code}-", "", raw.strip(), flags=re.IGNORECASE)
    without_kind = ZONE_TYPE_WORDS.sub("", raw.strip())
    return index.get(_folded(raw)) or index.get(_folded(without_country)) or index.get(_folded(without_kind))


def zone_name(zone: Zone, locale: str) -> str:
    """The name of the zone in `locale` (BCP 47): in its own languages, else in Latin letters."""
    language = locale.replace("_", "-").split("-")[0].lower()
    if language == zone.language:
        return zone.name
    return dict(zone.translations).get(language, zone.latin_name)


@cache
def _zones(code: str) -> tuple[Zone, ...]:
    return tuple(_cantons()) if code == "CH" else (*_from_data(code), *_added(code))


def _from_data(code: str) -> Iterator[Zone]:
    record = records.record(code)
    keys = _split(record, "sub_keys")
    isoids = _split(record, "sub_isoids") or [""] * len(keys)
    names = _split(record, "sub_names") or keys
    # Only Hong Kong has its Latin names as keys.
    latin_names = _split(record, "sub_lnames") or (keys if code == "HK" else names)
    translations = _translations(code)
    for key, isoid, short, latin in zip(keys, isoids, names, latin_names, strict=True):
        old = isoid or key
        zone_code = CODES.get(code, {}).get(old, old)
        renamed = RENAMED.get(code, {}).get(zone_code)
        name = renamed or (key if code in KEY_IS_FULL_NAME else short)
        yield Zone(
            country=code,
            code=zone_code,
            name=name,
            latin_name=LATIN.get(code, {}).get(zone_code) or renamed or latin.replace("Republits", "Respublika"),
            postal=renamed or (name if code in KEY_IS_NOT_POSTAL else key),
            language=_language(record),
            translations=translations.get(old, ()),
        )


def _translations(code: str) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Pairs of language and name by ISO code, or by key where there is none, as the keys may be translated."""
    translations: dict[str, tuple[tuple[str, str], ...]] = defaultdict(tuple)
    for language, record in records.translations(code).items():
        keys = _split(record, "sub_isoids") or _split(record, "sub_keys")
        names = _split(record, "sub_names") or _split(record, "sub_lnames")
        for key, name in zip(keys, names, strict=True):
            translations[key] += ((language, name),)
    return translations


def _added(code: str) -> Iterator[Zone]:
    language = _language(records.record(code))
    for zone_code, name, latin in ADDED.get(code, ()):
        yield Zone(code, zone_code, name, latin, name, language)


def _cantons() -> Iterator[Zone]:
    for code, language, *names in CANTONS:
        by_language = dict(zip(("de", "fr", "it", "en"), names, strict=True))
        own = by_language[language]
        yield Zone("CH", code, own, by_language["en"], own, language, tuple(by_language.items()))


def _split(record: records.Record, field: str) -> list[str]:
    return record[field].split("~") if field in record else []


def _language(record: records.Record) -> str:
    return record.get("lang", "").split("-")[0]


@cache
def _index(code: str) -> Mapping[str, Zone]:
    """Every name of a zone, folded. Codes come before names, names before shortened ones that fit only one zone."""
    zones = _zones(code)
    index: dict[str, Zone] = {}
    old_codes = {new: old for old, new in CODES.get(code, {}).items()}
    aliases = ALIASES.get(code, {})
    for zone in zones:
        _add_to_index(index, zone, [zone.code])
    for zone in zones:
        _add_to_index(index, zone, [old_codes.get(zone.code, ""), zone.postal])
    for zone in zones:
        translated = (name for _, name in zone.translations)
        _add_to_index(index, zone, [zone.name, zone.latin_name, *translated, *aliases.get(zone.code, ())])
    shortened: dict[str, set[Zone]] = defaultdict(set)
    for zone in zones:
        for name in (zone.postal, zone.name, zone.latin_name):
            shortened[_folded(ZONE_TYPE_WORDS.sub("", name))].add(zone)
    for short, owners in shortened.items():
        if len(owners) == 1:
            _add_to_index(index, owners.pop(), [short])
    return index


def _add_to_index(index: dict[str, Zone], zone: Zone, names: Iterable[str]) -> None:
    for name in names:
        if folded := _folded(name):
            index.setdefault(folded, zone)


def _folded(text: str) -> str:
    """`text` without case, accents, blanks and punctuation.

    Vowel signs of Indian and Thai letters are marks too, but stay: they have no combining class.
    """
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(
        EQUIVALENT_LETTERS
    )
    return "".join(character for character in decomposed if _is_letter_or_digit(character))


def _is_letter_or_digit(character: str) -> bool:
    category = unicodedata.category(character)[0]
    return category in "LN" or (category == "M" and not unicodedata.combining(character))
