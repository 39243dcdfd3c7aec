"""Formatting addresses: which lines are written, and what is left out."""

import pytest

from app.platform.geography import countries
from app.platform.geography.formatting import format_address
from app.platform.geography.postal_addresses import PostalAddress


def lines(code: str, **fields: str | None) -> list[str]:
    """The lines without the last, which is the country."""
    country = countries.find(code)
    assert country is not None
    return format_address(PostalAddress(country, **fields))[:-1]


@pytest.mark.parametrize(
    ("code", "country"),
    [
        ("CH", "SWITZERLAND"),
        ("TR", "TÜRKIYE"),
        ("CI", "CÔTE D’IVOIRE"),
        ("HK", "HONG KONG"),
        ("AX", "FINLAND"),
        ("GG", "CHANNEL ISLANDS"),
    ],
)
def test_the_last_line_is_the_country_in_english_capitals(code: str, country: str) -> None:
    found = countries.find(code)
    assert found is not None

    assert format_address(PostalAddress(found))[-1] == country


def test_what_stands_between_two_fields_goes_when_one_of_them_is_missing() -> None:
    assert lines("US", city="Reno", zone="NV", postal_code="89501") == ["RENO, NV 89501"]
    assert lines("US", city="Reno", postal_code="89501") == ["RENO 89501"]
    assert lines("US", city="Reno", zone="NV") == ["RENO, NV"]
    assert lines("US", zone="NV", postal_code="89501") == ["NV 89501"]
    assert lines("US", postal_code="89501") == ["89501"]
    assert lines("US") == []


@pytest.mark.parametrize(
    ("code", "postal_code", "line"),
    [
        ("CH", "8001", "CH-8001 X"),
        ("CH", "CH-8001", "CH-8001 X"),
        ("CH", "ch 8001", "CH-8001 X"),
        ("SE", "111 51", "SE-111 51 X"),
        ("AZ", "AZ1000", "AZ 1000 X"),
        ("PR", "PR 00901", "X PR 00901"),
        ("LV", "LV-1010", "X, LV-1010"),
        ("CH", None, "X"),
    ],
)
def test_the_letters_before_the_code_are_printed_once_and_only_with_a_code(
    code: str, postal_code: str | None, line: str
) -> None:
    assert lines(code, city="X", postal_code=postal_code) == [line]


@pytest.mark.parametrize(
    ("code", "first_name", "last_name", "line"),
    [
        ("CH", "Ann", "Example", "Ann Example"),
        ("CH", None, "Example", "Example"),
        ("CH", "Ann", None, "Ann"),
        ("HU", "Anna", "Nagy", "Nagy Anna"),
        ("JP", "太郎", "山田", "山田 太郎"),
        ("JP", "Taro", "Yamada", "Taro Yamada"),
        ("CN", "伟", "张", "张伟"),
        ("KR", "길동", "홍", "홍길동"),
        ("RU", "Анна", "Иванова", "Иванова Анна"),
        ("RU", "Anna", "Ivanova", "Anna Ivanova"),
        ("VN", "Văn An", "Nguyễn", "Nguyễn Văn An"),
    ],
)
def test_the_names_are_in_the_order_of_the_country_and_their_script(
    code: str, first_name: str | None, last_name: str | None, line: str
) -> None:
    assert lines(code, first_name=first_name, last_name=last_name) == [line]


def test_a_latin_name_keeps_its_order_in_a_japanese_address_and_a_japanese_one_in_a_latin_address() -> None:
    japanese = lines("JP", first_name="Ann", last_name="Example", line1="丸の内1-1", city="千代田区")
    latin = lines("JP", first_name="太郎", last_name="山田", line1="1-1 Marunouchi", city="Chiyoda-ku")

    assert japanese == ["千代田区", "丸の内1-1", "Ann Example"]
    assert latin == ["山田 太郎", "1-1 Marunouchi", "Chiyoda-ku"]


@pytest.mark.parametrize(
    ("code", "city", "zone", "printed"),
    [
        ("US", "Reno", "Nevada", "RENO, NV"),
        ("US", "Reno", "us-nv", "RENO, NV"),
        ("MX", "Mérida", "YUC", "MÉRIDA, YUC."),
        ("ES", "Getafe", "M", "GETAFE MADRID"),
        ("IT", "Tivoli", "Roma", "TIVOLI RM"),
        ("CN", "Suzhou", "JS", "Suzhou|JIANGSU SHENG"),
        ("CN", "苏州", "Jiangsu", "江苏省苏州"),
        ("VN", "Quận 1", "SG", "Quận 1|Thành phố Hồ Chí Minh"),
        ("US", "Reno", "no such state", "RENO, NO SUCH STATE"),
    ],
)
def test_a_zone_is_written_as_the_post_writes_it_and_in_the_script_of_the_rest(
    code: str, city: str, zone: str, printed: str
) -> None:
    assert lines(code, city=city, zone=zone) == printed.split("|")


def test_a_zone_is_left_out_where_it_repeats_the_city() -> None:
    assert lines("AE", city="Dubai", zone="DU") == ["Dubai"]
    assert lines("ES", city="Madrid", zone="M", postal_code="28001") == ["28001 MADRID"]


def test_a_zone_that_the_country_has_no_place_for_is_left_out_only_where_the_postal_code_says_it() -> None:
    assert lines("DE", city="München", zone="Bayern", postal_code="80331") == ["80331 München"]
    assert lines("DE", city="München", zone="Bayern") == ["München", "Bayern"]
    assert lines("GH", city="Accra", zone="Greater Accra", postal_code="GA-184") == ["Accra GA-184", "Greater Accra"]


def test_a_city_is_left_out_only_where_the_template_already_says_it() -> None:
    assert lines("SG", city="Singapore", postal_code="079903") == ["SINGAPORE 079903"]
    assert lines("GI", city="Gibraltar", postal_code="GX11 1AA") == ["GIBRALTAR", "GX11 1AA"]
    assert lines("LU", city="L", postal_code="1009") == ["L-1009 L"]
    assert lines("CH", city="Ch", postal_code="8001") == ["CH-8001 Ch"]


def test_blanks_and_line_breaks_inside_a_value_become_one_blank() -> None:
    assert lines("CH", line1=" Bahnhofstrasse\n\t 1 ", line2=" ") == ["Bahnhofstrasse 1"]


def test_capitals_are_for_city_code_and_zone_only() -> None:
    assert lines("CA", first_name="Ann", line1="1 Rue X", city="Laval", zone="qc", postal_code="h7a 1a1") == [
        "Ann",
        "1 Rue X",
        "LAVAL QC H7A 1A1",
    ]
