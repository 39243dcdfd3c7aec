"""Validates an address as it was typed, and normalizes it for storage."""

import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Literal, NamedTuple, TypeVar

from app.customers.addresses.records import AddressDetails, AddressRecord
from app.platform import values
from app.platform.blanks import is_blank, without_blanks
from app.platform.errors import AppError, ErrorCode, ErrorRule, Invalid, Required
from app.platform.geography.checks import check
from app.platform.geography.countries import Country, parse_country
from app.platform.geography.postal_addresses import PostalAddress
from app.platform.geography.postal_codes import canonical_postal_code, normalise_postal_code
from app.platform.geography.zones import find_zone
from app.platform.validation import Validation, camel_case

Raw = TypeVar("Raw")
Strictness = Literal["strict", "warn"]

NAME = values.text_parser(1, 32)
COMPANY = values.text_parser(1, 255)
LINE = values.text_parser(1, 128)
POSTAL_CODE = values.text_parser(1, 16)
NOTES = values.text_parser(1, 1000, multiline=True)
PLACE_ID = values.identifier_parser(1, 255)
LATITUDE_LIMIT = 90.0
LONGITUDE_LIMIT = 180.0
LOCATION = ("line1", "city", "postal_code", "zone", "latitude", "longitude", "place_id")
NO_DETAILS = AddressDetails()


class CheckedAddress(NamedTuple):
    """A normalized address; `warnings` are violations of its country's rules that were allowed."""

    country_code: str
    details: AddressDetails
    warnings: list[AppError]


def check_address(
    validation: Validation,
    country: str,
    typed: AddressDetails,
    *,
    strictness: Strictness,
    existing: AddressRecord | None = None,
) -> CheckedAddress:
    """Validate and normalize an address; use the result only after `validation.raise_errors()`.

    | The field                                        | Checked                                              |
    | ------------------------------------------------ | ---------------------------------------------------- |
    | equals the one in `existing`                     | no: what was accepted once stays                     |
    | any other                                        | yes; a failure is an error                           |
    | location, and names or company                   | always: they are required                            |
    | any, by the rules of the country                 | if the country or a field of `LOCATION` changed; a   |
    |                                                  | failure is an error for `strict`, a warning for `warn` |
    """
    parsed_country = _parse_country(validation, country)
    details = _parse_details(validation, typed, existing.details if existing else NO_DETAILS, parsed_country)
    _require_location(validation, typed)
    _require_name(validation, typed)
    problems = (
        _country_problems(parsed_country, typed, details)
        if parsed_country is not None and _location_changed(parsed_country, typed, existing)
        else []
    )
    if strictness == "strict":
        validation.merge(errors=problems)
        problems = []
    return CheckedAddress(parsed_country.code if parsed_country else "", details, problems)


def _parse_country(validation: Validation, raw: str) -> Country | None:
    return validation.require("country", parse_country, raw)


def _location_changed(parsed_country: Country, typed: AddressDetails, existing: AddressRecord | None) -> bool:
    """Whether a field changed that the country's rules check."""
    if existing is None or parsed_country.code != existing.row.country_code:
        return True
    return any(getattr(typed, name) != getattr(existing.details, name) for name in LOCATION)


def _parse_details(
    validation: Validation, typed: AddressDetails, existing: AddressDetails, parsed_country: Country | None
) -> AddressDetails:
    def allow(name: str, parse: Callable[[Raw], Raw]) -> Raw | None:
        raw: Raw | None = getattr(typed, name)
        return raw if raw == getattr(existing, name) else validation.optional(camel_case(name), parse, raw)

    return AddressDetails(
        first_name=allow("first_name", NAME),
        last_name=allow("last_name", NAME),
        company=allow("company", COMPANY),
        is_business=typed.is_business,
        line1=allow("line1", LINE),
        line2=allow("line2", LINE),
        city=allow("city", LINE),
        postal_code=allow("postal_code", functools.partial(_postal_code, parsed_country)),
        zone=allow("zone", functools.partial(_zone, parsed_country)),
        phone=allow("phone", functools.partial(_phone, parsed_country)),
        notes=allow("notes", NOTES),
        latitude=allow("latitude", functools.partial(_degrees, LATITUDE_LIMIT)),
        longitude=allow("longitude", functools.partial(_degrees, LONGITUDE_LIMIT)),
        place_id=allow("place_id", PLACE_ID),
    )


