"""Definitions of organization settings: descriptions, choices and parsers for the fields of `OrganizationSettings`."""

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from app.platform.errors import AppError, ErrorRule, Invalid
from app.platform.geography.countries import parse_country
from app.platform.principal import OrganizationSettings
from app.platform.validation import Validation
from app.platform.values import EmailAddress, https_url, text_parser

TEXT_MAX = 2048
LIST_MAX = 100
NUMBER_MAX = 10_000
WEB_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
STOREFRONT_URL = re.compile(
    r"(?:https://[a-z0-9.-]+|http://(?:(?:[a-z0-9-]+\.)*(?:localhost|test)|127\.0\.0\.1|\[::1\]))"
    r"(?::[0-9]{1,5})?(?:/[^\s?#@<>\"']*)?",
    re.IGNORECASE,
)
PASSWORD_MIN_LENGTHS = range(8, 129)


def _parse_web_origin(raw: str) -> str:
    if not WEB_ORIGIN.fullmatch(raw):
        raise Invalid(
            "Write an origin as browsers do: https://shop.example.org, in small letters and without a path.",
            rule=ErrorRule.URL,
        )
    return raw


def _parse_storefront_url(raw: str) -> str:
    """Links are made by adding `/page?token=…`: nothing may follow the path. `http://` only on this machine."""
    value = text_parser(0, TEXT_MAX)(raw).rstrip("/")
    if value and not STOREFRONT_URL.fullmatch(value):
        raise Invalid("Write a web address as in https://shop.example.org, without ? and #.", rule=ErrorRule.URL)
    return value


def _parse_password_length(raw: int) -> int:
    if raw not in PASSWORD_MIN_LENGTHS:
        raise Invalid(
            "From {min} to {max}.", rule=ErrorRule.RANGE, min=PASSWORD_MIN_LENGTHS[0], max=PASSWORD_MIN_LENGTHS[-1]
        )
    return raw


DESCRIPTIONS: Mapping[str, str] = {
    "require_api_key": "Whether guests and customers have to send the publishable key with every request.",
    "require_verified_email": "Whether an email address has to be proven before its account opens.",
    "keep_last_address": "Whether a customer's last address cannot be deleted.",
    "cors_origins": "Origins of the web pages that may call from a browser, such as `https://shop.example.org`.",
    "cookie_sessions": "Whether browsers may be kept logged in by a cookie that no script can read, on pages of "
    "`corsOrigins`, where the login asks for it with `X-Session: cookie`.",
    "address_strictness": "What becomes of an address that breaks rules of its country.",
    "storefront_url": "Web address of the shop, which the links in mails begin with; empty for the service's own.",
    "mail_sender": "Sender of the mails to customers; empty for the service's own.",
    "require_login_name": "Whether customers choose a login name when they register, and log in by it alone.",
    "password_min_length": "Fewest characters of a new password, 8 to 128; null for what the service asks for.",
    "terms_url": "Where the terms can be read that customers have to accept.",
    "terms_version": "The version of the terms that customers accept now, as it is kept with their acceptance.",
    "approval": "Whether the back office has to approve a new account before its owner can log in.",
    "notification_email": "Who is notified by mail that somebody waits for approval, or asks to be erased; null for "
    "nobody.",
    "default_country": "The shop's own country, ISO 3166-1 alpha-2, such as `CH`; null for none. Telephone numbers "
    "that are written without their country code are of it where neither an address nor the customer's locale says "
    "another, and the lines for an envelope do not name it.",
    "retain_sessions_days": "For how many days after its end a login is shown, 1 to 3650.",
    "retain_mails_days": "For how many days after its delivery it is known that a mail was sent, 1 to 3650.",
    "retain_idle_guests_days": "After how many days without any change or order a customer without a password or the "
    "newsletter is deleted, or anonymized where there are orders, 1 to 3650; null for never.",
    "retain_orders_days": "After how many days an order is deleted, 1 to 10000: as long as the law asks for it. Null "
    "for never.",
}
CHOICES: Mapping[str, Mapping[str, str]] = {
    "address_strictness": {
        "strict": "It is refused, with an entry of `userErrors` for each broken rule.",
        "warn": "It is written, and the answer lists the broken rules in `warnings`.",
    },
}
"""What each setting is about, and what each of its choices does; one that is missing is an error at import."""


