"""The fields of the two forms, built from the definitions that also check what comes back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from app.accounts.inputs import PROFILE
from app.accounts.registration import TermsNotAccepted
from app.customers.fields.definitions import FieldType, in_language
from app.customers.fields.extras import Extra
from app.customers.fields.labels import BUILT_IN
from app.customers.profile import FIELDS, ProfileField
from app.customers.records import CustomerRecord
from app.identity.passwords import strength
from app.identity.passwords.spelling import LONGEST
from app.platform.errors import AppError, Invalid, Required
from app.platform.principal import OrganizationSettings
from app.platform.values import EMAIL_MAX, LOGIN_NAME, LOGIN_NAME_MAX, LOGIN_NAME_MIN, EmailAddress, LoginName

LOGIN_NAME_PATTERN = f"{LOGIN_NAME.pattern.removesuffix('+')}{{{LOGIN_NAME_MIN},{LOGIN_NAME_MAX}}}"
Parser = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values of a SELECT in one language."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One field; `path` is where it stands in the mutation's input, and what errors about it name."""

    name: str
    path: tuple[str, ...]
    type: FieldType
    label: str
    required: bool = False
    read_only: bool = False
    max_length: int | None = None
    pattern: str | None = None
    value: str | None = None
    options: tuple[Option, ...] = ()
    error: str | None = None
    parse: Parser

    def filled(self, value: str | None) -> "FormField":
        """The field with a value and what is wrong with it; a password is checked, and never shown."""
        error = self._refusal(value)
        shown = None if self.type is FieldType.PASSWORD else value
        return replace(self, value=shown, error=error.message if error else None)

    def _refusal(self, value: str | None) -> AppError | None:
        try:
            if value is None or not value.strip():
                return Required() if self.required else None
            self.parse(value)
        except AppError as error:
            return error
        return None


def registration(
    settings: OrganizationSettings, extras: Sequence[Extra], *, shortest_password: int, locale: str | None
) -> list[FormField]:
    """All that a registration may carry; login name and terms only where the organization wants them."""

    def password(raw: str) -> None:
        strength.check(raw, shortest=shortest_password)

    by_name = {field.name: field for field in FIELDS}
    fields = [_field("email", FieldType.EMAIL, locale, EmailAddress.parse, required=True, max_length=EMAIL_MAX)]
    if settings.require_login_name:
        fields.append(_login_name(locale, required=True))
    fields += [
        _field(name, FieldType.PASSWORD, locale, password, required=True, max_length=LONGEST)
        for name in ("password", "passwordConfirmation")
    ]
    fields += [_of_profile(by_name[name], locale) for name in PROFILE]
    fields.append(_field("newsletter", FieldType.CHECKBOX, locale, _ticked))
    fields += [_of_extra(extra, locale) for extra in extras]
    if settings.has_terms:
        fields.append(_field("acceptTerms", FieldType.CHECKBOX, locale, _agreed, required=True))
    return fields


def profile(customer: CustomerRecord, extras: Sequence[Extra], *, locale: str | None) -> list[FormField]:
    """All that customers may change of themselves, with their values, and what they cannot change but should see.

    A value that today's rules refuse, or a required one that is missing, has an `error`.
    """
    personal, language = customer.personal, locale or customer.personal.locale
    email = _field("email", FieldType.EMAIL, language, EmailAddress.parse, max_length=EMAIL_MAX)
    fields = [replace(email, read_only=True, value=personal.email)]
    if personal.login_name:
        fields.append(replace(_login_name(language), read_only=True, value=personal.login_name))
    fields += [_of_profile(one, language).filled(getattr(personal, one.name)) for one in FIELDS if one.own]
    newsletter = "true" if customer.row.newsletter else "false"
    fields.append(_field("newsletter", FieldType.CHECKBOX, language, _ticked).filled(newsletter))
    answers: Mapping[str, str] = personal.attributes or {}
    return fields + [_of_extra(extra, language).filled(answers.get(extra.name)) for extra in extras]


def _field(name: str, kind: FieldType, locale: str | None, parse: Parser, **values: Any) -> FormField:
    label = in_language(BUILT_IN[name], locale, name)
    return FormField(name=name, path=(name,), type=kind, label=label, parse=parse, **values)


def _login_name(locale: str | None, *, required: bool = False) -> FormField:
    return _field(
        "loginName",
        FieldType.TEXT,
        locale,
        LoginName.parse,
        required=required,
        max_length=LOGIN_NAME_MAX,
        pattern=LOGIN_NAME_PATTERN,
    )


def _of_profile(field: ProfileField, locale: str | None) -> FormField:
    def parse_date(raw: str) -> object:
        try:
            return field.parse(date.fromisoformat(raw))
        except ValueError:
            raise Invalid("Write a date such as 2026-01-31.") from None

    parse = parse_date if field.type is FieldType.DATE else field.parse
    return _field(field.api_name, field.type, locale, parse, max_length=field.max_length)


def _of_extra(extra: Extra, locale: str | None) -> FormField:
    return FormField(
        name=extra.name,
        path=("attributes", extra.name),
        type=extra.type,
        label=extra.label(locale),
        required=extra.required,
        max_length=extra.longest,
        pattern=extra.pattern,
        options=tuple(Option(one.value, in_language(one.labels, locale, one.value)) for one in extra.options),
        parse=extra.parse,
    )


def _ticked(raw: str) -> str:
    if raw not in {"true", "false"}:
        raise Invalid("Send true or false.")
    return raw


def _agreed(raw: str) -> str:
    if _ticked(raw) == "false":
        raise TermsNotAccepted
    return raw
