"""Detects payment card numbers in any text, so that none is stored."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence

from app.platform.errors import AppError, ErrorCode

MIN_DIGITS, MAX_DIGITS = 13, 19
NETWORKS: Sequence[tuple[str, int, int, Sequence[int]]] = (
    # Network, first and last prefix, lengths. Networks in parentheses lie within the range of another.
    ("Visa (Elo)", 4, 4, (13, 16, 19)),
    ("Mastercard", 51, 55, (16,)),
    ("Mastercard", 2221, 2720, (16,)),
    ("American Express", 34, 34, (15,)),
    ("American Express", 37, 37, (15,)),
    ("Diners Club", 300, 305, range(14, 20)),
    ("Diners Club", 3095, 3095, range(14, 20)),
    ("Diners Club", 36, 36, range(14, 20)),
    ("Diners Club", 38, 39, range(14, 20)),
    ("JCB (RuPay)", 3528, 3589, range(16, 20)),
    ("Maestro (Dankort, Elo, RuPay, Verve)", 50, 50, range(13, 20)),
    ("Maestro", 56, 58, range(13, 20)),
    ("Maestro (Discover, Elo, Hipercard, RuPay, Troy, UnionPay)", 6, 6, range(13, 20)),
    ("UnionPay (RuPay)", 81, 81, range(16, 20)),
    ("RuPay", 82, 82, (16,)),
    ("Mir", 2200, 2204, range(16, 20)),
    ("Troy", 9792, 9792, (16,)),
)
"""As the networks publish them and the form libraries of gateways use them (braintree/credit-card-type)."""
PREFIX_DIGITS = 4

# A number does not continue after letters, nor after the + of a telephone number (form encoding has + between digits).
SEPARATORS = re.compile(r"[^\W\d_]+|(?<!\d)\+")
DIGIT_GROUP = re.compile(r"\d+")
# What may follow a card number in the same group of digits: expiry (MMYY, MMYYYY), security code, or both.
EXPIRY_OR_CVC = re.compile(r"(?:(?:0[1-9]|1[0-2])(?:20)?\d\d)?(?:\d{3,4})?")

# These shapes are excluded only where no number has begun before them.
_START = r"(?<!\d)(?<!\d[\W_])(?<!\d[\W_]{2})(?<!\d[\W_]{3})"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?: ?[+\-]\d\d:?\d\d)?"
_DAY, _MONTH, _YEAR = r"(?:3[01]|[12]\d|0?[1-9])", r"(?:1[0-2]|0?[1-9])", r"(?:19|20)\d\d"
_DATE = rf"(?:{_YEAR}[./\-]{_MONTH}[./\-]{_DAY}|{_DAY}[./\-]{_MONTH}[./\-]{_YEAR})"
_COORDINATE, _PRECISE_COORDINATE = r"[+\-]?1?\d{1,2}\.\d{3,}", r"[+\-]?1?\d{1,2}\.\d{5,}"
NOT_CARD_NUMBERS = re.compile(
    # RFC 9562: the two highest bits of the variant are 1 and 0.
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    rf"|{_START}{_DATE}(?:[T ,]{{1,2}}{_TIME})?(?!\d)"
    # A pair of coordinates, and a place in a map URL.
    rf"|{_START}(?:{_COORDINATE} ?, ?{_COORDINATE}|{_PRECISE_COORDINATE}\s+{_PRECISE_COORDINATE})"
    r"|map=\d{1,2}(?:\.\d+)?/-?\d{1,2}\.\d+/-?\d{1,3}\.\d+|[?&]cid=\d{15,20}(?!\d)"
    # Parcel numbers of the United States Postal Service (Publication 199) and of Swiss Post.
    rf"|{_START}(?:420 ?\d{{5}} ?)?9[1-5]\d\d(?: ?\d{{4}}){{4}} ?\d\d(?!\d)"
    rf"|{_START}99\.\d\d\.\d{{6}}\.\d{{8}}(?!\d)",
    re.IGNORECASE,
)
IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![^\W_])", re.IGNORECASE)
IBAN_MODULUS = 97


class CardDataRefused(AppError):
    """An input that must not hold card data contains something that looks like a card number."""

    code = ErrorCode.CARD_DATA_REFUSED
    message = "This looks like a card number. Card data goes to the payment gateway only; send its token instead."


def refuse_card_numbers(value: str) -> None:
    """Raise `CardDataRefused` for a card number in `value`, whatever separates its digits, except letters.

    It has the prefix and a length of a payment network and passes the Luhn check (ISO/IEC 7812-1). It begins where a
    group of digits begins, and ends where one ends, or before an expiry date or a CVC; within a first group of 13 or
    more digits it may end anywhere. Digits of any script count, also superscript and circled ones, because a later
    normalization may turn them into ASCII. Dates, UUIDs, IBANs with correct check digits, coordinates and parcel
    numbers are not card numbers, though one in ten of them would pass the Luhn check by chance.
    """
    plain = to_ascii_digits(value)
    if sum(map(len, DIGIT_GROUP.findall(plain))) < MIN_DIGITS:
        return
    for part in SEPARATORS.split(mask_other_numbers(plain)):
        groups = DIGIT_GROUP.findall(part)
        if any(_starts_with_card_number(groups[start:]) for start in range(len(groups))):
            raise CardDataRefused


def mask_other_numbers(plain: str) -> str:
    """`plain` with an `x` for whatever is a date, a UUID, coordinates, a parcel's number or a valid IBAN."""
    return IBAN.sub(_mask_iban, NOT_CARD_NUMBERS.sub("x", plain))


def to_ascii_digits(value: str) -> str:
    """`value` with every character that Unicode defines as a digit (`٤`, `⁴`, `④`, fullwidth) as an ASCII digit."""
    if value.isascii():
        return value
    return "".join(str(unicodedata.digit(character, character)) for character in value)


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = (sum(divmod(int(digit) * 2, 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _starts_with_card_number(groups: Sequence[str]) -> bool:
    number = ""
    for group in groups:
        before, number = len(number), number + group
        lengths = _lengths(number) if len(number) >= PREFIX_DIGITS else None
        if lengths is not None and not lengths:
            return False
        for length in lengths or ():
            if before < length <= len(number) and _can_end_at(number, before, length) and passes_luhn(number[:length]):
                return True
        if len(number) >= MAX_DIGITS:
            return False
    return False


def _can_end_at(number: str, before: int, length: int) -> bool:
    return (not before and len(number) >= MIN_DIGITS) or bool(EXPIRY_OR_CVC.fullmatch(number, length))


def _lengths(number: str) -> Sequence[int]:
    return _LENGTHS.get(number[:PREFIX_DIGITS], ())


def _lengths_of_prefixes() -> Mapping[str, Sequence[int]]:
    """For each four-digit prefix of cards the lengths of all networks that use it."""
    found: dict[str, set[int]] = defaultdict(set)
    for _, first, last, lengths in NETWORKS:
        fours = 10 ** (PREFIX_DIGITS - len(str(first)))
        for four in range(first * fours, (last + 1) * fours):
            found[str(four)].update(lengths)
    return {prefix: sorted(lengths) for prefix, lengths in found.items()}


_LENGTHS = _lengths_of_prefixes()


def _mask_iban(match: re.Match[str]) -> str:
    written = match.group().replace(" ", "")
    number = "".join(str(int(character, 36)) for character in written[4:] + written[:4])
    return "x" if int(number) % IBAN_MODULUS == 1 else match.group()
