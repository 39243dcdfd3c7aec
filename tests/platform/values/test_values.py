"""Value types: what they accept, and the form they store."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.customers.orders import contents
from app.platform.cards import CardDataRefused
from app.platform.errors import AppError, Invalid
from app.platform.values import EmailAddress, InvalidPhone, PhoneNumber, canonical, fax, text_parser

CARDS = [
    "4242424242424242",
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "4242  4242  4242  4242",
    "4242 - 4242 - 4242 - 4242",
    "4242424242424242 123",
    "my card is 5555555555554444, thank you",
    "378282246310005 12/29",
    "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
    "⁴²⁴²⁴²⁴²⁴²⁴²⁴²⁴²",
    "④②④② ④②④② ④②④② ④②④②",
]


@pytest.mark.parametrize("card", CARDS)
def test_a_card_number_is_refused_however_it_is_written(card: str) -> None:
    with pytest.raises(CardDataRefused):
        text_parser(1, 255)(card)


@pytest.mark.parametrize("number", ["+4915123456789", "+49 1512 3456780", "+41 44 668 18 00", "+86 138 0013 8000"])
def test_a_telephone_number_is_not_taken_for_a_card(number: str) -> None:
    assert PhoneNumber.parse(number).e164.startswith("+")
    assert fax(number) == number


@pytest.mark.parametrize("number", ["123", "+1 555 555 0100", "call me", "+41 44"])
def test_what_cannot_be_called_is_no_telephone_number(number: str) -> None:
    with pytest.raises(InvalidPhone):
        PhoneNumber.parse(number)


@pytest.mark.parametrize("region", [None, "AT", "CH", "DE", "US"])
@pytest.mark.parametrize("card", ["4242 4242 4242 4242", "4929 1234 5678 9015", "378282246310005", "36700102000000"])
def test_a_card_number_is_refused_as_a_telephone_number_too(card: str, region: str | None) -> None:
    with pytest.raises(CardDataRefused):
        PhoneNumber.parse(card, region)
    with pytest.raises(CardDataRefused):
        fax(card)


@pytest.mark.parametrize("card", ["+4929123456789015", "0 4242 4242 4242 4242", "(4242) 4242 4242 4242 123"])
def test_what_is_too_long_to_be_called_may_be_a_card_number_whatever_it_begins_with(card: str) -> None:
    for parse in (PhoneNumber.parse, fax):
        with pytest.raises(CardDataRefused):
            parse(card)


def test_an_extension_is_refused_as_it_could_not_be_kept() -> None:
    with pytest.raises(InvalidPhone, match="without its extension"):
        PhoneNumber.parse("+41 44 668 18 00 ext. 12")


@pytest.mark.parametrize("line_break", ["\n", "\t", "\u2028", "\u2029"])
def test_one_line_is_one_line(line_break: str) -> None:
    with pytest.raises(Invalid, match="one line"):
        text_parser(1, 255)(f"Limmatquai{line_break}2")
    with pytest.raises(Invalid, match="one line"):
        contents.parse_number(f"1{line_break}2")


@pytest.mark.parametrize("raw", ["4242424242424242@example.org", "ann@4242424242424242.example.org"])
def test_no_part_of_an_address_is_a_card_number(raw: str) -> None:
    with pytest.raises(CardDataRefused):
        EmailAddress.parse(raw)


def test_the_two_parts_of_an_address_are_two_numbers() -> None:
    with pytest.raises(CardDataRefused):
        text_parser(1, 255)("4242424242424@242")

    assert EmailAddress.parse("4242424242424@242.example.org").address == "4242424242424@242.example.org"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.org", "ann@example.ORG"),
        ("straße@example.org", "STRASSE@example.org"),
        ("e\u0301va@example.org", "éva@example.org"),
    ],
)
def test_spellings_of_an_address_that_look_alike_are_the_same(one: str, other: str) -> None:
    assert EmailAddress.parse(one).canonical == EmailAddress.parse(other).canonical


@pytest.mark.parametrize(
    "raw", ["ann", "ann@", "@example.org", "a b@example.org", "ann@example.org\x00", "ann@exa mple"]
)
def test_what_is_no_address_is_refused(raw: str) -> None:
    with pytest.raises(Invalid):
        EmailAddress.parse(raw)


@given(some.text(max_size=300))
def test_any_text_is_either_kept_or_refused(raw: str) -> None:
    for parse in (text_parser(1, 255), EmailAddress.parse, PhoneNumber.parse, fax):
        try:
            parse(raw)
        except AppError:
            continue


@given(some.text(max_size=60))
def test_the_canonical_form_of_a_canonical_form_is_itself(raw: str) -> None:
    assert canonical(canonical(raw)) == canonical(raw)
