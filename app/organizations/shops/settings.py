"""Settings of an organization, field by field as `OrganizationSettings` declares them."""

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from app.errors import AppError, Invalid
from app.principal import OrganizationSettings
from app.validation import Validation
from app.values import EmailAddress, https_url, text

TEXT_MAX = 2048
LIST_MAX = 100
NUMBER_MAX = 10_000
WEB_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
SHORTEST_PASSWORDS = range(8, 129)


def _origin(raw: str) -> str:
    if not WEB_ORIGIN.fullmatch(raw):
        raise Invalid("Write an origin as browsers do: https://shop.example.org, in small letters and without a path.")
    return raw


def _password_length(raw: int) -> int:
    if raw not in SHORTEST_PASSWORDS:
        raise Invalid("8 to 128 characters.")
    return raw


# What a setting must be beyond its type: by its name, a parser that raises `AppError`.
CHECKS: dict[str, Callable[[Any], Any]] = {
    "cors_origins": _origin,
    "password_min_length": _password_length,
    "notification_email": lambda raw: EmailAddress.parse(raw).address,
    "terms_url": https_url,
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of `OrganizationSettings`: `choices` are the values of a `Literal`."""

    name: str
    kind: type
    default: Any
    choices: tuple[str, ...] = ()
    listed: bool = False

    @property
    def api_name(self) -> str:
        """As clients write it."""
        head, *rest = self.name.split("_")
        return head + "".join(part.title() for part in rest)

    @property
    def description(self) -> str:
        """What the dataclass says of it, or else its name."""
        found = OrganizationSettings.__dataclass_fields__[self.name].metadata.get("description")
        words = self.name.replace("_", " ")
        return str(found or f"{words[0].upper()}{words[1:]}.")

    def parse(self, raw: Any) -> Any:
        """The value to store; raise `AppError`."""
        check = CHECKS.get(self.name, self._check)
        if self.listed:
            if len(raw) > LIST_MAX:
                raise Invalid(f"At most {LIST_MAX} values.")
            return [check(one) for one in raw]
        return check(raw)

    def _check(self, raw: Any) -> Any:
        if isinstance(raw, int) and not isinstance(raw, bool) and not 0 <= raw <= NUMBER_MAX:
            raise Invalid(f"0 to {NUMBER_MAX}.")
        return text(0, TEXT_MAX)(raw) if isinstance(raw, str) else raw


def _setting(name: str, hint: Any, default: Any) -> Setting:
    if get_origin(hint) in {Union, types.UnionType}:
        hint = next(one for one in get_args(hint) if one is not type(None))
    if get_origin(hint) is Literal:
        return Setting(name, str, default, choices=get_args(hint))
    if get_origin(hint) in {tuple, list, frozenset}:
        return Setting(name, get_args(hint)[0], default, listed=True)
    return Setting(name, hint, default)


def _default(field: Any) -> Any:
    return getattr(OrganizationSettings(), field.name)


_HINTS = get_type_hints(OrganizationSettings)
SETTINGS = tuple(_setting(field.name, _HINTS[field.name], _default(field)) for field in fields(OrganizationSettings))


def changed(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The stored object with the given settings; None takes one back to its default. Raise `Rejected`."""
    validation = Validation()
    found = dict(stored)
    for setting in SETTINGS:
        if setting.name not in given:
            continue
        raw = given[setting.name]
        if raw is None:
            found.pop(setting.name, None)
            continue
        try:
            found[setting.name] = setting.parse(raw)
        except AppError as error:
            validation.add(error, "settings", setting.api_name)
    validation.finish()
    return found
