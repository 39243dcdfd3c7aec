"""Address checks: exact codes and fields, for countries of all continents."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.platform.errors import ErrorCode
from app.platform.geography import countries
from app.platform.geography.checks import check
from app.platform.geography.countries import Country
from app.platform.geography.formatting import format_address
from app.platform.geography.postal_addresses import PostalAddress

LINE1 = "REQUIRED line1"
CITY = "REQUIRED city"
POSTAL_CODE = "REQUIRED postalCode"
ZONE = "REQUIRED zone"
WRONG_CODE = "INVALID_POSTAL_CODE postalCode"
WRONG_ZONE = "INVALID_ZONE zone"

ANY_TEXT = st.none() | st.text(st.characters(exclude_categories=()))


def problems(code: str, **fields: str | None) -> list[str]:
    country = countries.find(code)
    assert country is not None
    return [f"{error.code.value} {'.'.join(error.field or ())}" for error in check(PostalAddress(country, **fields))]


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("AE", [LINE1, ZONE]),
        ("AG", [LINE1]),
        ("AR", [LINE1, CITY]),
        ("AS", [LINE1, CITY, POSTAL_CODE]),
        ("AU", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("BR", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("CA", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("CH", [LINE1, CITY, POSTAL_CODE]),
        ("CL", [LINE1, CITY]),
        ("CN", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("CO", [LINE1, ZONE]),
        ("CR", [LINE1, CITY]),
        ("DE", [LINE1, CITY, POSTAL_CODE]),
        ("EG", [LINE1, CITY]),
        ("ES", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("FR", [LINE1, CITY, POSTAL_CODE]),
        ("GB", [LINE1, CITY, POSTAL_CODE]),
        ("GH", [LINE1, CITY]),
        ("GI", [LINE1]),
        ("GL", [LINE1, CITY, POSTAL_CODE]),
        ("HK", [LINE1, ZONE]),
        ("ID", [LINE1, ZONE]),
        ("IE", [LINE1, CITY]),
        ("IL", [LINE1, CITY]),
        ("IN", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("IS", [LINE1, CITY]),
        ("IT", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("JP", [LINE1, POSTAL_CODE, ZONE]),
        ("KE", [LINE1, CITY]),
        ("KR", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("MA", [LINE1, CITY]),
        ("MC", [LINE1, CITY]),
        ("MO", [LINE1]),
        ("MX", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("NG", [LINE1, CITY]),
        ("NL", [LINE1, CITY, POSTAL_CODE]),
        ("NO", [LINE1, CITY, POSTAL_CODE]),
        ("NZ", [LINE1, CITY, POSTAL_CODE]),
        ("PA", [LINE1, CITY]),
        ("PE", [LINE1, CITY]),
        ("PH", [LINE1, CITY]),
        ("PL", [LINE1, CITY, POSTAL_CODE]),
        ("PT", [LINE1, CITY, POSTAL_CODE]),
        ("RU", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("SA", [LINE1, CITY]),
        ("SE", [LINE1, CITY, POSTAL_CODE]),
        ("SG", [LINE1, POSTAL_CODE]),
        ("TH", [LINE1, CITY]),
        ("TR", [LINE1, CITY, POSTAL_CODE]),
        ("TW", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("UA", [LINE1, CITY, POSTAL_CODE]),
        ("US", [LINE1, CITY, POSTAL_CODE, ZONE]),
        ("VA", [LINE1, CITY]),
        ("VN", [LINE1, CITY]),
        ("ZA", [LINE1, CITY, POSTAL_CODE]),
    ],
)
def test_an_empty_address_lacks_exactly_what_the_country_requires(code: str, missing: list[str]) -> None:
    assert problems(code) == missing


def test_blanks_are_as_good_as_nothing() -> None:
    assert problems("DE", line1=" ", city="\t", postal_code="\u3000") == [LINE1, CITY, POSTAL_CODE]


@pytest.mark.parametrize(
    ("code", "right", "wrong"),
    [
        ("AD", "AD500 AD100 500", "AD800"),
        ("AR", "C1043AAZ 1043", "CC1043 10433"),
        ("AT", "1070", "107 10700"),
        ("AU", "3065", "306 30655"),
        ("BE", "1000 B1000", "100"),
        ("BH", "317 1203", "17 13000 1999"),
        ("BR", "01310-100 01310100 0131-0100", "01310"),
        ("CA", "H2X1K1 k1a0b1 H2X-1K1", "12345 D2X1K1"),
        ("CH", "8001 CH-8001 ch8001", "800 80011 8OO1 DE-8001"),
        ("CL", "7500000 750-0000 75-00000", "750000"),
        ("CN", "100022", "10002 1000222"),
        ("CO", "050001", "50001"),
        ("CR", "10201 1000", "102 102010 10201xyz"),
        ("CZ", "11000", "1100 110000"),
        ("DE", "10115 D-10115", "1011 101155"),
        ("DK", "2200", "220"),
        ("EG", "12311 1231101 ١٢٣١١", "1231 123111"),
        ("ES", "28801", "2880 288011"),
        ("FI", "00100 FI-00100", "0100"),
        ("FR", "75004", "7500 750044"),
        ("GB", "SW1A2AA gu13aa BFPO1", "SW1A SW1A2A 12345 QQ11AA"),
        ("GL", "3900", "4900 390"),
        ("HU", "1011 H-1011", "101"),
        ("ID", "12190", "1219"),
        ("IE", "D02X285 d02x285", "D02 D02X28 D02X2855"),
        ("IL", "66881 6688112", "668811"),
        ("IN", "560001 060-001", "56000"),
        ("IS", "101", "1010"),
        ("IT", "00186", "186 001866"),
        ("JP", "100-0005 1000005 １００－０００５ １００ー０００５ 10-00005", "100"),
        ("KE", "00100", "100"),
        ("KR", "06236", "135-080 0623"),
        ("KZ", "050012 A15E3B0", "05001 A15E3BB"),
        ("LV", "LV-1010 LV1010 1010", "101"),
        ("MA", "10000", "1000"),
        ("MC", "98000 MC-98000", "75001"),
        ("MM", "11181 1508203", "1118"),
        ("MX", "03940", "3940"),
        ("NG", "100001", "10001"),
        ("NL", "1012LG", "1012 0012LG 1012SS"),
        ("NO", "0154", "154"),
        ("NZ", "6011", "601"),
        ("PE", "15074", "95074 LIMA"),
        ("PH", "1226", "226"),
        ("PL", "00-590 00590 0-0590", "1"),
        ("PT", "1100-048 1100048", "1100"),
        ("PY", "1536 001015", "153"),
        ("RU", "170100", "17010"),
        ("SA", "13337 13337-8118", "1333 13337-81"),
        ("SE", "11151 SE-11151", "1115"),
        ("SG", "079903", "79903"),
        ("SV", "1101 CP1101", "110"),
        ("TH", "10110", "1011"),
        ("TR", "34433", "3443"),
        ("TW", "110 11061 110615", "11 1106155"),
        ("UA", "01001", "1001"),
        ("US", "94043 94043-1351", "9404 940433 94043-13 CA94043"),
        ("VN", "71006 710060", "7100"),
        ("ZA", "8001", "800"),
    ],
)
def test_a_postal_code_must_have_the_form_of_its_country(code: str, right: str, wrong: str) -> None:
    def errors(postal_code: str) -> list[str]:
        return [problem for problem in problems(code, postal_code=postal_code) if "postalCode" in problem]

    assert [(each, errors(each)) for each in right.split(" ")] == [(each, []) for each in right.split(" ")]
    assert [(each, errors(each)) for each in wrong.split(" ")] == [(each, [WRONG_CODE]) for each in wrong.split(" ")]


@pytest.mark.parametrize("code", ["AE", "HK", "MO", "QA", "GH", "PA", "AO", "BO", "JM", "BS"])
def test_any_postal_code_is_taken_where_the_country_has_none(code: str) -> None:
    assert WRONG_CODE not in problems(code, postal_code="00000 anything")


def test_ireland_needs_no_postal_code_and_hong_kong_has_none() -> None:
    assert problems("IE", line1="5 Main Street", city="Kinsale") == []
    assert problems("HK", line1="1 Queen's Road", zone="Kowloon") == []


@pytest.mark.parametrize(
    ("code", "zone"),
    [
        ("AE", "Doha"),
        ("AU", "CA"),
        ("BR", "XX"),
        ("CA", "California"),
        ("CH", "Bayern"),
        ("CN", "Tokyo"),
        ("ES", "RM"),
        ("HK", "Macao"),
        ("IE", "Antrim"),
        ("IN", "Lahore"),
        ("IT", "Zürich"),
        ("JP", "48"),
        ("KR", "평양"),
        ("MX", "Texas"),
        ("NG", "Accra"),
        ("US", "QC"),
        ("US", "CA-CA"),
    ],
)
def test_a_zone_of_another_country_is_refused(code: str, zone: str) -> None:
    assert WRONG_ZONE in problems(code, zone=zone)


@pytest.mark.parametrize("code", ["DE", "FR", "GB", "NL", "ZA", "KE", "CR", "PA", "GH"])
def test_a_zone_is_free_text_in_a_country_without_zones(code: str) -> None:
    assert [problem for problem in problems(code, zone="Anything you like") if "zone" in problem] == []


def test_a_zone_may_be_left_out_where_the_country_has_zones_that_its_addresses_do_not_need() -> None:
    assert problems("CH", line1="Bahnhofstrasse 1", city="Zürich", postal_code="8001") == []


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_input() -> None:
    assert problems("US", line1="1 Main Street", postal_code="ABC", zone="Bavaria") == [CITY, WRONG_CODE, WRONG_ZONE]


def test_neither_names_nor_company_are_asked_for_here() -> None:
    assert (
        problems("CH", line1="Bahnhofstrasse 1", city="Zürich", postal_code="8001", first_name=None, company=None) == []
    )


def test_the_message_says_what_would_be_right() -> None:
    country = countries.find("US")
    assert country is not None

    empty = {error.field: str(error) for error in check(PostalAddress(country))}
    wrong = {error.field: str(error) for error in check(PostalAddress(country, postal_code="ABC", zone="Bavaria"))}

    assert empty[("postalCode",)] == "An address in this country needs a postal code, such as 95014."
    assert empty[("zone",)] == "An address in this country needs a zone, such as AL (Alabama)."
    assert wrong[("postalCode",)] == "This is not a postal code of this country. Write it as in 95014."
    assert wrong[("zone",)] == "There is no such zone in this country. Write it as in AL (Alabama)."


def test_no_message_repeats_what_was_typed() -> None:
    country = countries.find("US")
    assert country is not None

    errors = check(PostalAddress(country, postal_code="secret", zone="secret"))

    assert [error for error in errors if "secret" in str(error)] == []


addresses = st.builds(
    PostalAddress,
    st.sampled_from(countries.all_countries()),
    zone=ANY_TEXT,
    city=ANY_TEXT,
    postal_code=ANY_TEXT,
    line1=ANY_TEXT,
    line2=ANY_TEXT,
    first_name=ANY_TEXT,
    last_name=ANY_TEXT,
    company=ANY_TEXT,
)


@settings(deadline=None)
@given(addresses)
def test_no_text_breaks_the_check(address: PostalAddress) -> None:
    fields = {("line1",), ("city",), ("postalCode",), ("zone",)}
    codes = {ErrorCode.REQUIRED, ErrorCode.INVALID_POSTAL_CODE, ErrorCode.INVALID_ZONE}

    errors = check(address)

    assert {error.field for error in errors} <= fields
    assert {error.code for error in errors} <= codes
    assert len({error.field for error in errors}) == len(errors)


@settings(deadline=None)
@given(addresses)
def test_no_text_breaks_the_formatting_and_nothing_typed_is_lost(address: PostalAddress) -> None:
    lines = format_address(address)
    everything = "\n".join(lines)

    kept = (address.line1, address.line2, address.company, address.first_name, address.last_name)
    assert [text for text in kept if " ".join((text or "").split()) not in everything] == []
    assert all(line and "\n" not in line for line in lines)


@pytest.mark.parametrize("country", countries.all_countries(), ids=lambda country: country.code)
def test_every_country_has_a_place_for_city_and_postal_code(country: Country) -> None:
    lines = format_address(PostalAddress(country, line1="1 Street", city="Xanadu", postal_code="98765"))
    chinese = format_address(PostalAddress(country, line1="街", city="仙那度", postal_code="98765"))

    assert "XANADU" in "\n".join(lines).upper()
    assert "98765" in re.sub(r"(?<=\d)[ -](?=\d)", "", "\n".join(lines))
    assert "仙那度" in "\n".join(chinese)
    assert "98765" in re.sub(r"(?<=\d)[ -](?=\d)", "", "\n".join(chinese))
