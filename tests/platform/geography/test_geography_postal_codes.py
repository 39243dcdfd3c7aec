"""Postal codes: their stored form."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.platform.geography import countries
from app.platform.geography.countries import Country
from app.platform.geography.postal_codes import is_postal_code, normalise_postal_code


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("sw1a 1aa", "SW1A 1AA"),
        ("  SW1A\t 1AA ", "SW1A 1AA"),
        ("sw1a1aa", "SW1A1AA"),
        ("ch-8001", "CH-8001"),
        ("01310100", "01310100"),
        ("１００－０００５", "100-0005"),
        ("１００\u3000０００５", "100 0005"),
        ("١٢٣١١", "١٢٣١١"),
        ("straße é", "STRAßE é"),
        ("", ""),
    ],
)
def test_blanks_letters_and_width_are_made_one_and_nothing_else(raw: str, kept: str) -> None:
    assert normalise_postal_code(raw) == kept


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_what_is_normal_stays_as_it_is(text: str) -> None:
    once = normalise_postal_code(text)

    assert normalise_postal_code(once) == once


@settings(deadline=None)
@given(st.sampled_from(countries.all_countries()), st.text(st.characters(exclude_categories=())))
def test_a_code_is_judged_alike_before_and_after(country: Country, text: str) -> None:
    assert is_postal_code(country, text) == is_postal_code(country, normalise_postal_code(text))