def _postal_code(parsed_country: Country | None, raw: str) -> str:
    value = POSTAL_CODE(raw)
    return canonical_postal_code(parsed_country, value) if parsed_country else normalise_postal_code(value)


def _zone(parsed_country: Country | None, raw: str) -> str:
    value = LINE(raw)
    found = find_zone(parsed_country, value) if parsed_country else None
    return found.code if found else value


def _phone(parsed_country: Country | None, raw: str) -> str:
    if parsed_country is None and not without_blanks(raw).startswith("+"):
        return raw  # The country is refused already, and without it a national number cannot be parsed.
    return values.PhoneNumber.parse(raw, region=parsed_country.code if parsed_country else None).e164


def _degrees(limit: float, raw: float) -> float:
    if not -limit <= raw <= limit:
        raise Invalid("Degrees from {min:.0f} to {max:.0f}.", rule=ErrorRule.RANGE, min=-limit, max=limit)
    return raw


def _require_location(validation: Validation, typed: AddressDetails) -> None:
    """Require a street, coordinates or a place id, so that the address can be found."""
    if typed.latitude is not None and typed.longitude is None:
        validation.add(Required("A latitude needs its longitude."), "longitude")
    elif typed.longitude is not None and typed.latitude is None:
        validation.add(Required("A longitude needs its latitude."), "latitude")
    if not (_is_given(typed.line1) or _has_coordinates_or_place_id(typed)):
        validation.add(Required("Write a street; or coordinates, or a place id."), "line1")


def _require_name(validation: Validation, typed: AddressDetails) -> None:
    if typed.is_business:
        if not _is_given(typed.company):
            validation.add(Required("A business address needs its company."), "company")
        return
    for name in ("first_name", "last_name"):
        if not _is_given(getattr(typed, name)):
            validation.add(Required("Write first and last name, or mark this as a business address."), camel_case(name))


def _country_problems(parsed_country: Country, typed: AddressDetails, details: AddressDetails) -> list[AppError]:
    """The violations of the country's rules, except in fields that could not be parsed."""
    unparsable = _unparsable_fields(typed, details)
    problems = [
        error
        for error in check(postal_address(parsed_country, details))
        if error.field and error.field[0] not in unparsable
    ]
    if _is_given(typed.line1):
        return problems
    if _has_coordinates_or_place_id(typed):
        return [error for error in problems if error.code is not ErrorCode.REQUIRED]
    # `_require_location` has reported the missing street already.
    return [error for error in problems if error.field != ("line1",)]


def postal_address(parsed_country: Country, details: AddressDetails) -> PostalAddress:
    """The address as `platform.geography` takes it."""
    return PostalAddress(
        country=parsed_country,
        zone=details.zone,
        city=details.city,
        postal_code=details.postal_code,
        line1=details.line1,
        line2=details.line2,
        first_name=details.first_name,
        last_name=details.last_name,
        company=details.company,
    )


def _unparsable_fields(typed: AddressDetails, details: AddressDetails) -> frozenset[str]:
    """The fields that were given but could not be parsed."""
    names = (field.name for field in fields(AddressDetails))
    return frozenset(
        camel_case(name) for name in names if _is_given(getattr(typed, name)) and getattr(details, name) is None
    )


def _is_given(value: object) -> bool:
    return not is_blank(value)


def _has_coordinates_or_place_id(typed: AddressDetails) -> bool:
    has_coordinates = typed.latitude is not None or typed.longitude is not None
    return has_coordinates or _is_given(typed.place_id)
