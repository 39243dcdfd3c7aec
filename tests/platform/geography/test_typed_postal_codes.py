"""The pattern for HTML inputs: it takes what a mutation takes, in the spellings that people use."""

import re

import pytest

from app.platform.geography import formats
from app.platform.geography.countries import Country, all_countries, find
from app.platform.geography.postal_codes import is_postal_code
from app.platform.geography.typed_postal_codes import typed_pattern

WITH_CODES = [one for one in all_countries() if formats.of_country(one).postal_code_pattern]


def matches(country: Country, typed: str) -> bool:
    return re.fullmatch(typed_pattern(country) or "", typed) is not None


@pytest.mark.parametrize("country", WITH_CODES, ids=lambda country: country.code)
def test_each_spelling_of_an_example_that_is_accepted_fits_the_pattern(country: Country) -> None:
    for example in formats.of_country(country).postal_code_examples:
        prefix = formats.of_country(country).postal_code_prefix
        for typed in (
            example,
            example.lower(),
            f" {example} ",
            example.replace(" ", "").replace("-", ""),
            example.replace(" ", "-"),
            example.replace("-", " "),
            f"{country.code}-{example}",
            f"{country.code.lower()} {example.lower()}",
            f"{prefix}{example}",
        ):
            assert matches(country, typed) or not is_postal_code(country, typed), typed


@pytest.mark.parametrize(
    ("code", "typed"),
    [
        *[("GB", text) for text in ("sw1a 2aa", "SW1A2AA", "sw1a2aa", "bfpo1")],
        *[("CA", text) for text in ("k1a0b1", "K1A-0B1")],
        *[("NL", text) for text in ("1012jl", "1012 JL", "nl-1012 jl")],
        *[("IE", text) for text in ("a65f4e2", "A65 F4E2")],
        *[("CH", text) for text in ("CH-8001", " 8001 ")],
        *[("DE", text) for text in ("D-26133", "de26133")],
        *[
            ("PT", "1000205"),
            ("PL", "00950"),
            ("LU", "L-1728"),
            ("JP", "〒100-0001"),
            ("LV", "1010"),
            ("LV", "lv-1010"),
        ],
    ],
)
def test_what_people_type_fits(code: str, typed: str) -> None:
    country = find(code)
    assert country is not None
    assert is_postal_code(country, typed)
    assert matches(country, typed)


@pytest.mark.parametrize(
    ("code", "typed"), [("CH", "80011"), ("CH", "F-8001"), ("GB", "SW1A"), ("DE", "2613"), ("CA", "D1A 0B1")]
)
def test_what_is_no_code_of_the_country_does_not(code: str, typed: str) -> None:
    country = find(code)
    assert country is not None
    assert not is_postal_code(country, typed)
    assert not matches(country, typed)


def test_a_country_without_codes_has_none() -> None:
    country = find("AE")
    assert country is not None
    assert typed_pattern(country) is None
