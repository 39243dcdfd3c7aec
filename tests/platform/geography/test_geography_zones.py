"""Zones: states, provinces, cantons, and the names by which they are found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.platform.geography import countries, formats, zones
from app.platform.geography.countries import Country
from app.platform.geography.zones import find_zone, of_country, zone_name


def country(code: str) -> Country:
    found = countries.find(code)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("code", "raw", "zone"),
    [
        ("US", "CA", "CA"),
        ("US", "us-ca", "CA"),
        ("US", " California ", "CA"),
        ("US", "D.C.", "DC"),
        ("CA", "Québec", "QC"),
        ("CA", "quebec", "QC"),
        ("CA", "Colombie-Britannique", "BC"),
        ("CH", "ZH", "ZH"),
        ("CH", "CH-ZH", "ZH"),
        ("CH", "Zurigo", "ZH"),
        ("CH", "Genf", "GE"),
        ("CH", "genève", "GE"),
        ("AE", "Dubai", "DU"),
        ("AE", "دبي", "DU"),
        ("AE", "دبى", "DU"),
        ("JP", "13", "13"),
        ("JP", "JP-13", "13"),
        ("JP", "東京都", "13"),
        ("JP", "東京", "13"),
        ("JP", "tokyo", "13"),
        ("CN", "BJ", "BJ"),
        ("CN", "11", "BJ"),
        ("CN", "CN-11", "BJ"),
        ("CN", "北京", "BJ"),
        ("CN", "Beijing", "BJ"),
        ("CN", "Inner Mongolia", "NM"),
        ("TW", "臺北市", "TPE"),
        ("TW", "Taipei", "TPE"),
        ("TW", "Hsinchu County", "HSQ"),
        ("TW", "Hsinchu", None),
        ("KR", "서울", "11"),
        ("KR", "강원특별자치도", "42"),
        ("KR", "Gyeonggi", "41"),
        ("HK", "九龍", "Kowloon"),
        ("HK", "kowloon", "Kowloon"),
        ("TH", "Bangkok", "10"),
        ("VN", "Đà Nẵng", "DN"),
        ("VN", "Da Nang", "DN"),
        ("VN", "Huế", "26"),
        ("TR", "Adiyaman", "02"),
        ("TR", "Afyon", "03"),
        ("IN", "OD", "OD"),
        ("IN", "OR", "OD"),
        ("IN", "ओडिशा", "OD"),
        ("IN", "Jammu & Kashmir", "JK"),
        ("ID", "Papua Selatan", "PS"),
        ("IE", "Dublin", "D"),
        ("IE", "County Cork", "CO"),
        ("ES", "Lleida", "L"),
        ("ES", "Bizkaia", "BI"),
        ("ES", "Vizcaya", "BI"),
        ("ES", "Guipúzcoa", "SS"),
        ("ES", "La Coruña", "C"),
        ("ES", "lerida", "L"),
        ("ES", "Gerona", "GI"),
        ("ES", "Orense", "OR"),
        ("ES", "Islas Baleares", "PM"),
        ("ES", "Alacant", "A"),
        ("ES", "Araba", "VI"),
        ("PE", "Cuzco", "CUS"),
        ("CL", "Araucanía", "AR"),
        ("JM", "Saint Ann", "06"),
        ("TH", "Chumpon", "86"),
        ("IT", "Roma", "RM"),
        ("MX", "CDMX", "CMX"),
        ("MX", "Distrito Federal", "CMX"),
        ("MX", "N.L.", "NLE"),
        ("BR", "sao paulo", "SP"),
        ("AR", "CABA", "C"),
        ("AR", "Buenos Aires", "B"),
        ("PE", "Lima", "LMA"),
        ("VE", "Distrito Federal", "A"),
        ("EG", "Cairo", "C"),
        ("UA", "Kyiv", "30"),
        ("UA", "Kyiv oblast", "32"),
        ("RU", "Moscow", "MOW"),
        ("RU", "Московская область", "MOS"),
        ("US", "ON", None),
        ("US", "CA-QC", None),
        ("US", "Bavaria", None),
        ("US", "", None),
        ("US", "--", None),
        ("DE", "Bayern", None),
        ("DE", "CA", None),
    ],
)
def test_a_zone_is_found_by_its_code_and_by_every_name_people_use(code: str, raw: str, zone: str | None) -> None:
    found = find_zone(country(code), raw)

    assert (found and found.code) == zone


@pytest.mark.parametrize("code", [each.code for each in countries.all_countries()])
def test_every_zone_is_found_by_its_own_code_and_names_and_by_nobody_elses(code: str) -> None:
    for zone in of_country(country(code)):
        translated = [name for _, name in zone.translations]
        for name in (zone.code, f"{code}-{zone.code}", zone.name, zone.latin_name, zone.postal, *translated):
            assert find_zone(country(code), name) is zone


def test_codes_are_unique_in_their_country() -> None:
    for each in countries.all_countries():
        codes = [zone.code for zone in of_country(each)]
        assert len(codes) == len(set(codes))


def test_most_countries_have_no_zones() -> None:
    assert [code for code in ("DE", "FR", "GB", "NL", "SE", "PL", "NZ", "ZA", "KE") if of_country(country(code))] == []
    assert sum(bool(of_country(each)) for each in countries.all_countries()) == 49


@pytest.mark.parametrize(
    ("code", "how_many"),
    [
        ("US", 62),
        ("CA", 13),
        ("CH", 26),
        ("JP", 47),
        ("BR", 27),
        ("IN", 36),
        ("CN", 34),
        ("AU", 9),
        ("IT", 107),
        ("ID", 38),
    ],
)
def test_a_country_has_all_its_zones(code: str, how_many: int) -> None:
    assert len(of_country(country(code))) == how_many


def test_these_countries_require_a_zone() -> None:
    required = [each.code for each in countries.all_countries() if "zone" in formats.of_country(each).required]

    assert " ".join(required) == "AE AU BR CA CN CO ES HK ID IN IT JM JP KN KR KY MX NR RU SO SV TW US VE"


def test_a_zone_is_required_only_where_there_are_zones_to_choose_from() -> None:
    for each in countries.all_countries():
        assert of_country(each) or "zone" not in formats.of_country(each).required


@pytest.mark.parametrize(
    ("code", "zone", "locale", "name"),
    [
        ("AE", "DU", "en", "Dubai"),
        ("AE", "DU", "de-CH", "Dubai"),
        ("AE", "DU", "ar", "دبي"),
        ("CA", "QC", "en", "Quebec"),
        ("CA", "QC", "fr-CA", "Québec"),
        ("CH", "GE", "de", "Genf"),
        ("CH", "GE", "fr-CH", "Genève"),
        ("CH", "GE", "en", "Geneva"),
        ("CH", "GE", "ja", "Geneva"),
        ("IN", "OD", "hi", "ओड़िशा"),
        ("JP", "13", "ja-JP", "東京都"),
        ("JP", "13", "fr", "Tokyo"),
        ("TW", "TPE", "zh-Hant", "台北市"),
        ("HK", "Kowloon", "en", "Kowloon"),
        ("HK", "Kowloon", "zh_HK", "九龍"),
        ("US", "CA", "de", "California"),
        ("ES", "BI", "es", "Bizkaia"),
        ("ES", "SS", "en", "Gipuzkoa"),
        ("ES", "C", "es", "A Coruña"),
        ("ES", "L", "ca", "Lleida"),
        ("ES", "GI", "es", "Girona"),
        ("ES", "OR", "es", "Ourense"),
        ("ES", "A", "es", "Alicante"),
        ("PE", "CUS", "es", "Cusco"),
        ("PH", "ZSI", "en", "Zamboanga Sibugay"),
        ("TH", "93", "en", "Phatthalung"),
    ],
)
def test_a_zone_is_named_in_its_own_languages_and_in_latin_letters_for_all_others(
    code: str, zone: str, locale: str, name: str
) -> None:
    found = find_zone(country(code), zone)

    assert found is not None
    assert zone_name(found, locale) == name


@settings(deadline=None)
@given(st.sampled_from(countries.all_countries()), st.text(st.characters(exclude_categories=())))
def test_no_text_breaks_the_search_for_a_zone(each: Country, text: str) -> None:
    found = find_zone(each, text)

    assert found is None or found in zones.of_country(each)
