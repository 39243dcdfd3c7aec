"""Countries: codes, and names by language."""

import pytest
from babel import localedata
from hypothesis import given, settings
from hypothesis import strategies as st

from app.platform.errors import ErrorCode, Invalid
from app.platform.geography import countries
from app.platform.geography.countries import Country, all_countries, find, parse_country


@pytest.mark.parametrize(
    ("code", "alpha3"),
    [("CH", "CHE"), ("DE", "DEU"), ("FR", "FRA"), ("CD", "COD"), ("MM", "MMR"), ("TL", "TLS"), ("YE", "YEM")],
)
def test_a_country_has_its_current_and_no_withdrawn_alpha3_code(code: str, alpha3: str) -> None:
    assert find(code) == Country(code, alpha3)


def test_there_are_the_249_countries_of_iso_3166_1_and_kosovo_in_the_order_of_their_codes() -> None:
    codes = [country.code for country in all_countries()]

    assert len(codes) == 250
    assert codes == sorted(set(codes))
    assert all(len(code) == 2 for code in codes)
    assert len({country.alpha3 for country in all_countries()}) == 250
    assert all(len(country.alpha3) == 3 for country in all_countries())


def test_kosovo_has_the_code_that_the_european_commission_uses() -> None:
    assert find("XK") == Country("XK", "XKX")


def test_a_code_may_be_written_in_lower_case() -> None:
    assert find("ch") == find("CH") is not None


@pytest.mark.parametrize(
    "code", ["UK", "EU", "ZZ", "AN", "AC", "TA", "XA", "QM", "AA", "CHE", "", " ", "ß", "../ch", "1"]
)
def test_what_is_no_country_is_not_found(code: str) -> None:
    assert find(code) is None


@pytest.mark.parametrize(
    ("locale", "name"),
    [
        ("de-CH", "Schweiz"),
        ("fr", "Suisse"),
        ("fr_FR", "Suisse"),
        ("it-CH", "Svizzera"),
        ("ja", "スイス"),
        ("zh-TW", "瑞士"),
        ("en", "Switzerland"),
        ("de-DE-1996", "Schweiz"),
    ],
)
def test_a_name_is_in_the_language_asked_for(locale: str, name: str) -> None:
    assert countries.name("CH", locale) == name


@pytest.mark.parametrize("locale", ["xx", "", "-", "root", "../../etc", "en-XX", "tlh-Latn-QQ"])
def test_a_name_is_english_where_the_language_is_unknown(locale: str) -> None:
    assert countries.name("CH", locale) == "Switzerland"


def test_a_region_tells_apart_what_is_called_differently_there() -> None:
    assert countries.name("IR", "pt") == "Irã"
    assert countries.name("IR", "pt-PT") == "Irão"


def test_every_country_has_an_english_name() -> None:
    assert [country.code for country in all_countries() if countries.name(country.code, "en") == country.code] == []


def test_the_name_of_an_unknown_code_is_the_code() -> None:
    assert countries.name("ZQ", "de") == "ZQ"


def test_asking_for_many_languages_keeps_none_of_their_data() -> None:
    for locale in ["af", "sw", "is", "cy", "eu", "ta"]:
        countries.name("CH", locale)

    assert len(localedata._cache) == 0


@pytest.mark.parametrize(
    ("raw", "right"),
    [
        ("UK", "GB"),
        ("Scotland", "GB"),
        ("EL", "GR"),
        ("CHE", "CH"),
        ("usa", "US"),
        ("Switzerland", "CH"),
        ("germany", "DE"),
    ],
)
def test_a_wrong_code_is_refused_with_the_right_one(raw: str, right: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_country(raw)

    assert refused.value.code is ErrorCode.INVALID
    assert str(refused.value) == f"This is not a country code. Did you mean {right}?"


@pytest.mark.parametrize("raw", ["", "ZZ", "Atlantis", "🇨🇭"])
def test_a_code_nobody_can_guess_is_refused_with_an_example(raw: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_country(raw)

    assert str(refused.value) == "This is not a country code. Use two letters (ISO 3166-1), such as CH or US."


def test_a_code_is_parsed_with_blanks_around_it() -> None:
    assert parse_country(" ch ") == find("CH")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_no_text_breaks_the_search_for_a_country_or_a_name(text: str) -> None:
    assert find(text) is None or text.upper() in {country.code for country in all_countries()}
    assert countries.name("CH", text)
    assert countries.name(text, "en") or text == ""
