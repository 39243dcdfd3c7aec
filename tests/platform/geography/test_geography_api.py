"""Countries and their address rules over GraphQL."""

import pytest

from app.platform.geography.countries import all_countries
from tests.shop import Shop

COUNTRY = """query ($code: String!, $locale: String) {
    country(code: $code, locale: $locale) {
        code alpha3 name requiredFields postalCodePattern zones { code name }
        addressFormat {
            template latinTemplate fields upperCase postalCodeExamples postalCodePrefix zoneType cityType postalCodeType
        }
    }
}""".replace("$locale: String)", '$locale: String! = "en")')


async def test_all_countries_are_listed_by_name(shop: Shop) -> None:
    countries = (await shop.ask("Countries")).data["countries"]

    names = [country["name"] for country in countries]
    assert {country["code"] for country in countries} == {country.code for country in all_countries()}
    assert names[:3] == ["Afghanistan", "Åland Islands", "Albania"]
    assert {"code": "CH", "alpha3": "CHE", "name": "Switzerland"} in countries


async def test_names_come_in_the_language_that_was_asked_for(shop: Shop) -> None:
    answer = await shop.ask('{ countries(locale: "de-CH") { code name zones { code name } } }')

    (swiss,) = [country for country in answer.data["countries"] if country["code"] == "CH"]
    assert swiss["name"] == "Schweiz"
    assert {"code": "GE", "name": "Genf"} in swiss["zones"]


async def test_a_country_comes_with_the_rules_of_its_addresses(shop: Shop) -> None:
    american = (await shop.ask(COUNTRY, code="us")).data["country"]
    japanese = (await shop.ask(COUNTRY, code="JP")).data["country"]

    assert (american["code"], american["alpha3"], american["name"]) == ("US", "USA", "United States")
    assert american["requiredFields"] == ["line1", "city", "postalCode", "zone"]
    assert {"code": "CA", "name": "California"} in american["zones"]
    assert american["addressFormat"]["zoneType"] == "state"
    assert american["addressFormat"]["postalCodeExamples"]
    assert set(american["addressFormat"]["upperCase"]) <= set(american["addressFormat"]["fields"])
    assert japanese["addressFormat"]["template"] != japanese["addressFormat"]["latinTemplate"]
    assert {"code": "13", "name": "Tokyo"} in japanese["zones"]


async def test_a_country_without_zones_and_codes_says_so(shop: Shop) -> None:
    country = (await shop.ask("Country", code="AO")).data["country"]

    assert (country["zones"], country["postalCodePattern"]) == ([], None)


@pytest.mark.parametrize("code", ["", "UK", "XX", "CHE", "ß", "C\u0000"])
async def test_there_is_no_country_with_another_code(shop: Shop, code: str) -> None:
    assert (await shop.ask("Country", code=code)).data == {"country": None}


@pytest.mark.parametrize("locale", ["", "xx", "../../etc/passwd", "de\u0000", "-" * 10_000, "zz-ZZ-zz", "de_CH"])
async def test_an_unknown_language_is_no_fault(shop: Shop, locale: str) -> None:
    country = (await shop.ask(COUNTRY, code="CH", locale=locale)).data["country"]

    assert country["name"] == ("Schweiz" if locale == "de_CH" else "Switzerland") or locale == "de\u0000"


@pytest.mark.parametrize(
    ("locale", "neighbours"),
    [
        ("en", ["Afghanistan", "Åland Islands", "Albania"]),
        ("de", ["Afghanistan", "Ägypten", "Ålandinseln", "Albanien"]),
        ("fr", ["Égypte", "Émirats arabes unis", "Équateur", "Érythrée", "Espagne"]),
        ("fr", ["Irak", "Iran", "Irlande", "Islande"]),
    ],
)
async def test_countries_are_in_alphabetical_order_whatever_their_accents(
    shop: Shop, locale: str, neighbours: list[str]
) -> None:
    answer = await shop.ask("query ($locale: String) { countries(locale: $locale) { name } }", locale=locale)

    names = [country["name"] for country in answer.data["countries"]]
    assert [name for name in names if name in neighbours] == neighbours
