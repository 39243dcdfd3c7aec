"""Checks what the shop says of an order. An order was placed already: an odd address makes a warning, no refusal."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from app.customers.orders.records import AddressCopy, Copies, OrderStatus, camel
from app.platform import cards, money, values
from app.platform.errors import AppError, Invalid, Rejected, TooLong, TooShort
from app.platform.geography import checks
from app.platform.geography.countries import Country, parse_country
from app.platform.geography.postal_addresses import PostalAddress
from app.platform.geography.postal_codes import normalise_postal_code
from app.platform.geography.zones import find_zone
from app.platform.money import Money
from app.platform.validation import Validation
from app.platform.values import InvalidPhone, PhoneNumber

TEXT = values.text(1, 255)
POSTAL_CODE = values.text(1, 32)
PHONE = values.text(1, 32)
NUMBER_MAX = 64
MOST_ITEMS = 1_000_000
E164 = re.compile(r"\+[0-9]+")
# Long numbers are ordinary as order numbers, every tenth passes the Luhn check, but cards begin with these digits only.
LIKE_A_CARD = re.compile(r"(?<!\d)(?:[3-6]|2[2-7])(?:[ \-.]?\d){12}")


@dataclass(frozen=True, slots=True)
class Contents:
    """What is recorded of an order; `placed_at` is None when the shop did not say."""

    status: OrderStatus
    placed_at: datetime | None
    total: Money
    item_count: int
    copies: Copies
    warnings: list[AppError] = field(default_factory=list)


def number(raw: str) -> str:
    """An order number as the shop writes it, on one line, at most 64 characters."""
    value = values.clean(raw)
    if len(value) > NUMBER_MAX:
        raise TooLong(f"At most {NUMBER_MAX} characters.")
    if not values.BREAKS.isdisjoint(value):
        raise Invalid("This must be on one line.")
    if LIKE_A_CARD.search(cards.plain_digits(value)):
        cards.refuse_card_numbers(value)
    return value


def moment(raw: datetime) -> datetime:
    """A moment cut to milliseconds, which is what the API shows."""
    return raw.replace(microsecond=raw.microsecond // 1000 * 1000)


def item_count(raw: int) -> int:
    """How many pieces were ordered."""
    if not 0 <= raw <= MOST_ITEMS:
        raise Invalid(f"From 0 to {MOST_ITEMS}.")
    return raw


def total(validation: Validation, name: str, amount: str, currency_code: str) -> Money:
    """The amount, its failures said of `name` and its fields; use it only after `validation.finish()`."""
    inner = Validation()
    code = inner.require("currencyCode", money.currency, currency_code)
    parse = functools.partial(_amount, None if inner.failed else code)
    found = inner.require("amount", parse, amount)
    _tell(validation, name, inner)
    return found


def address(validation: Validation, name: str, typed: AddressCopy, warnings: list[AppError]) -> AddressCopy:
    """The copy to be kept; use it only after `validation.finish()`. What the country's rules say is a warning."""
    inner = Validation()
    land: Country | None = inner.require("country", parse_country, typed.country)
    found: dict[str, Any] = {}
    for each in fields(AddressCopy):
        if each.name != "country":
            found[each.name] = inner.allow(camel(each.name), _parser(each.name, land), getattr(typed, each.name))
    _tell(validation, name, inner)
    if land is None or inner.failed:
        return typed
    copy = AddressCopy(country=land.code, **found)
    complaints: list[AppError] = checks.check(postal(land, copy))
    if copy.phone and not E164.fullmatch(copy.phone):
        complaints.append(InvalidPhone(field=("phone",)))
    warnings += [complaint.at(name, *(complaint.field or ())) for complaint in complaints]
    return copy


def postal(land: Country, copy: AddressCopy) -> PostalAddress:
    """The copy as the geography room knows it."""
    names = {each.name for each in fields(PostalAddress)} - {"country"}
    return PostalAddress(country=land, **{name: getattr(copy, name) for name in names})


def _amount(currency_code: str | None, raw: str) -> Money:
    # The currency is refused already; how many decimals it would have nobody knows.
    return Money.parse(raw, currency_code) if currency_code else Money(0, "")


def _tell(validation: Validation, name: str, inner: Validation) -> None:
    try:
        inner.finish()
    except Rejected as rejected:
        validation.merge(name, errors=rejected.errors)


def _parser(name: str, land: Country | None) -> Callable[[str], str]:
    parsers: dict[str, Callable[[str], str]] = {
        "postal_code": lambda raw: normalise_postal_code(POSTAL_CODE(raw)),
        "zone": functools.partial(_zone, land),
        "phone": functools.partial(_phone, land),
    }
    return parsers.get(name, TEXT)


def _zone(land: Country | None, raw: str) -> str:
    value = TEXT(raw)
    found = find_zone(land, value) if land else None
    return found.code if found else value


def _phone(land: Country | None, raw: str) -> str:
    try:
        return PhoneNumber.parse(raw, region=land.code if land else None).e164
    except (InvalidPhone, TooShort):
        # Only what cannot be called is looked at as text: one in ten long numbers would pass for a card.
        return PHONE(raw)
