"""Amounts of money: whole numbers of a currency's smallest unit, written as decimal text."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from babel.numbers import list_currencies

from app.platform.errors import AppError, ErrorRule, Invalid, TooLong

AMOUNT = re.compile(r"\d{1,20}(?:\.(\d{1,10}))?", re.ASCII)
MAX_MINOR_UNITS = 10**15
DEFAULT_PRECISION = 2
# ISO 4217. Babel has the decimals that people write (none for the Serbian dinar), not those of the currency.
PRECISION_BY_CURRENCY = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
NOT_CURRENCIES = frozenset({"XTS", "XXX"})


def parse_currency(raw: str) -> str:
    """The ISO 4217 code in capitals; raise `Invalid`. Withdrawn codes are accepted, because old orders have them."""
    code = raw.strip().upper() if raw.isascii() else raw
    if code not in _currencies():
        raise Invalid(
            "This is not a currency code. Use three letters (ISO 4217), such as CHF or EUR.", rule=ErrorRule.CURRENCY
        )
    return code


def precision(currency_code: str) -> int:
    """How many decimals the amounts of this currency have."""
    return PRECISION_BY_CURRENCY.get(currency_code, DEFAULT_PRECISION)


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` is the amount in the currency's smallest unit: 4990 for 49.90 CHF, 4990 for 4990 JPY."""

    minor: int
    currency_code: str

    @classmethod
    def parse(cls, amount: str, currency_code: str) -> "Money":
        """Parse `49.9` or `49.90`; `currency_code` comes from `parse_currency`. Raise `Invalid`, `TooLong`."""
        decimals = precision(currency_code)
        match = AMOUNT.fullmatch(amount.strip())
        if match is None or len(match[1] or "") > decimals:
            raise _invalid_amount(currency_code)
        minor = int(Decimal(match[0]).scaleb(decimals))
        if minor >= MAX_MINOR_UNITS:
            raise TooLong("This amount is too large.", rule=ErrorRule.RANGE)
        return cls(minor, currency_code)

    @property
    def amount(self) -> str:
        """The amount as text, with all decimals of the currency."""
        return format(Decimal(self.minor).scaleb(-precision(self.currency_code)), "f")


def _invalid_amount(currency_code: str) -> AppError:
    example = Money(4990, currency_code).amount
    return Invalid(
        "Write digits and at most the decimals that {currency} has, as in {example}; not below zero.",
        rule=ErrorRule.CURRENCY,
        currency=currency_code,
        example=example,
    )


@cache
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies()) - NOT_CURRENCIES
