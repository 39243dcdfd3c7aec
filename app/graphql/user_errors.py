"""Expected failures as data: what a mutation's payload lists when it refused."""

from typing import Any

import strawberry

from app.errors import AppError, Conflict, ErrorCode, RateLimited, Rejected
from app.graphql.enums import show
from app.graphql.error_codes import MEANINGS

show(ErrorCode, "Why something was refused. Codes are stable: none is ever removed, only deprecated.", MEANINGS)


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
    """Most failures."""


@strawberry.type(description="Somebody else changed the same thing in the meantime; nothing was written.")
class ConflictError(UserError):
    """A stale `expectedVersion`, or a race that was lost."""


@strawberry.type(description="Too many attempts; nothing was tried.")
class RateLimitedError(UserError):
    """The caller must wait."""

    retry_after_seconds: int = strawberry.field(description="Seconds after which another attempt will be looked at.")


CONCRETE = (InputError, ConflictError, RateLimitedError)


def user_errors(error: AppError | Rejected) -> list[UserError]:
    """The entries a payload lists for a failure."""
    errors = error.errors if isinstance(error, Rejected) else [error]
    return [_user_error(one) for one in errors]


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
