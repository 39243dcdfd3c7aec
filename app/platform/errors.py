"""Expected failures: error classes with a stable code, a message in every language, and the input field."""

from collections.abc import Mapping, Sequence
from enum import Enum
from math import ceil
from types import MappingProxyType
from typing import Any, ClassVar

from app.platform.translations import translate


class ErrorCode(Enum):
    """Why an input or an act was refused. Codes are stable: none is removed, only deprecated."""

    REQUIRED = "REQUIRED"
    INVALID = "INVALID"
    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    TAKEN = "TAKEN"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    NOT_FOUND = "NOT_FOUND"
    NOT_ALLOWED = "NOT_ALLOWED"
    CONFLICT = "CONFLICT"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    NOT_APPROVED = "NOT_APPROVED"
    PASSWORD_TOO_WEAK = "PASSWORD_TOO_WEAK"
    PASSWORD_MISMATCH = "PASSWORD_MISMATCH"
    TERMS_NOT_ACCEPTED = "TERMS_NOT_ACCEPTED"
    INVALID_POSTAL_CODE = "INVALID_POSTAL_CODE"
    INVALID_ZONE = "INVALID_ZONE"
    INVALID_PHONE = "INVALID_PHONE"
    LIMIT_REACHED = "LIMIT_REACHED"
    IS_DEFAULT = "IS_DEFAULT"
    LAST_ADDRESS = "LAST_ADDRESS"
    CARD_DATA_REFUSED = "CARD_DATA_REFUSED"
    GATEWAY_DECLINED = "GATEWAY_DECLINED"
    GATEWAY_UNAVAILABLE = "GATEWAY_UNAVAILABLE"
    TOKEN_INVALID = "TOKEN_INVALID"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    RATE_LIMITED = "RATE_LIMITED"
    LEGAL_HOLD = "LEGAL_HOLD"
    HAS_ORDERS = "HAS_ORDERS"
    IN_USE = "IN_USE"
    ALREADY_REQUESTED = "ALREADY_REQUESTED"
    ALREADY_STARTED = "ALREADY_STARTED"
    ALREADY_LOGGED_IN = "ALREADY_LOGGED_IN"


class ErrorRule(Enum):
    """Which rule an input broke, where the code alone does not say it. Stable like the codes."""

    LENGTH = "LENGTH"
    RANGE = "RANGE"
    COUNT = "COUNT"
    PATTERN = "PATTERN"
    OPTION = "OPTION"
    EMAIL = "EMAIL"
    URL = "URL"
    DATE = "DATE"
    PAST = "PAST"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    COUNTRY = "COUNTRY"
    CURRENCY = "CURRENCY"
    LANGUAGE = "LANGUAGE"
    ONE_LINE = "ONE_LINE"
    CONTROL_CHARACTERS = "CONTROL_CHARACTERS"
    COMMON_PASSWORD = "COMMON_PASSWORD"
    PREDICTABLE_PASSWORD = "PREDICTABLE_PASSWORD"
    PERSONAL_PASSWORD = "PERSONAL_PASSWORD"


class AppError(Exception):
    """An expected failure. Subclasses say what happened; the mutation wrapper turns them into `userErrors`.

    Raising one means that nothing was written. A message is a text of `translations`, with names in braces for its
    `values`; `min`, `max` and `pattern` among them are shown to clients as data, too.
    """

    code: ClassVar[ErrorCode] = ErrorCode.INVALID
    rule: ErrorRule | None = None
    message: str = "This value is not valid."
    values: Mapping[str, Any] = MappingProxyType({})
    field: tuple[str, ...] | None = None
    language: str | None = None

    def __init__(
        self,
        message: str | None = None,
        *,
        field: Sequence[str] | None = None,
        rule: ErrorRule | None = None,
        **values: Any,
    ) -> None:
        """Replace the message, the field or the rule of the class; `values` are added to those of the class."""
        if message is not None:
            self.message = message
        if field is not None:
            self.field = tuple(field)
        if rule is not None:
            self.rule = rule
        self.values = {**self.values, **values}
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """The message in one of `LANGUAGES`; in its own where it has one."""
        return translate(self.message, self.language or language).format_map(self.values)

    def in_language(self, language: str) -> "AppError":
        """The same failure, said in this language whoever reads it: beside labels that are, too."""
        self.language = language
        return self

    def with_field(self, *field: str) -> "AppError":
        """The same failure for another input field."""
        self.field = field
        return self


class AppErrorGroup(Exception):
    """Several expected failures together, one for each wrong field."""

    def __init__(self, errors: Sequence[AppError]) -> None:
        """Carry `errors` (at least one) in the order of the fields."""
        self.errors = list(errors)
        super().__init__(", ".join(error.code.value for error in errors))


class Required(AppError):
    """A value that must be there is absent, null or blank."""

    code = ErrorCode.REQUIRED
    message = "This field is required."


class Invalid(AppError):
    """The value does not have the form it must have."""

    code = ErrorCode.INVALID


class TooShort(AppError):
    """The value has fewer characters than allowed."""

    code = ErrorCode.TOO_SHORT
    rule = ErrorRule.LENGTH


class TooLong(AppError):
    """The value has more characters than allowed."""

    code = ErrorCode.TOO_LONG
    rule = ErrorRule.LENGTH


class NotFound(AppError):
    """There is no such object, or it belongs to somebody else: the two must be indistinguishable."""

    code = ErrorCode.NOT_FOUND
    message = "There is nothing with this id."


class Conflict(AppError):
    """Somebody else changed the same object in the meantime."""

    code = ErrorCode.CONFLICT
    message = "This was changed by somebody else in the meantime. Read it again and repeat your change."


class NotAllowed(AppError):
    """The caller may use the operation, but not set this field."""

    code = ErrorCode.NOT_ALLOWED
    message = "You may not set this field."


SHOWN_SECONDS = 120


class RateLimited(AppError):
    """Too many attempts; this one was not processed."""

    code = ErrorCode.RATE_LIMITED
    message = "Too many attempts. Try again in {seconds} seconds."
    message_in_minutes = "Too many attempts. Try again in {minutes} minutes."

    def __init__(self, retry_after_seconds: int) -> None:
        """`retry_after_seconds`: when another attempt makes sense."""
        if retry_after_seconds > SHOWN_SECONDS:
            self.message = self.message_in_minutes
        super().__init__(seconds=retry_after_seconds, minutes=ceil(retry_after_seconds / 60))
        self.retry_after_seconds = retry_after_seconds
