"""Checks an address by the rules of its country: missing fields and malformed values."""

from collections.abc import Iterator

from app.platform.errors import AppError, ErrorCode, Required
from app.platform.geography import formats, zones
from app.platform.geography.formats import AddressFormat
from app.platform.geography.postal_addresses import PostalAddress
from app.platform.geography.postal_codes import is_postal_code


class InvalidPostalCode(AppError):
    """The postal code does not have the form that codes of this country have."""

    code = ErrorCode.INVALID_POSTAL_CODE
    message = "This is not a postal code of this country."
    field = ("postalCode",)


class InvalidZone(AppError):
    """The country has zones, and this is none of them."""

    code = ErrorCode.INVALID_ZONE
    message = "There is no such zone in this country."
    field = ("zone",)


def check(address: PostalAddress) -> list[AppError]:
    """Everything wrong with the address, each with its field, in the order of the input.

    An empty list means that mail can be delivered there, not that the address exists. Not checked: the city, a zone of
    a country without zones, a postal code of a country without codes, and the name and company, which depend on the
    recipient.
    """
    return list(_errors(address))


def _errors(address: PostalAddress) -> Iterator[AppError]:
    address_format = formats.of_country(address.country)
    values = address.by_field
    has_zones = bool(zones.of_country(address.country))
    for field in ("line1", "city", "postalCode", "zone"):
        if not values[field]:
            if field in address_format.required:
                yield _missing(field, address, address_format)
        elif field == "postalCode" and not is_postal_code(address.country, values[field]):
            example = address_format.postal_code_examples[0]
            yield InvalidPostalCode(
                "This is not a postal code of this country. Write it as in {example}.", example=example
            )
        elif field == "zone" and has_zones and not zones.find_zone(address.country, values[field]):
            yield InvalidZone(
                "There is no such zone in this country. Write it as in {example}.", example=_example_zone(address)
            )


def _missing(field: str, address: PostalAddress, address_format: AddressFormat) -> Required:
    if field == "postalCode":
        return Required(
            "An address in this country needs a postal code, such as {example}.",
            field=(field,),
            example=address_format.postal_code_examples[0],
        )
    if field == "zone":
        return Required(
            "An address in this country needs a zone, such as {example}.",
            field=(field,),
            example=_example_zone(address),
        )
    return Required(field=(field,))


def _example_zone(address: PostalAddress) -> str:
    first = zones.of_country(address.country)[0]
    return first.code if first.code == first.latin_name else f"{first.code} ({first.latin_name})"
