"""Fields of the registration form and the profile form, built from the definitions that validate the input."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from app.accounts.inputs import REGISTRATION_PROFILE_FIELDS
from app.accounts.registration import TermsNotAccepted
from app.customers.fields.extras import ExtraFieldDefinition
from app.customers.fields.field_types import FieldType, localized_label
from app.customers.fields.labels import BUILT_IN_LABELS, ZONE_LABELS
from app.customers.profile import PROFILE_FIELDS, ProfileField
from app.customers.records import CustomerRecord
from app.identity.passwords.normalization import MAX_LENGTH
from app.platform.blanks import is_blank
from app.platform.errors import AppError, ErrorRule, Invalid, Required
from app.platform.geography import countries, zones
from app.platform.geography.countries import Country
from app.platform.geography.formats import of_country
from app.platform.geography.typed_postal_codes import typed_pattern
from app.platform.principal import OrganizationSettings
from app.platform.values import (
    EMAIL_MAX,
    LOGIN_NAME,
    LOGIN_NAME_MAX,
    LOGIN_NAME_MIN,
    PHONE_MAX,
    EmailAddress,
    LoginName,
)

LOGIN_NAME_PATTERN = f"{LOGIN_NAME.pattern.removesuffix('+')}{{{LOGIN_NAME_MIN},{LOGIN_NAME_MAX}}}"
ADDRESS_PREFIX = "address."
# Coordinates, place ids and defaults are not typed: pages send them beside the form.
ADDRESS_FIELDS: Sequence[tuple[str, FieldType, int | None]] = (
    ("country", FieldType.TEXT, 2),
    ("isBusiness", FieldType.CHECKBOX, None),
    ("firstName", FieldType.TEXT, 32),
    ("lastName", FieldType.TEXT, 32),
    ("company", FieldType.TEXT, 255),
    ("line1", FieldType.TEXT, 128),
    ("line2", FieldType.TEXT, 128),
    ("postalCode", FieldType.TEXT, 16),
    ("city", FieldType.TEXT, 128),
    ("zone", FieldType.TEXT, 128),
    ("phone", FieldType.TEL, PHONE_MAX),
    ("notes", FieldType.TEXT, 1000),
)
Parser = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a SELECT, labelled in one language."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One form field; `path` is its place in the mutation's input, which the errors about it use too."""

    name: str
    path: tuple[str, ...]
    type: FieldType
    label: str
    required: bool = False
    read_only: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    value: str | None = None
    options: tuple[Option, ...] = ()
    error: AppError | None = None
    parse: Parser

    def with_value(self, value: str | None, error: AppError | None = None) -> "FormField":
        """The field with `value` and its error: `error`, or what validation finds. A password is never returned."""
        error = error or self._error_for(value)
        display_value = None if self.type is FieldType.PASSWORD else value
        return replace(self, value=display_value, error=error and error.with_field(*self.path))

    def _error_for(self, value: str | None) -> AppError | None:
        try:
            if value is None or is_blank(value):
                return Required() if self.required else None
            self.parse(value)
        except AppError as error:
            return error
        return None


def registration(
    settings: OrganizationSettings,
    extras: Sequence[ExtraFieldDefinition],
    *,
    locale: str | None,
    password_min_length: int,
) -> list[FormField]:
    """The fields of a registration; login name and terms only if the organization requires them.

    `typed_values.with_values` checks the passwords: what is refused depends on the names beside them.
    """
    by_name = {field.name: field for field in PROFILE_FIELDS}
    fields = [_field("email", FieldType.EMAIL, locale, EmailAddress.parse, required=True, max_length=EMAIL_MAX)]
    if settings.require_login_name:
        fields.append(_login_name(locale, required=True))
    fields += [
        _field(
            name,
            FieldType.PASSWORD,
            locale,
            str,
            required=True,
            min_length=password_min_length,
            max_length=MAX_LENGTH,
        )
        for name in ("password", "passwordConfirmation")
    ]
    fields += [_profile_field(by_name[name], locale) for name in REGISTRATION_PROFILE_FIELDS]
    fields.append(_field("newsletter", FieldType.CHECKBOX, locale, _parse_checkbox))
    fields += [_extra_field(extra, locale) for extra in extras]
    if settings.has_terms:
        fields.append(_field("acceptTerms", FieldType.CHECKBOX, locale, _parse_terms_acceptance, required=True))
    return fields