def _days_parser(most: int) -> Callable[[int], int]:
    def parse(raw: int) -> int:
        if not 1 <= raw <= most:
            raise Invalid("From {min} to {max}.", rule=ErrorRule.RANGE, min=1, max=most)
        return raw

    return parse


# Parsers for settings that need more validation than their type, by name; they raise `AppError`.
PARSERS: dict[str, Callable[[Any], Any]] = {
    "storefront_url": _parse_storefront_url,
    "mail_sender": lambda raw: EmailAddress.parse(raw).address if raw.strip() else "",
    "cors_origins": _parse_web_origin,
    "password_min_length": _parse_password_length,
    "notification_email": lambda raw: EmailAddress.parse(raw).address,
    "terms_url": https_url,
    "default_country": lambda raw: parse_country(raw).code,
    "retain_sessions_days": _days_parser(3650),
    "retain_mails_days": _days_parser(3650),
    "retain_idle_guests_days": _days_parser(3650),
    "retain_orders_days": _days_parser(NUMBER_MAX),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of `OrganizationSettings`: `choices` are the values of a `Literal`."""

    name: str
    kind: type
    default: Any
    choices: tuple[str, ...] = ()
    is_list: bool = False

    @property
    def api_name(self) -> str:
        """The name in camel case, as GraphQL clients write it."""
        head, *rest = self.name.split("_")
        return head + "".join(part.title() for part in rest)

    @property
    def description(self) -> str:
        """The GraphQL description."""
        return DESCRIPTIONS[self.name]

    def parse(self, raw: Any) -> Any:
        """The value to store; raise `AppError`."""
        parser = PARSERS.get(self.name, self._parse_plain)
        if self.is_list:
            if len(raw) > LIST_MAX:
                raise Invalid("At most {max} values.", rule=ErrorRule.COUNT, max=LIST_MAX)
            return [parser(one) for one in raw]
        return parser(raw)

    def _parse_plain(self, raw: Any) -> Any:
        if isinstance(raw, int) and not isinstance(raw, bool) and not 0 <= raw <= NUMBER_MAX:
            raise Invalid("From {min} to {max}.", rule=ErrorRule.RANGE, min=0, max=NUMBER_MAX)
        return text_parser(0, TEXT_MAX)(raw) if isinstance(raw, str) else raw


def _setting(name: str, hint: Any, default: Any) -> Setting:
    if get_origin(hint) in {Union, types.UnionType}:
        hint = next(one for one in get_args(hint) if one is not type(None))
    if get_origin(hint) is Literal:
        return Setting(name, str, default, choices=get_args(hint))
    if get_origin(hint) in {tuple, list, frozenset}:
        return Setting(name, get_args(hint)[0], default, is_list=True)
    return Setting(name, hint, default)


def _default(field: Any) -> Any:
    return getattr(OrganizationSettings(), field.name)


_HINTS = get_type_hints(OrganizationSettings)
SETTINGS = tuple(_setting(field.name, _HINTS[field.name], _default(field)) for field in fields(OrganizationSettings))


def apply_changes(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The stored settings with `changes` applied; None resets one to its default. Raise `AppErrorGroup`."""
    validation = Validation()
    found = dict(stored)
    for setting in SETTINGS:
        if setting.name not in changes:
            continue
        raw = changes[setting.name]
        if raw is None:
            found.pop(setting.name, None)
            continue
        try:
            found[setting.name] = setting.parse(raw)
        except AppError as error:
            validation.add(error, "settings", setting.api_name)
    validation.raise_errors()
    return found
