"""Checks what was typed as an address, and turns it into what is kept."""

import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Literal, NamedTuple, TypeVar

from app.customers.addresses.records import AddressRecord, Personal, camel
from app.platform import values
from app.platform.errors import AppError, ErrorCode, Invalid, Required
from app.platform.geography.checks import check
from app.platform.geography.countries import Country, parse_country
from app.platform.geography.postal_addresses import PostalAddress
from app.platform.geography.postal_codes import normalise_postal_code
from app.platform.geography.zones import find_zone
from app.platform.validation import Validation

Raw = TypeVar("Raw")
Strictness = Literal["strict", "warn"]

NAME = values.text(1, 32)
COMPANY = values.text(1, 255)
LINE = values.text(1, 128)
POSTAL_CODE = values.text(1, 16)
NOTES = values.text(1, 1000, lines=True)
PLACE_ID = values.text(1, 255)
LATITUDE_LIMIT = 90.0
LONGITUDE_LIMIT = 180.0
LOCATION = ("line1", "city", "postal_code", "zone", "latitude", "longitude", "place_id")
NOTHING = Personal()


class Checked(NamedTuple):
    """An address as it is kept; `warnings` are what its country would have wished otherwise."""

    country_code: str
    personal: Personal
    warnings: list[AppError]


def checked(
    validation: Validation, country: str, typed: Personal, *, strictness: Strictness, kept: AddressRecord | None = None
) -> Checked:
    """What is to be kept of an address; use it only after `validation.finish()`.

    What equals the `kept` address is not checked again: what was accepted once stays. Failures of the
    country's rules are warnings when `strictness` is `warn`; everything else is always a refusal.
    """
    land = _country(validation, country)
    personal = _parsed(validation, typed, kept.personal if kept else NOTHING, land)
    _demand_place(validation, typed)
    _demand_name(validation, typed)
    complaints = _complaints(land, typed, personal) if land is not None and _moves(land, typed, kept) else []
    if strictness == "strict":
        validation.merge(errors=complaints)
        complaints = []
    return Checked(land.code if land else "", personal, complaints)


def _country(validation: Validation, raw: str) -> Country | None:
    return validation.require("country", parse_country, raw)


def _moves(land: Country, typed: Personal, kept: AddressRecord | None) -> bool:
    """Whether anything is typed that the country's rules are about."""
    if kept is None or land.code != kept.row.country_code:
        return True
    return any(getattr(typed, name) != getattr(kept.personal, name) for name in LOCATION)


def _parsed(validation: Validation, typed: Personal, kept: Personal, land: Country | None) -> Personal:
    def allow(name: str, parse: Callable[[Raw], Raw]) -> Raw | None:
        raw: Raw | None = getattr(typed, name)
        return raw if raw == getattr(kept, name) else validation.allow(camel(name), parse, raw)

    return Personal(
        first_name=allow("first_name", NAME),
        last_name=allow("last_name", NAME),
        company=allow("company", COMPANY),
        is_business=typed.is_business,
        line1=allow("line1", LINE),
        line2=allow("line2", LINE),
        city=allow("city", LINE),
        postal_code=allow("postal_code", _postal_code),
        zone=allow("zone", functools.partial(_zone, land)),
        phone=allow("phone", functools.partial(_phone, land)),
        notes=allow("notes", NOTES),
        latitude=allow("latitude", functools.partial(_degrees, LATITUDE_LIMIT)),
        longitude=allow("longitude", functools.partial(_degrees, LONGITUDE_LIMIT)),
        place_id=allow("place_id", PLACE_ID),
    )


def _postal_code(raw: str) -> str:
    return normalise_postal_code(POSTAL_CODE(raw))


def _zone(land: Country | None, raw: str) -> str:
    value = LINE(raw)
    found = find_zone(land, value) if land else None
    return found.code if found else value


def _phone(land: Country | None, raw: str) -> str:
    if land is None and not raw.strip().startswith("+"):
        return raw  # The country is refused already; what this number would be there nobody knows.
    return values.PhoneNumber.parse(raw, region=land.code if land else None).e164


def _degrees(limit: float, raw: float) -> float:
    if not -limit <= raw <= limit:
        message = f"Degrees from {-limit:.0f} to {limit:.0f}."
        raise Invalid(message)
    return raw


def _demand_place(validation: Validation, typed: Personal) -> None:
    """A street, coordinates or a place id: without any of them nobody can find the address."""
    if typed.latitude is not None and typed.longitude is None:
        validation.add(Required("A latitude needs its longitude."), "longitude")
    elif typed.longitude is not None and typed.latitude is None:
        validation.add(Required("A longitude needs its latitude."), "latitude")
    if not (_is_there(typed.line1) or _is_pinned(typed)):
        validation.add(Required("Write a street; or coordinates, or a place id."), "line1")


def _demand_name(validation: Validation, typed: Personal) -> None:
    if typed.is_business:
        if not _is_there(typed.company):
            validation.add(Required("A business address needs its company."), "company")
        return
    for name in ("first_name", "last_name"):
        if not _is_there(getattr(typed, name)):
            validation.add(Required("Write first and last name, or mark this as a business address."), camel(name))


def _complaints(land: Country, typed: Personal, personal: Personal) -> list[AppError]:
    """What the country's rules find wrong with the fields that are otherwise right."""
    refused = _refused(typed, personal)
    complaints = [error for error in check(postal(land, personal)) if error.field and error.field[0] not in refused]
    if _is_there(typed.line1):
        return complaints
    if _is_pinned(typed):
        return [error for error in complaints if error.code is not ErrorCode.REQUIRED]
    # That the street is missing was said already.
    return [error for error in complaints if error.field != ("line1",)]


def postal(land: Country, personal: Personal) -> PostalAddress:
    """The address as the geography room knows it."""
    return PostalAddress(
        country=land,
        zone=personal.zone,
        city=personal.city,
        postal_code=personal.postal_code,
        line1=personal.line1,
        line2=personal.line2,
        first_name=personal.first_name,
        last_name=personal.last_name,
        company=personal.company,
    )


def _refused(typed: Personal, personal: Personal) -> frozenset[str]:
    """The fields in which something stands that could not be parsed."""
    names = (field.name for field in fields(Personal))
    return frozenset(
        camel(name) for name in names if _is_there(getattr(typed, name)) and getattr(personal, name) is None
    )


def _is_there(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None


def _is_pinned(typed: Personal) -> bool:
    has_coordinates = typed.latitude is not None or typed.longitude is not None
    return has_coordinates or _is_there(typed.place_id)
