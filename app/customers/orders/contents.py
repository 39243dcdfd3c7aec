"""Validates orders of the shop. They were placed already, so an address against its country's rules is a warning."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from app.customers.orders.records import AddressCopies, AddressCopy, OrderStatus
from app.platform import money, values
from app.platform.clock import now
from app.platform.errors import AppError, AppErrorGroup, ErrorRule, Invalid, TooShort
from app.platform.geography import checks
from app.platform.geography.countries import Country, parse_country
from app.platform.geography.postal_addresses import PostalAddress
from app.platform.geography.postal_codes import canonical_postal_code, normalise_postal_code
from app.platform.geography.zones import find_zone
from app.platform.money import Money
from app.platform.validation import Validation, camel_case
from app.platform.values import InvalidPhone, PhoneNumber

TEXT = values.text_parser(1, 255)
POSTAL_CODE = values.text_parser(1, 32)
PHONE = values.text_parser(1, 32)
MAX_NUMBER_LENGTH = 64
EARLIEST, AHEAD = datetime(1900, 1, 1, tzinfo=UTC), timedelta(days=1)
MAX_ITEMS = 1_000_000
E164 = re.compile(r"\+[0-9]+")


@dataclass(frozen=True, slots=True)
class OrderContents:
    """The validated contents of an order; `placed_at` is None when the shop did not send it."""

    status: OrderStatus
    placed_at: datetime | None
    total: Money
    item_count: int
    copies: AddressCopies
    warnings: list[AppError] = field(default_factory=list)


def parse_number(raw: str) -> str:
    """The shop's order number: one line of at most 64 characters, very likely not a card number."""
    return values.identifier_parser(1, MAX_NUMBER_LENGTH)(raw)


def parse_placed_at(raw: str) -> datetime:
    """When an order was placed; a clock of the shop may be ahead of ours, but not by more than a day."""
    moment = values.iso_datetime(raw)
    if not EARLIEST <= moment <= now() + AHEAD:
        raise Invalid("An order was placed in the past, in 1900 at the earliest.", rule=ErrorRule.PAST)
    return truncate_to_milliseconds(moment)


def truncate_to_milliseconds(raw: datetime) -> datetime:
    """The moment truncated to milliseconds, the precision of the API."""
    return raw.replace(microsecond=raw.microsecond // 1000 * 1000)


def parse_item_count(raw: int) -> int:
    """The number of pieces, from 0 to `MAX_ITEMS`."""
    if not 0 <= raw <= MAX_ITEMS:
        raise Invalid("From {min} to {max}.", rule=ErrorRule.RANGE, min=0, max=MAX_ITEMS)
    return raw


def parse_total(validation: Validation, name: str, amount: str, currency_code: str) -> Money:
    """Parse the amount, with errors under `name`; use it only after `validation.raise_errors()`."""
    inner = Validation()
    code = inner.require("currencyCode", money.parse_currency, currency_code)
    parse = functools.partial(_amount, None if inner.failed else code)
    found = inner.require("amount", parse, amount)
    _merge_errors(validation, name, inner)
    return found


def check_address(validation: Validation, name: str, typed: AddressCopy, warnings: list[AppError]) -> AddressCopy:
    """Normalize an address copy; use it only after `validation.raise_errors()`.

    Malformed values are errors under `name`; violations of the country's rules are added to `warnings`.
    """
    inner = Validation()
    parsed_country: Country | None = inner.require("country", parse_country, typed.country)
    found: dict[str, Any] = {}
    for each in fields(AddressCopy):
        if each.name != "country":
            found[each.name] = inner.optional(
                camel_case(each.name), _parser(each.name, parsed_country), getattr(typed, each.name)
            )
    _merge_errors(validation, name, inner)
    if parsed_country is None or inner.failed:
        return typed
    copy = AddressCopy(country=parsed_country.code, **found)
    problems: list[AppError] = checks.check(postal_address(parsed_country, copy))
    if copy.phone and not E164.fullmatch(copy.phone):
        problems.append(InvalidPhone(field=("phone",)))
    warnings += [problem.with_field(name, *(problem.field or ())) for problem in problems]
    return copy


def postal_address(parsed_country: Country, copy: AddressCopy) -> PostalAddress:
    """The copy as `platform.geography` takes it."""
    names = {each.name for each in fields(PostalAddress)} - {"country"}
    return PostalAddress(country=parsed_country, **{name: getattr(copy, name) for name in names})


def _amount(currency_code: str | None, raw: str) -> Money:
    # The currency is refused already, and without it the number of decimals is unknown.
    return Money.parse(raw, currency_code) if currency_code else Money(0, "")


def _merge_errors(validation: Validation, name: str, inner: Validation) -> None:
    try:
        inner.raise_errors()
    except AppErrorGroup as rejected:
        validation.merge(name, errors=rejected.errors)


def _parser(name: str, parsed_country: Country | None) -> Callable[[str], str]:
    parsers: dict[str, Callable[[str], str]] = {
        "postal_code": functools.partial(_postal_code, parsed_country),
        "zone": functools.partial(_zone, parsed_country),
        "phone": functools.partial(_phone, parsed_country),
    }
    return parsers.get(name, TEXT)


def _postal_code(parsed_country: Country | None, raw: str) -> str:
    value = POSTAL_CODE(raw)
    return canonical_postal_code(parsed_country, value) if parsed_country else normalise_postal_code(value)


def _zone(parsed_country: Country | None, raw: str) -> str:
    value = TEXT(raw)
    found = find_zone(parsed_country, value) if parsed_country else None
    return found.code if found else value


def _phone(parsed_country: Country | None, raw: str) -> str:
    try:
        return PhoneNumber.parse(raw, region=parsed_country.code if parsed_country else None).e164
    except (InvalidPhone, TooShort):
        # Only what is no telephone number is parsed as text: one in ten long numbers would pass for a card number.
        return PHONE(raw)
