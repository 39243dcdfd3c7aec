"""Address formats: the fields of an address in each country, which are required, their order and form."""

import re
from dataclasses import dataclass
from functools import cache

from app.platform.geography import records, zones
from app.platform.geography.countries import Country

# Our field names for those of libaddressinput. It has two more: the dependent locality (D), a part of a city that
# belongs into our line2, and the sorting code (X), CEDEX and the like, which people write after the city.
FIELDS = {
    "N": "{firstName} {lastName}",
    "O": "{company}",
    "A": "{line1}%n{line2}",
    "C": "{city}",
    "Z": "{postalCode}",
    "S": "{zone}",
}
# In the order of the input.
REQUIRABLE_FIELDS = {"A": "line1", "C": "city", "Z": "postalCode", "S": "zone"}
# Libaddressinput also has names and streets in capitals for some countries. No postal service returns mail because of
# small letters in a name, so only what sorting machines read is in capitals.
UPPER_CASE_FIELDS = {"C": "city", "Z": "postalCode", "S": "zone"}
UNSUPPORTED_FIELDS = re.compile(r"%n%D(?=%n)|%D, |%D |, %D| %X|%X |%[DX]")
# Countries that write the family name first, and those that join the names without a space: in their own script.
FAMILY_NAME_FIRST = frozenset({"BY", "CN", "HK", "HU", "JP", "KH", "KP", "KR", "KZ", "MO", "RU", "TW", "UA", "VN"})
NAMES_JOINED = frozenset({"CN", "HK", "KP", "KR", "MO", "TW"})
# Those of them that do so in Latin letters too.
FAMILY_NAME_FIRST_IN_LATIN = frozenset({"HU", "KH", "VN"})


@dataclass(frozen=True, slots=True)
class AddressFormat:
    """The address rules of one country.

    `template` has a line for each line of the address, with our field names in braces; `latin_template` is for an
    address in Latin letters where the order is then reversed (China, Japan, Korea), else the same. `fields` are those
    of the template in its order; `required` are the fields without which mail is not delivered, never the name and the
    company: those depend on the recipient. `upper_case` fields are printed in capitals. `postal_code_pattern` describes
    a whole code in the syntax that Python, JavaScript and HTML share; None where the country has no postal codes.
    `postal_code_prefix` is what precedes the code in mail from abroad (`CH-`). The types are the labels of a form:
    zones `state`, `province`, `prefecture` …, the city `city`, `suburb`, `post_town` …, the code `postal`, `zip`,
    `pin`, `eircode`.
    """

    template: str
    latin_template: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
    upper_case: frozenset[str]
    postal_code_pattern: str | None
    postal_code_examples: tuple[str, ...]
    postal_code_prefix: str
    zone_type: str
    city_type: str
    postal_code_type: str


@cache
def of_country(country: Country) -> AddressFormat:
    """The address format of this country.

    A zone is required only where zones are listed: where the data requires one but lists none (Costa Rica, Honduras,
    Iraq, Papua New Guinea …), it is free text and may be left out.
    """
    code = country.code
    record = records.record(code)
    template = _in_name_order(_template(record["fmt"]), code, FAMILY_NAME_FIRST)
    latin_fmt = record.get("lfmt", record["fmt"])
    latin_template = _in_name_order(_template(latin_fmt), code, FAMILY_NAME_FIRST_IN_LATIN)
    fields = tuple(re.findall(r"\{(\w+)\}", template))
    upper_case = {field for letter, field in UPPER_CASE_FIELDS.items() if letter in record["upper"]}
    has_zones = bool(zones.of_country(country))
    required_letters = record["require"] if has_zones else record["require"].replace("S", "")
    has_postal_code = "postalCode" in fields and "zip" in record
    return AddressFormat(
        template=template,
        latin_template=latin_template,
        fields=fields,
        required=tuple(field for letter, field in REQUIRABLE_FIELDS.items() if letter in required_letters),
        upper_case=frozenset(upper_case.intersection(fields)),
        postal_code_pattern=record["zip"] if has_postal_code else None,
        postal_code_examples=tuple(record.get("zipex", "").split(",")) if has_postal_code else (),
        postal_code_prefix=record.get("postprefix", ""),
        zone_type=record["state_name_type"],
        city_type=record["locality_name_type"],
        postal_code_type=record["zip_name_type"],
    )


def _template(notation: str) -> str:
    supported = UNSUPPORTED_FIELDS.sub("", notation)
    supported = re.sub("%([NOACZS])", lambda match: FIELDS[match[1]], supported)
    return "\n".join(line.strip() for line in supported.split("%n") if line.strip())


def _in_name_order(template: str, code: str, family_name_first: frozenset[str]) -> str:
    if code not in family_name_first:
        return template
    separator = "" if code in NAMES_JOINED else " "
    return template.replace("{firstName} {lastName}", f"{{lastName}}{separator}{{firstName}}")
