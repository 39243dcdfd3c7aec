"""Payment card numbers in what programs write: found only where an identifier of another system is improbable."""

import re
from collections.abc import Iterator, Sequence

from app.platform.cards import CardDataRefused, mask_other_numbers, passes_luhn, to_ascii_digits

NETWORKS: Sequence[tuple[str, int, int, Sequence[int]]] = (
    # Network, first and last prefix, the lengths in which it is issued today.
    ("Visa (Elo)", 4, 4, (16,)),
    ("Mastercard", 51, 55, (16,)),
    ("Mastercard", 2221, 2720, (16,)),
    ("American Express", 34, 34, (15,)),
    ("American Express", 37, 37, (15,)),
    ("Diners Club", 300, 305, (14,)),
    ("Diners Club", 3095, 3095, (14,)),
    ("Diners Club", 36, 36, (14,)),
    ("Diners Club", 38, 39, (14,)),
    ("JCB", 3528, 3589, (16,)),
    ("Discover", 6011, 6011, (16,)),
    ("Discover", 644, 649, (16,)),
    ("Discover (Elo, RuPay, Troy)", 65, 65, (16,)),
    ("UnionPay", 62, 62, (16, 19)),
    ("Maestro (Dankort)", 5018, 5020, (16,)),
    ("Maestro", 5038, 5038, (16,)),
    ("Maestro", 5893, 5893, (16,)),
    ("Maestro", 6304, 6304, (16,)),
    ("Maestro", 6759, 6759, (16,)),
    ("Maestro", 6761, 6763, (16,)),
    ("Elo", 5041, 5041, (16,)),
    ("Verve", 5060, 5061, (16,)),
    ("Elo", 5066, 5067, (16,)),
    ("RuPay", 5085, 5089, (16,)),
    ("Elo", 5090, 5090, (16,)),
    ("Elo", 6362, 6363, (16,)),
    ("Hipercard", 6062, 6062, (16,)),
    ("RuPay", 6069, 6085, (16,)),
    ("Mir", 2200, 2204, (16,)),
    ("Troy", 9792, 9792, (16,)),
)
"""Left out, as other systems number in the same way and hardly a card does: Visa with 13 and 19 digits, Maestro with
other lengths than 16, Diners Club with 16, the ranges 81 and 82."""
_BY_LENGTH = {
    length: re.compile("|".join(str(one) for _, first, last, lengths in NETWORKS if length in lengths
                                for one in range(first, last + 1)))
    for length in sorted({length for *_, lengths in NETWORKS for length in lengths})
}  # fmt: skip

# Of an identifier such as order_4242…, address.4242… or gid://shopify/Order/4242…, digits are the last part; those
# behind a decimal point are a fraction.
_START = r"(?<!\w)(?<![^\W\d_][./])(?<!\d[.,])"
_SEPARATOR = r"[\s.\-–—/·_]{1,5}"  # noqa: RUF001 - dashes that text programs put in
ONE_GROUP = re.compile(rf"{_START}\d{{14,19}}(?!\w)")
# As printed on cards or typed in fours, and not behind another group of four.
PRINTED_GROUPS = re.compile(
    rf"{_START}(?<!\d{{4}}[\s.\-–—/·_])(?:"  # noqa: RUF001
    + "|".join(
        _SEPARATOR.join(rf"\d{{{count}}}" for count in counts)
        for counts in ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 4, 4, 3), (4, 4, 4, 2), (4, 6, 5), (4, 6, 4))
    )
    + r")(?!\d)"
)

# National identity numbers of Egypt: century, birthday, governorate, serial number and check digit.
EGYPTIAN_ID = re.compile(r"3\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:0[1-4]|1[1-9]|2[1-9]|3[1-5]|88)\d{5}")
CNPJ_LENGTH = 14
CNPJ_WEIGHTS = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)


def refuse_likely_card_numbers(value: str) -> None:
    """Raise `CardDataRefused` when `value` has a number that is very likely a card's.

    For fields that programs write: numbers, references, codes, metadata, answers to extra fields. A tenth of all
    numbers pass the Luhn check, so here the number also has to stand alone, in one group of digits or in the groups
    printed on a card, with a prefix and exactly the length that its network issues. Company numbers of Brazil and
    identity numbers of Egypt are recognised by their own check digits and dates. `docs/card-numbers.md` has the rates.
    """
    plain = mask_other_numbers(to_ascii_digits(value))
    if any(_is_issued(number) and not _is_of_another_system(number) for number in _candidates(plain)):
        raise CardDataRefused


def _candidates(plain: str) -> Iterator[str]:
    for pattern in (ONE_GROUP, PRINTED_GROUPS):
        for match in pattern.finditer(plain):
            yield re.sub(r"\D", "", match.group())


def _is_issued(number: str) -> bool:
    prefixes = _BY_LENGTH.get(len(number))
    return prefixes is not None and bool(prefixes.match(number)) and passes_luhn(number)


def _is_of_another_system(number: str) -> bool:
    return bool(EGYPTIAN_ID.fullmatch(number)) or (len(number) == CNPJ_LENGTH and _is_cnpj(number))


def _is_cnpj(number: str) -> bool:
    """Whether the last two digits are those of a Brazilian company number (weights modulo 11)."""
    return all(_cnpj_digit(number[:length]) == number[length] for length in (12, 13))


def _cnpj_digit(body: str) -> str:
    weights = CNPJ_WEIGHTS[-len(body) :]
    remainder = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11
    return "0" if remainder < 2 else str(11 - remainder)  # noqa: PLR2004 - as the tax office defines it
