"""Formats a postal address by the conventions of its country."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from app.platform.geography import countries, formats, zones
from app.platform.geography.corrections import POSTAL_NAMES
from app.platform.geography.countries import Country
from app.platform.geography.formats import AddressFormat
from app.platform.geography.postal_addresses import PostalAddress
from app.platform.geography.postal_codes import canonical_postal_code, without_prefix

FIELD = re.compile(r"\{(\w+)\}")
NAMES = re.compile(r"\{firstName\} ?\{lastName\}|\{lastName\} ?\{firstName\}")


class _Layout(NamedTuple):
    """A parsed template: each line alternates literals and field names.

    `printed` are names that the template itself prints, as that of Singapore: the city need not repeat them.
    """

    lines: tuple[tuple[str, ...], ...]
    printed: frozenset[str]


def format_address(address: PostalAddress, *, sent_from: str | None = None) -> list[str]:
    """The lines of the address in the country's own order, ready for an envelope that is `sent_from` a country.

        script                     Chinese, Japanese or Korean text stays as typed, from the largest unit down;
                                   Latin text goes from the smallest unit up
        zone                       in the postal abbreviation (`CA`, not California) and the script of the rest;
                                   left out where it repeats the city, or where the postal code implies it
                                   (`8001 Zürich` needs no `ZH`)
        city, postal code, zone    in capitals where the country's postal service asks for them
        last line                  the country in English capitals, as the Universal Postal Union advises; none for
                                   what is sent within the country

    Nothing else that was typed is lost: a city or a code that the country's format does not have is added.
    """
    values = address.by_field
    address_format = formats.of_country(address.country)
    is_latin = _is_latin(_texts(values))
    # The name may be in Latin letters in an otherwise Chinese address, and the reverse.
    has_latin_name = _is_latin([values["firstName"], values["lastName"]])
    layout = _layout(
        address_format.latin_template if is_latin else address_format.template,
        address_format.latin_template if has_latin_name else address_format.template,
    )
    values["postalCode"] = _postal_code(address.country, values["postalCode"])
    values["zone"] = _zone(address, values, address_format, is_latin=is_latin)
    city = values["city"].upper()
    if city in layout.printed and city != address_format.postal_code_prefix.strip():
        values["city"] = ""
    for field in address_format.upper_case:
        values[field] = values[field].upper()
    lines = [line for parts in layout.lines if (line := _line(parts, values))]
    return lines if address.country.code == sent_from else [*lines, _country_line(address)]


def _postal_code(country: Country, raw: str) -> str:
    # Only what is no code of the country still has the letters before it.
    return without_prefix(country, canonical_postal_code(country, raw))


def _texts(values: dict[str, str]) -> list[str]:
    """The values that decide the script of an address: zone and names only where nothing else is given."""
    street_and_city = [values["line1"], values["line2"], values["city"]]
    return street_and_city if any(street_and_city) else [values["zone"], values["company"], values["lastName"]]


def _is_latin(texts: list[str]) -> bool:
    letters = {character for character in set("".join(texts)) if character.isalpha()}
    return bool(letters) and all(letter.isascii() or "LATIN" in unicodedata.name(letter, "") for letter in letters)


def _zone(address: PostalAddress, values: dict[str, str], address_format: AddressFormat, *, is_latin: bool) -> str:
    if "zone" not in address_format.fields and "postalCode" in address_format.fields and values["postalCode"]:
        return ""
    zone = zones.find_zone(address.country, values["zone"])
    if zone is None:
        text = values["zone"]
    elif is_latin and not _is_latin([zone.name]):
        text = zone.latin_name
    else:
        text = zone.postal
    return "" if text.casefold() == values["city"].casefold() else text


@cache
def _layout(template: str, other: str) -> _Layout:
    """The template with every field, and with the names in the order of the `other` one."""
    whole = _with_names_of(_with_every_field(template), other)
    literals = FIELD.split(whole)[::2]
    return _Layout(
        lines=tuple(tuple(FIELD.split(line)) for line in whole.split("\n")),
        printed=frozenset(literal.strip().upper() for literal in literals),
    )


def _with_every_field(template: str) -> str:
    """The template with city, postal code and zone added where it lacks them."""
    lines = template.split("\n")
    goes_small_to_large = lines.index("{line1}") > lines.index("{company}") if "{line1}" in lines else True
    place = max(index for index, line in enumerate(lines) if "{line2}" in line) + 1 if goes_small_to_large else 0
    if "{city}" not in template:
        lines.insert(place, "{city}")
    if "{postalCode}" not in template:
        lines = [line.replace("{city}", "{city} {postalCode}") for line in lines]
    if "{zone}" not in template:
        lines.insert(len(lines) if goes_small_to_large else 0, "{zone}")
    return "\n".join(lines)


def _with_names_of(template: str, other: str) -> str:
    names = NAMES.search(other)
    return NAMES.sub(names[0], template) if names else template


def _line(parts: Sequence[str], values: dict[str, str]) -> str:
    """One line; a literal between two fields appears only where both have a value.

    A literal before the first field goes with that field; a line without fields stays as it is.
    """
    if len(parts) == 1:
        return parts[0]
    text = ""
    for position in range(1, len(parts), 2):
        value = values[parts[position]]
        if value:
            text += parts[position - 1] + value if text or position == 1 else value
    return text


def _country_line(address: PostalAddress) -> str:
    code = address.country.code
    return POSTAL_NAMES.get(code) or countries.name(code, "en").upper()
