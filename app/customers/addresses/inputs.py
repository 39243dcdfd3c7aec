"""GraphQL inputs of addresses, and their conversion."""

from dataclasses import fields
from typing import Any

import strawberry

from app.customers.addresses.defaults import AddressType, AddressTypes
from app.customers.addresses.editing import AddressChanges
from app.customers.addresses.records import AddressDetails
from app.platform.graphql.fields import back_office_input

FIRST_NAME = "1 to 32 characters; required unless this is a business address."
LAST_NAME = "1 to 32 characters; required unless this is a business address."
COMPANY = "At most 255 characters; required for a business address."
IS_BUSINESS = "Whether this is the address of a company: then `company` is required and the names are not."
LINE1 = "Street and number, at most 128 characters; may be missing where coordinates or a place id are given."
LINE2 = "What else the street needs, at most 128 characters."
CITY = "At most 128 characters."
POSTAL_CODE = "At most 16 characters; stored as the post of the country writes it: `SW1A 2AA`, `1012 JL`."
ZONE = "Code of a zone of the country, or its name in any language known here; free text where the country has none."
COUNTRY = "ISO 3166-1 alpha-2 code, such as `CH`."
PHONE = "3 to 32 characters; without a country code it is a number of the address's country. Stored in E.164 form."
NOTES = "Hints for the delivery, at most 1,000 characters on several lines."
LATITUDE = "Degrees from -90 to 90 (WGS 84), together with `longitude`."
LONGITUDE = "Degrees from -180 to 180 (WGS 84), together with `latitude`."
PLACE_ID = "Id of the place at a map service, at most 255 characters."


@strawberry.input(description="A new address. It needs a street, or coordinates, or a place id.")
class AddressInput:
    """The fields of `AddressDetails`, the owner, the country and the default flags."""

    customer_id: strawberry.ID | None = back_office_input("whose address; a customer's own is taken without.")
    first_name: str | None = strawberry.field(description=FIRST_NAME, default=None)
    last_name: str | None = strawberry.field(description=LAST_NAME, default=None)
    company: str | None = strawberry.field(description=COMPANY, default=None)
    is_business: bool | None = strawberry.field(description=IS_BUSINESS, default=False)
    line1: str | None = strawberry.field(description=LINE1, default=None)
    line2: str | None = strawberry.field(description=LINE2, default=None)
    city: str | None = strawberry.field(description=CITY, default=None)
    postal_code: str | None = strawberry.field(description=POSTAL_CODE, default=None)
    zone: str | None = strawberry.field(description=ZONE, default=None)
    country: str = strawberry.field(description=COUNTRY)
    phone: str | None = strawberry.field(description=PHONE, default=None)
    notes: str | None = strawberry.field(description=NOTES, default=None)
    latitude: float | None = strawberry.field(description=LATITUDE, default=None)
    longitude: float | None = strawberry.field(description=LONGITUDE, default=None)
    place_id: str | None = strawberry.field(description=PLACE_ID, default=None)
    is_default_shipping: bool | None = strawberry.field(
        description="Make this the default for shipping; the first address is anyway.", default=False
    )
    is_default_billing: bool | None = strawberry.field(
        description="Make this the default for billing; the first address is anyway.", default=False
    )


@strawberry.input(description="What to change of an address: a field left away stays, an explicit null clears it.")
class UpdateAddressInput:
    """The fields of `AddressDetails`, the country and the default flags."""

    expected_version: int | None = strawberry.field(
        description="Refuse the change with `CONFLICT` unless the address still has this `version`.", default=None
    )
    first_name: strawberry.Maybe[str | None] = strawberry.field(description=FIRST_NAME, default=None)
    last_name: strawberry.Maybe[str | None] = strawberry.field(description=LAST_NAME, default=None)
    company: strawberry.Maybe[str | None] = strawberry.field(description=COMPANY, default=None)
    is_business: strawberry.Maybe[bool | None] = strawberry.field(description=IS_BUSINESS, default=None)
    line1: strawberry.Maybe[str | None] = strawberry.field(description=LINE1, default=None)
    line2: strawberry.Maybe[str | None] = strawberry.field(description=LINE2, default=None)
    city: strawberry.Maybe[str | None] = strawberry.field(description=CITY, default=None)
    postal_code: strawberry.Maybe[str | None] = strawberry.field(description=POSTAL_CODE, default=None)
    zone: strawberry.Maybe[str | None] = strawberry.field(description=ZONE, default=None)
    country: strawberry.Maybe[str | None] = strawberry.field(description=COUNTRY, default=None)
    phone: strawberry.Maybe[str | None] = strawberry.field(description=PHONE, default=None)
    notes: strawberry.Maybe[str | None] = strawberry.field(description=NOTES, default=None)
    latitude: strawberry.Maybe[float | None] = strawberry.field(description=LATITUDE, default=None)
    longitude: strawberry.Maybe[float | None] = strawberry.field(description=LONGITUDE, default=None)
    place_id: strawberry.Maybe[str | None] = strawberry.field(description=PLACE_ID, default=None)
    is_default_shipping: bool | None = strawberry.field(
        description="True makes this the default for shipping; a default stops being one only when another becomes it.",
        default=None,
    )
    is_default_billing: bool | None = strawberry.field(
        description="True makes this the default for billing; a default stops being one only when another becomes it.",
        default=None,
    )


def address_details(given: AddressInput) -> AddressDetails:
    """The details of a new address, as typed."""
    values = {field.name: getattr(given, field.name) for field in fields(AddressDetails)}
    return AddressDetails(**{**values, "is_business": bool(given.is_business)})


def default_types(given: AddressInput) -> AddressTypes:
    """The types that a new address is to be the default for."""
    flags = {AddressType.SHIPPING: given.is_default_shipping, AddressType.BILLING: given.is_default_billing}
    return frozenset(kind for kind, flag in flags.items() if flag)


def changes(given: UpdateAddressInput) -> AddressChanges:
    """The partial change of an address."""
    maybes = {field.name: getattr(given, field.name) for field in fields(AddressDetails)}
    details: dict[str, Any] = {name: maybe.value for name, maybe in maybes.items() if maybe is not None}
    if given.is_business is not None:
        details["is_business"] = bool(given.is_business.value)
    return AddressChanges(
        country=None if given.country is None else given.country.value or "",
        details=details,
        flags={AddressType.SHIPPING: given.is_default_shipping, AddressType.BILLING: given.is_default_billing},
        expected_version=given.expected_version,
    )
