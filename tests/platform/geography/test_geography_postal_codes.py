"""Postal codes: their stored form."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.platform.geography import countries, formats
from app.platform.geography.countries import Country
from app.platform.geography.postal_codes import canonical_postal_code, is_postal_code, normalise_postal_code


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


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("GB", "sw1a2aa SW1A-2AA gb-SW1A2AA", "SW1A 2AA"),
        ("GB", "ec1y8sy", "EC1Y 8SY"),
        ("GB", "bfpo12 BFPO-12", "BFPO 12"),
        ("GG", "gy11aa", "GY1 1AA"),
        ("NL", "1012jl 1012-JL NL-1012JL", "1012 JL"),
        ("CA", "h2x1k1 H2X-1K1", "H2X 1K1"),
        ("IE", "a65f4e2", "A65 F4E2"),
        ("DE", "D-53113 DE-53113 d53113 53113", "53113"),
        ("AT", "A-1010 AT-1010 a1010", "1010"),
        ("CH", "CH-8001 8001", "8001"),
        ("LI", "FL-9490 LI-9490", "9490"),
        ("FR", "F-75001 FR-75001", "75001"),
        ("IT", "I-00184", "00184"),
        ("BE", "B-1000", "1000"),
        ("LU", "L-4750", "4750"),
        ("DK", "DK-1050", "1050"),
        ("SE", "SE-11455 S-11455 11455", "114 55"),
        ("CZ", "10000 CZ-10000", "100 00"),
        ("SK", "01001", "010 01"),
        ("GR", "15124", "151 24"),
        ("PL", "00950 PL-00-950", "00-950"),
        ("PT", "2725079 P-2725-079", "2725-079"),
        ("BR", "01310100", "01310-100"),
        ("JP", "1000005 〒100-0005 １００－０００５", "100-0005"),
        ("US", "950141234 95014-1234", "95014-1234"),
        ("US", "95014", "95014"),
        ("LV", "1073 LV1073 LV-1073", "LV-1073"),
        ("AD", "500 AD500", "AD500"),
        ("EG", "١٢٣١١", "١٢٣١١"),
        ("KY", "KY11100 ky1-1100", "KY1-1100"),
        ("MT", "NXR01", "NXR 01"),
    ],
)
def test_a_code_is_kept_as_the_post_writes_it(country: str, typed: str, kept: str) -> None:
    found = countries.find(country)
    assert found is not None

    assert [canonical_postal_code(found, each) for each in typed.split(" ")] == [kept] * len(typed.split(" "))
    assert is_postal_code(found, kept)


@pytest.mark.parametrize("country", countries.all_countries(), ids=lambda country: country.code)
def test_an_example_of_the_post_and_its_compact_spelling_are_one(country: Country) -> None:
    for example in formats.of_country(country).postal_code_examples:
        kept = canonical_postal_code(country, example)

        assert is_postal_code(country, kept)
        assert canonical_postal_code(country, kept) == kept
        if not example.startswith(("LIMA", "PC", "CP")):
            assert canonical_postal_code(country, example.replace(" ", "").replace("-", "").lower()) == kept


@settings(deadline=None)
@given(st.sampled_from(countries.all_countries()), st.text(st.characters(exclude_categories=())))
def test_the_canonical_form_of_a_canonical_form_is_itself(country: Country, text: str) -> None:
    once = canonical_postal_code(country, text)

    assert canonical_postal_code(country, once) == once