def profile(customer: CustomerRecord, extras: Sequence[ExtraFieldDefinition], *, locale: str | None) -> list[FormField]:
    """The fields that customers may change, with their values; email and login name are read-only.

    A value that the current rules refuse has an `error`, and so has a required one that is missing.
    """
    personal = customer.personal
    email = _field("email", FieldType.EMAIL, locale, EmailAddress.parse, max_length=EMAIL_MAX)
    fields = [replace(email, read_only=True, value=personal.email)]
    if personal.login_name:
        fields.append(replace(_login_name(locale), read_only=True, value=personal.login_name))
    fields += [
        _profile_field(one, locale).with_value(getattr(personal, one.name))
        for one in PROFILE_FIELDS
        if one.customer_editable
    ]
    newsletter = "true" if customer.row.newsletter else "false"
    fields.append(_field("newsletter", FieldType.CHECKBOX, locale, _parse_checkbox).with_value(newsletter))
    answers: Mapping[str, str] = personal.attributes or {}
    return fields + [_extra_field(extra, locale).with_value(answers.get(extra.name)) for extra in extras]


def _field(name: str, kind: FieldType, locale: str | None, parse: Parser, **values: Any) -> FormField:
    label = localized_label(BUILT_IN_LABELS[name], locale, name)
    return FormField(name=name, path=(name,), type=kind, label=label, parse=parse, **values)


def first_address(country: Country | None, *, is_business: bool, locale: str | None) -> list[FormField]:
    """The fields of the address in `register`, by the rules of the country as far as it is known.

    `typed_values.with_values` checks them: an address is checked as a whole.
    """
    required = {"country", "line1"} | ({"company"} if is_business else {"firstName", "lastName"})
    shown = {name for name, _, _ in ADDRESS_FIELDS}
    patterns: dict[str, str | None] = {}
    options = {"country": _countries(locale or "en")}
    labels = BUILT_IN_LABELS
    if country is not None:
        rules = of_country(country)
        required |= set(rules.required)
        shown -= {"postalCode", "zone", "city"} - set(rules.fields)
        patterns["postalCode"] = typed_pattern(country)
        options["zone"] = _zones(country, locale or "en")
        labels = {**labels, "zone": ZONE_LABELS.get(rules.zone_type, labels["zone"])}
    return [
        FormField(
            name=f"{ADDRESS_PREFIX}{name}",
            path=("address", name),
            type=FieldType.SELECT if options.get(name) else kind,
            label=localized_label(labels[name], locale, name),
            required=name in required,
            max_length=None if options.get(name) else max_length,
            pattern=patterns.get(name),
            options=options.get(name, ()),
            parse=_parse_checkbox if kind is FieldType.CHECKBOX else str,
        )
        for name, kind, max_length in ADDRESS_FIELDS
        if name in shown
    ]


@lru_cache(maxsize=64)
def _countries(locale: str) -> tuple[Option, ...]:
    """All countries, by their names."""
    found = [Option(one.code, countries.name(one.code, locale)) for one in countries.all_countries()]
    return tuple(sorted(found, key=lambda option: _sort_key(option.label)))


@lru_cache(maxsize=512)
def _zones(country: Country, locale: str) -> tuple[Option, ...]:
    """The zones that an address of the country chooses from; none for most countries."""
    return tuple(Option(one.code, zones.zone_name(one, locale)) for one in zones.of_country(country))


def _sort_key(label: str) -> str:
    """Without accents: Åland stands beside Albania."""
    return "".join(one for one in unicodedata.normalize("NFKD", label.casefold()) if not unicodedata.combining(one))


def _login_name(locale: str | None, *, required: bool = False) -> FormField:
    return _field(
        "loginName",
        FieldType.TEXT,
        locale,
        LoginName.parse,
        required=required,
        min_length=LOGIN_NAME_MIN,
        max_length=LOGIN_NAME_MAX,
        pattern=LOGIN_NAME_PATTERN,
    )


def _profile_field(field: ProfileField, locale: str | None) -> FormField:
    return _field(field.api_name, field.type, locale, field.parse, max_length=field.max_length)


def _extra_field(extra: ExtraFieldDefinition, locale: str | None) -> FormField:
    return FormField(
        name=extra.name,
        path=("attributes", extra.name),
        type=extra.type,
        label=extra.label(locale),
        required=extra.required,
        max_length=extra.max_answer_length,
        pattern=extra.pattern,
        options=tuple(Option(one.value, localized_label(one.labels, locale, one.value)) for one in extra.options),
        parse=extra.parse,
    )


def _parse_checkbox(raw: str) -> str:
    if raw not in {"true", "false"}:
        raise Invalid("Send true or false.", rule=ErrorRule.BOOLEAN)
    return raw


def _parse_terms_acceptance(raw: str) -> str:
    if _parse_checkbox(raw) == "false":
        raise TermsNotAccepted
    return raw
