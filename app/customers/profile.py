"""Profile fields: how each is parsed, and who may change it."""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from app.customers.fields.field_types import FieldType
from app.customers.records import CustomerDetails
from app.platform.clock import now
from app.platform.errors import ErrorRule, Invalid, NotAllowed, TooLong
from app.platform.likely_cards import refuse_likely_card_numbers
from app.platform.validation import Validation
from app.platform.values import (
    LOCALE_MAX,
    PHONE_MAX,
    URL_MAX,
    PhoneNumber,
    birth_date,
    fax,
    https_url,
    identifier_parser,
    locale,
    region_of,
    text_parser,
)

METADATA_MAX_BYTES = 16 * 1024
METADATA_MAX_DEPTH = 8
LARGEST_INTEGER = 2**63
# The character of the escape would separate the digits before it from those after it.
ESCAPED_WHITESPACE = re.compile(r"\\[bfnrt]")


@dataclass(frozen=True, slots=True)
class ProfileField:
    """A field of `CustomerDetails`: its form type, its parser, and whether customers may set it themselves."""

    name: str
    api_name: str
    parse: Callable[[Any], Any]
    type: FieldType
    max_length: int | None
    customer_editable: bool = True


def _text_field(name: str, api_name: str, max_length: int) -> ProfileField:
    return ProfileField(name, api_name, text_parser(1, max_length), FieldType.TEXT, max_length)


def _integration_field(name: str, api_name: str) -> ProfileField:
    return ProfileField(name, api_name, identifier_parser(1, 255), FieldType.TEXT, 255, customer_editable=False)


def _phone(raw: str, region: str | None = None) -> str:
    return PhoneNumber.parse(raw, region).e164


def _birth_date(raw: str) -> str:
    return birth_date(raw).isoformat()


def _metadata(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise Invalid("Metadata is a JSON object.")
    if _depth(raw) > METADATA_MAX_DEPTH:
        raise Invalid("At most {max} levels of objects and lists.", rule=ErrorRule.COUNT, max=METADATA_MAX_DEPTH)
    encoded = _encoded(raw)
    if len(encoded) > METADATA_MAX_BYTES:
        raise TooLong("At most {max} bytes of JSON.", max=METADATA_MAX_BYTES)
    refuse_likely_card_numbers(ESCAPED_WHITESPACE.sub(" ", encoded.decode()))
    return raw


def _encoded(raw: dict[str, Any]) -> bytes:
    try:
        encoded = orjson.dumps(raw)
    except orjson.JSONEncodeError:
        encoded = b"null"
    # Infinity, as 1e400 is parsed, would be stored as null; larger integers cannot be encoded, and in a JSON body they
    # have become floats already, without their last digits.
    if orjson.loads(encoded) != raw or _has_large_number(raw):
        raise Invalid("A number is too large for JSON; send it as a string.")
    return encoded


def _has_large_number(value: object) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_large_number, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and abs(value) >= LARGEST_INTEGER


def _depth(value: object, level: int = 0) -> int:
    if level > METADATA_MAX_DEPTH or not isinstance(value, dict | list):
        return level
    inner = value.values() if isinstance(value, dict) else value
    return max((_depth(one, level + 1) for one in inner), default=level + 1)


PROFILE_FIELDS = (
    _text_field("first_name", "firstName", 32),
    _text_field("last_name", "lastName", 32),
    ProfileField("phone", "phone", _phone, FieldType.TEL, PHONE_MAX),
    ProfileField("fax", "fax", fax, FieldType.TEL, PHONE_MAX),
    _text_field("company", "company", 255),
    ProfileField("image_url", "imageUrl", https_url, FieldType.URL, URL_MAX),
    ProfileField("birth_date", "birthDate", _birth_date, FieldType.DATE, None),
    ProfileField("locale", "locale", locale, FieldType.TEXT, LOCALE_MAX),
    _integration_field("reference", "reference"),
    _integration_field("reference_origin", "referenceOrigin"),
    _integration_field("tax_exemption_code", "taxExemptionCode"),
    ProfileField("metadata", "metadata", _metadata, FieldType.TEXT, None, customer_editable=False),
)


def parse_profile(
    validation: Validation,
    input_values: Mapping[str, object],
    *,
    by_customer: bool,
    region: str | None = None,
    default_region: str | None = None,
) -> dict[str, Any]:
    """Parse the given profile fields, by their names in `CustomerDetails`; None clears a field.

    Errors go to `validation`, among them `NotAllowed` for fields that customers may not set themselves.

    A telephone number without a country code is one of `region`, else of the country of the given `locale`, else of
    `default_region`, the organization's.
    """
    parsed: dict[str, Any] = {}
    given_locale = input_values.get("locale")
    of_locale = region_of(given_locale if isinstance(given_locale, str) else None)
    phone_region = region or of_locale or default_region
    for field in PROFILE_FIELDS:
        if field.name not in input_values:
            continue
        if by_customer and not field.customer_editable:
            validation.add(NotAllowed(), field.api_name)
            continue
        parse = functools.partial(_phone, region=phone_region) if field.name == "phone" else field.parse
        parsed[field.name] = validation.optional(field.api_name, parse, input_values[field.name])
    return parsed


def with_answers(personal: CustomerDetails, answers: Mapping[str, str | None]) -> tuple[CustomerDetails, list[str]]:
    """The profile with these answers to extra fields (None clears one), and the API names of what differs."""
    kept = {**(personal.attributes or {}), **answers}
    return with_changes(
        personal, {"attributes": {name: value for name, value in kept.items() if value is not None} or None}
    )


def with_newsletter_consent(personal: CustomerDetails, *, newsletter: bool) -> CustomerDetails:
    """The profile with the time of a consent; unsubscribing keeps it as proof for the newsletters sent before."""
    return replace(personal, newsletter_consented_at=now().isoformat()) if newsletter else personal


def with_changes(before: CustomerDetails, changes: Mapping[str, Any]) -> tuple[CustomerDetails, list[str]]:
    """The profile with `changes`, and the API names of the fields that differ."""
    names = {field.name: field.api_name for field in PROFILE_FIELDS}
    differing = [names.get(name, name) for name, value in changes.items() if getattr(before, name) != value]
    return replace(before, **changes), differing
