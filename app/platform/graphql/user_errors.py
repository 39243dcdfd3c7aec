"""`userErrors`: expected failures as entries of a mutation's payload."""

from collections.abc import Iterable
from typing import Any

import strawberry
from strawberry import Info

from app.platform.errors import AppError, AppErrorGroup, Conflict, ErrorCode, ErrorRule, RateLimited
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe

describe(
    ErrorCode,
    "Why something was refused. Codes are stable: none is ever removed, only deprecated.",
    REQUIRED="A value is absent, null or blank that must be there.",
    INVALID="A value does not have the form it must have.",
    TOO_SHORT="A value has too few characters.",
    TOO_LONG="A value has too many characters.",
    TAKEN="Somebody else in the organization has this value.",
    EMAIL_TAKEN="There is an account with this email address already.",
    NOT_FOUND="There is no such thing, or it is not yours.",
    NOT_ALLOWED="You may use the operation, but not set this field.",
    CONFLICT="It was changed by somebody else in the meantime.",
    INVALID_CREDENTIALS="The name or the password is wrong.",
    EMAIL_NOT_VERIFIED="The email address has to be proven first.",
    NOT_APPROVED="The shop has not approved this account yet.",
    PASSWORD_TOO_WEAK="The password breaks a rule, which the message names.",
    PASSWORD_MISMATCH="The confirmation is not the same as the password.",
    TERMS_NOT_ACCEPTED="The terms have to be agreed to.",
    INVALID_POSTAL_CODE="The country has no such postal code.",
    INVALID_ZONE="The country has no such zone.",
    INVALID_PHONE="Not a telephone number that can be called.",
    LIMIT_REACHED="There are as many as there may be.",
    IS_DEFAULT="It is the default; name what takes its place.",
    LAST_ADDRESS="The last address cannot go.",
    CARD_DATA_REFUSED="This looks like a card number; send the gateway's token instead.",
    GATEWAY_DECLINED="The payment gateway refused.",
    GATEWAY_UNAVAILABLE="The payment gateway does not answer; try again.",
    TOKEN_INVALID="The token is wrong, used up or revoked.",
    TOKEN_EXPIRED="The token's time is over.",
    RATE_LIMITED="Too many attempts; see `retryAfterSeconds`.",
    LEGAL_HOLD="The customer's data must stay for now.",
    HAS_ORDERS="The customer has orders: have it anonymized instead.",
    IN_USE="Something else still needs it; name what takes its place.",
    ALREADY_REQUESTED="It was requested already.",
    ALREADY_STARTED="It has started and cannot be cancelled any more.",
    ALREADY_LOGGED_IN="Log out first.",
)

describe(
    ErrorRule,
    "Which rule an input broke, where the code alone does not say it. None is ever removed, only deprecated.",
    LENGTH="It has too few or too many characters: `min`, `max`.",
    RANGE="A number is too small or too large: `min`, `max`.",
    COUNT="A list has too many items: `max`.",
    PATTERN="It contains something that is not allowed, or does not look as it must: `pattern`, where there is one.",
    OPTION="It is none of the options.",
    EMAIL="It is not an email address.",
    URL="It is not a web address.",
    DATE="It is not a day of the calendar, or not a moment.",
    PAST="It must lie in the past.",
    NUMBER="It is not a number.",
    BOOLEAN="It is neither true nor false.",
    COUNTRY="It is not the code of a country (ISO 3166-1).",
    CURRENCY="It is not an amount of the currency, or not the code of one (ISO 4217).",
    LANGUAGE="It is not a language tag (BCP 47).",
    ONE_LINE="It has several lines.",
    CONTROL_CHARACTERS="It contains control characters.",
    COMMON_PASSWORD="Many people use this password.",
    PREDICTABLE_PASSWORD="The password is a repetition or a sequence.",
    PERSONAL_PASSWORD="The password contains something that others know about the person.",
)


@strawberry.interface(description="Something the caller can put right: one entry for each wrong field.")
class UserError:
    """The interface of all entries of `userErrors`."""

    error: strawberry.Private[AppError]
    code: ErrorCode = strawberry.field(description="The reason, stable; program against this.")
    field: list[str] | None = strawberry.field(
        description='Path of the input field, such as `["address", "postalCode"]`; null when no single field is wrong.'
    )

    @strawberry.field(
        description="What to do next, to be shown to the person: in the language of `Accept-Language`, else of the "
        "customer's locale, else in English."
    )
    def message(self, info: Info[Context, None]) -> str:
        """Translated when it is read."""
        return self.error.text(info.context.language)


@strawberry.type(description="A refused input or act, with the data of the rule that was broken.")
class InputError(UserError):
    """The type of every failure but the two below."""

    rule: ErrorRule | None = strawberry.field(description="Which rule was broken; null where the code says it all.")
    min: float | None = strawberry.field(
        description="The least that is allowed: characters, items, or the value itself."
    )
    max: float | None = strawberry.field(
        description="The most that is allowed: characters, items, or the value itself."
    )
    pattern: str | None = strawberry.field(
        description="What the value must look like from beginning to end: a regular expression as in HTML."
    )


@strawberry.type(description="Somebody else changed the same thing in the meantime; nothing was written.")
class ConflictError(UserError):
    """An outdated `expectedVersion`, or a change lost to a concurrent one."""


@strawberry.type(description="Too many attempts; nothing was tried.")
class RateLimitedError(UserError):
    """The caller must wait."""

    retry_after_seconds: int = strawberry.field(description="Seconds after which another attempt will be looked at.")


USER_ERROR_TYPES = (InputError, ConflictError, RateLimitedError)


def user_errors(error: AppError | AppErrorGroup) -> list[UserError]:
    """The `userErrors` entries of a failure."""
    return as_user_errors(error.errors if isinstance(error, AppErrorGroup) else [error])


def as_user_errors(errors: Iterable[AppError]) -> list[UserError]:
    """One entry for each error: for `userErrors`, or for `warnings` where the mutation was carried out all the same."""
    return [as_user_error(error) for error in errors]


def as_user_error(error: AppError) -> UserError:
    """The entry of one error."""
    shared: dict[str, Any] = {
        "error": error,
        "code": error.code,
        "field": list(error.field) if error.field else None,
    }
    if isinstance(error, RateLimited):
        return RateLimitedError(**shared, retry_after_seconds=error.retry_after_seconds)
    if isinstance(error, Conflict):
        return ConflictError(**shared)
    shared |= {name: error.values.get(name) for name in ("min", "max", "pattern")}
    return InputError(**shared, rule=error.rule)
