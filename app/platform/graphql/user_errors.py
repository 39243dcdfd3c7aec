"""`userErrors`: expected failures as entries of a mutation's payload."""

from collections.abc import Iterable
from typing import Any

import strawberry

from app.platform.errors import AppError, AppErrorGroup, Conflict, ErrorCode, RateLimited
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
    HAS_ORDERS="The customer has orders: have it anonymized instead.",
    IN_USE="Something else still needs it; name what takes its place.",
    ALREADY_REQUESTED="It was requested already.",
    ALREADY_STARTED="It has started and cannot be cancelled any more.",
    ALREADY_LOGGED_IN="Log out first.",
)


@strawberry.interface(description="Something the caller can put right: one entry for each wrong field.")
class UserError:
    """The interface of all entries of `userErrors`."""

    code: ErrorCode = strawberry.field(description="The reason, stable; program against this.")
    message: str = strawberry.field(description="What to do next, in English; show it or replace it.")
    field: list[str] | None = strawberry.field(
        description='Path of the input field, such as `["address", "postalCode"]`; null when no single field is wrong.'
    )


@strawberry.type(description="A refused input or act without further data.")
class InputError(UserError):
    """The type of every failure without further fields."""


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
    return [_user_error(error) for error in errors]


def _user_error(error: AppError) -> UserError:
    shared: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "field": list(error.field) if error.field else None,
    }
    if isinstance(error, RateLimited):
        return RateLimitedError(**shared, retry_after_seconds=error.retry_after_seconds)
    if isinstance(error, Conflict):
        return ConflictError(**shared)
    return InputError(**shared)
