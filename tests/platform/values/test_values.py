"""Value types: what they accept, and the form they store."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.customers.orders import contents
from app.platform.cards import CardDataRefused
from app.platform.errors import AppError, Invalid
from app.platform.values import EmailAddress, InvalidPhone, LoginName, PhoneNumber, fax, fold, text_parser

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
        ("e\u0301va@example.org", "ÉVA@example.org"),
        ("ann@bücher.example", "ann@XN--BCHER-KVA.example"),
        ("ann@bu\u0308cher.example", "ann@BÜCHER.example"),
        ("ann@straße.example", "ann@xn--strae-oqa.example"),
        ("ann@例え。example", "ann@例え.example"),
        ("ann@ｅxample.org", "ann@example.org"),
        ("\u200bann@example.org\ufeff", "ann@example.org"),
        ("\u202aann@example.org\u202c", "ann@example.org"),
    ],
)
def test_spellings_of_one_mailbox_are_the_same(one: str, other: str) -> None:
    assert EmailAddress.parse(one).canonical == EmailAddress.parse(other).canonical


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@straße.example", "ann@strasse.example"),
        ("ann@βόλος.example", "ann@βόλοσ.example"),
        ("weiß@example.org", "weiss@example.org"),
        ("ﬁnn@example.org", "finn@example.org"),
        ("ａnn@example.org", "ann@example.org"),
        ("ı@example.org", "i@example.org"),
        ("ann@ı.example.org", "ann@i.example.org"),
        ("ann+1@example.org", "ann@example.org"),
        ("a.nn@example.org", "ann@example.org"),
    ],
)
def test_two_mailboxes_are_two(one: str, other: str) -> None:
    assert EmailAddress.parse(one).canonical != EmailAddress.parse(other).canonical


@given(some.emails())
def test_the_canonical_form_of_an_address_is_its_own(raw: str) -> None:
    try:
        address = EmailAddress.parse(raw)
    except AppError:
        return
    assert EmailAddress.parse(address.canonical).canonical == address.canonical
    assert EmailAddress.parse(address.address).canonical == address.canonical


@pytest.mark.parametrize("raw", ["ann@shop.test", "ann@mail.shop.test"])
def test_an_address_of_a_test_is_an_address(raw: str) -> None:
    assert EmailAddress.parse(raw).address == raw


@pytest.mark.parametrize("raw", ["a\u200bnn@example.org", "ann@exam\u200bple.org", "ann\u00ad@example.org"])
def test_invisible_characters_inside_an_address_are_refused_or_make_no_difference(raw: str) -> None:
    try:
        assert EmailAddress.parse(raw).canonical == "ann@example.org"
    except Invalid:
        return


def test_login_names_are_ascii_and_only_their_case_is_ignored() -> None:
    assert LoginName.parse("Ann.Archer").canonical == LoginName.parse("\u200bANN.ARCHER ").canonical
    for raw in ("annſarcher", "straße", "ann\u200barcher", "ａnnarcher"):
        with pytest.raises(Invalid):
            LoginName.parse(raw)


@pytest.mark.parametrize("flag", ["🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "👩\u200d🚀"])
def test_what_makes_up_a_sign_stays(flag: str) -> None:
    assert text_parser(1, 32)(f"\u200e{flag} ") == flag


@pytest.mark.parametrize(
    "raw", ["ann", "ann@", "@example.org", "a b@example.org", "ann@example.org\x00", "ann@exa mple", "ann@test"]
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
def test_a_folded_text_folds_to_itself(raw: str) -> None:
    assert fold(fold(raw)) == fold(raw)


@pytest.mark.parametrize("override", ["\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u0000", "\u001b"])
def test_what_turns_or_controls_the_text_after_it_is_refused(override: str) -> None:
    with pytest.raises(Invalid, match="control characters"):
        text_parser(1, 32)(f"Ann{override}gpj.exe")


@pytest.mark.parametrize("text", ["\u200fعلي", "a\u2067عربي\u2069b", "👨\u200d👩", "ZoÃ«"])
def test_marks_isolates_and_joiners_are_part_of_a_text(text: str) -> None:
    assert text_parser(1, 32)(text) in {text, text.strip("\u200f")}
