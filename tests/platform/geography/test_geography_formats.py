"""Address formats: the rules that a form needs for a country."""

import re

import pytest

from app.platform.geography import countries, formats
from app.platform.geography.countries import Country
from app.platform.geography.formats import AddressFormat
from app.platform.geography.postal_codes import is_postal_code

OUR_FIELDS = {"firstName", "lastName", "company", "line1", "line2", "city", "postalCode", "zone"}


def format_of(code: str) -> AddressFormat:
    country = countries.find(code)
    assert country is not None
    return formats.of_country(country)


@pytest.mark.parametrize("country", countries.all_countries(), ids=lambda country: country.code)
def test_every_format_speaks_of_our_fields_only(country: Country) -> None:
    written = formats.of_country(country)

    for template in (written.template, written.latin_template):
        assert set(re.findall(r"\{(\w+)\}", template)) <= OUR_FIELDS
        assert "%" not in template
        assert all(line == line.strip() and line for line in template.split("\n"))
    assert set(re.findall(r"\{(\w+)\}", written.latin_template)) == set(written.fields)
    assert len(set(written.fields)) == len(written.fields)
    assert {"firstName", "lastName", "company", "line1", "line2"} <= set(written.fields)
    assert "line1" in written.required


@pytest.mark.parametrize("country", countries.all_countries(), ids=lambda country: country.code)
def test_every_example_is_a_right_postal_code(country: Country) -> None:
    written = formats.of_country(country)

    assert bool(written.postal_code_examples) == (written.postal_code_pattern is not None)
    assert [example for example in written.postal_code_examples if not is_postal_code(country, example)] == []
    if written.postal_code_pattern is None:
        assert "postalCode" not in written.required


@pytest.mark.parametrize("country", countries.all_countries(), ids=lambda country: country.code)
def test_every_pattern_is_one_that_a_browser_understands(country: Country) -> None:
    """HTML matches the whole value by itself: a pattern must have no anchors and no syntax that only Python has."""
    pattern = formats.of_country(country).postal_code_pattern or ""

    assert re.sub(r"\\[d \-]|\[[\\dA-Z0-9 \-]+\]|\(\?:|[A-Z0-9 \-?|(){},]", "", pattern) == ""


@pytest.mark.parametrize(
    ("code", "template"),
    [
        ("US", "{firstName} {lastName}\n{company}\n{line1}\n{line2}\n{city}, {zone} {postalCode}"),
        ("CH", "{company}\n{firstName} {lastName}\n{line1}\n{line2}\nCH-{postalCode} {city}"),
        ("JP", "〒{postalCode}\n{zone}{city}\n{line1}\n{line2}\n{company}\n{lastName} {firstName}"),
        ("CN", "{postalCode}\n{zone}{city}\n{line1}\n{line2}\n{company}\n{lastName}{firstName}"),
        ("BR", "{company}\n{firstName} {lastName}\n{line1}\n{line2}\n{city}-{zone}\n{postalCode}"),
        ("PH", "{firstName} {lastName}\n{company}\n{line1}\n{line2}\n{city}\n{postalCode} {zone}"),
        ("MX", "{firstName} {lastName}\n{company}\n{line1}\n{line2}\n{postalCode} {city}, {zone}"),
        ("HU", "{lastName} {firstName}\n{company}\n{city}\n{line1}\n{line2}\n{postalCode}"),
        ("SG", "{firstName} {lastName}\n{company}\n{line1}\n{line2}\nSINGAPORE {postalCode}"),
        ("AS", "{firstName} {lastName}\n{company}\n{line1}\n{line2}\n{city} AS {postalCode}"),
        ("FR", "{company}\n{firstName} {lastName}\n{line1}\n{line2}\n{postalCode} {city}"),
    ],
)
def test_the_template_follows_the_countrys_own_order(code: str, template: str) -> None:
    assert format_of(code).template == template


def test_the_order_is_turned_round_in_latin_letters_only_where_the_post_does_so() -> None:
    turned = [
        each.code
        for each in countries.all_countries()
        if re.sub(r"\{(first|last)Name\}", "", formats.of_country(each).template).strip().split("\n")[0]
        != re.sub(r"\{(first|last)Name\}", "", formats.of_country(each).latin_template).strip().split("\n")[0]
    ]

    assert turned == ["CN", "HK", "JP", "KP", "KR", "KZ", "MO", "TW"]


@pytest.mark.parametrize(
    ("code", "upper_case"),
    [
        ("US", {"city", "zone"}),
        ("FR", {"city"}),
        ("GB", {"city", "postalCode"}),
        ("DE", set()),
        ("CH", set()),
        ("JP", {"zone"}),
    ],
)
def test_capitals_are_only_where_the_countrys_post_asks_for_them(code: str, upper_case: set[str]) -> None:
    assert format_of(code).upper_case == upper_case


@pytest.mark.parametrize(
    ("code", "zone", "city", "postal_code"),
    [
        ("US", "state", "city", "zip"),
        ("GB", "province", "post_town", "postal"),
        ("IE", "county", "city", "eircode"),
        ("IN", "state", "city", "pin"),
        ("JP", "prefecture", "city", "postal"),
        ("AE", "emirate", "city", "postal"),
        ("AU", "state", "suburb", "postal"),
    ],
)
def test_a_form_can_call_the_fields_as_the_country_does(code: str, zone: str, city: str, postal_code: str) -> None:
    written = format_of(code)

    assert (written.zone_type, written.city_type, written.postal_code_type) == (zone, city, postal_code)
