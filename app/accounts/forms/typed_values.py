"""What is typed into a registration form so far, checked by the rules of `register`, those across fields too."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

from app.accounts.forms.fields import ADDRESS_FIELDS, ADDRESS_PREFIX, FormField
from app.accounts.inputs import REGISTRATION_PROFILE_FIELDS
from app.accounts.registration import (
    FirstAddress,
    RawRegistration,
    check_first_address,
    check_registration_password,
)
from app.customers.addresses.records import AddressDetails
from app.customers.profile import parse_profile
from app.platform.blanks import is_blank
from app.platform.errors import AppError
from app.platform.geography.countries import Country, parse_country
from app.platform.principal import OrganizationSettings
from app.platform.validation import Validation, camel_case

Values = Mapping[str, str | None]
Errors = dict[tuple[str, ...], AppError]
PROFILE_PATHS = frozenset((camel_case(name),) for name in REGISTRATION_PROFILE_FIELDS)


def country(values: Values) -> Country | None:
    """The country of the address, if one is typed that there is."""
    raw = values.get(f"{ADDRESS_PREFIX}country")
    try:
        return parse_country(raw) if raw else None
    except AppError:
        return None


def is_business(values: Values) -> bool:
    """Whether the address is marked as that of a company."""
    return values.get(f"{ADDRESS_PREFIX}isBusiness") == "true"


def with_values(
    fields: Sequence[FormField], values: Values, settings: OrganizationSettings, *, password_min_length: int
) -> list[FormField]:
    """The fields, those in `values` with what `register` would say of them. A blank address is none.

    | The field                   | Checked                                                                     |
    | --------------------------- | --------------------------------------------------------------------------- |
    | password, confirmation      | together, beside email, login name and names; not while the password is blank |
    | profile                     | together: a telephone number may be one of the address's country            |
    | address                     | as a whole, unless all of it is blank                                       |
    | any other, and whether required fields are there | alone                                                  |
    """
    raw = _registration({name: value for name, value in values.items() if not is_blank(value)})
    regions = {"region": raw.region, "default_region": settings.default_country}
    errors = _errors(lambda found: parse_profile(found, raw.profile, by_customer=True, **regions))
    if raw.password:
        errors |= _errors(lambda found: check_registration_password(found, raw, min_length=password_min_length))
    address = raw.address
    if address is not None:
        errors |= _errors(lambda found: check_first_address(found, address, settings))
    return [
        (replace(one, parse=str) if one.path in PROFILE_PATHS else one).with_value(
            values[one.name], errors.get(one.path)
        )
        if one.name in values
        else one
        for one in fields
    ]


def _registration(values: Values) -> RawRegistration:
    return RawRegistration(
        email=values.get("email") or "",
        password=values.get("password"),
        confirmation=values.get("passwordConfirmation"),
        login_name=values.get("loginName"),
        profile={name: values.get(camel_case(name)) for name in REGISTRATION_PROFILE_FIELDS},
        address=_address(values),
    )


def _address(values: Values) -> FirstAddress | None:
    typed = {name: values[name] for one, _, _ in ADDRESS_FIELDS if (name := f"{ADDRESS_PREFIX}{one}") in values}
    if not typed.keys() - {f"{ADDRESS_PREFIX}isBusiness"}:
        return None
    texts: dict[str, Any] = {
        one.name: typed.get(f"{ADDRESS_PREFIX}{camel_case(one.name)}")
        for one in fields_of(AddressDetails)
        if one.name not in {"is_business", "latitude", "longitude"}
    }
    details = replace(AddressDetails(is_business=is_business(values)), **texts)
    return FirstAddress(typed.get(f"{ADDRESS_PREFIX}country") or "", details, frozenset())


def _errors(check: Callable[[Validation], object]) -> Errors:
    """The first failure of each field."""
    validation = Validation()
    check(validation)
    return {error.field or (): error for error in reversed(validation.errors)}
