"""Declares fields with access rules: `query`, `mutation` with its transaction, and `restricted` ones of a type."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Info

from app.platform.db.locks import has_living_session, require_living_session
from app.platform.db.retrying import MAX_RUNS, may_succeed_again
from app.platform.db.writing import VersionConflict
from app.platform.errors import AppError, AppErrorGroup
from app.platform.graphql.access import (
    BACK_OFFICE,
    GUEST,
    Access,
    access_directives,
    authorize,
    top_level_error,
    with_access_note,
)
from app.platform.graphql.context import Context
from app.platform.graphql.cost import LIST_SIZE
from app.platform.graphql.operations import CREDENTIALS, OPEN_TO_GUESTS, REFERENCE, REFRESH
from app.platform.graphql.user_errors import UserError, user_errors

Resolver = Callable[..., Awaitable[Any]]


@strawberry.type(description="What every mutation answers.")
class Payload:
    """Base of all payloads: the object is null when `userErrors` is not empty."""

    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="What was refused and why; empty when the mutation was carried out."
    )


def query(
    *, allow: Access, description: str, size: int | None = None, about_caller: bool = False, reference: bool = False
) -> Callable[[Resolver], Any]:
    """Declare a root query, `async def f(self, context, …)`, for the callers in `allow`.

    `size` is the approximate length of a list without pages; it enters the cost of a document. A dead access token is
    ignored where guests are allowed, unless the answer is `about_caller`: it would be taken for the customer's.
    `reference` data changes with the organization's settings and the program only: what guests get may be cached.
    """

    def decorator(function: Resolver) -> Any:
        async def resolver(self: object, info: Info[Context, None], **arguments: Any) -> Any:
            authorize(info.context.principal, allow)
            return await function(self, info.context, **arguments)

        metadata: dict[object, object] = {OPEN_TO_GUESTS: GUEST in allow and not about_caller, REFERENCE: reference}
        if size:
            metadata[LIST_SIZE] = size
        return _field(resolver, function, allow, description, metadata)

    return decorator


def mutation(
    *,
    allow: Access,
    description: str,
    credentials: bool = False,
    refresh: bool = False,
    session_may_end: bool = False,
) -> Callable[[Resolver], Any]:
    """Declare a mutation, `async def f(self, context, session, …) -> SomePayload`, for the callers in `allow`.

    It runs in one transaction:

        the function             transaction   answer
        returns a payload        committed     the payload
        raises AppError(Group)   rolled back   an empty payload with `userErrors`
        raises VersionConflict   rolled back   run again from the start, at most five times
        fails as in `retrying`   rolled back   the same: a deadlock, a row that was referred to is gone
        raises anything else     rolled back   INTERNAL_SERVER_ERROR, logged with the request id
        the session has ended    rolled back   UNAUTHENTICATED, reason TOKEN_REVOKED
        caller not in `allow`    none          UNAUTHENTICATED for a guest, FORBIDDEN for others

    So what must be kept after a refusal (a failed attempt, the revocation after a replayed token) is returned in a
    payload, not raised. The data loaders are emptied after every run. What a customer does is written only if the
    session still lives at the end, unless guests may do it, or `session_may_end`: the mutation ends it, or looks at it
    itself. The session cookie is changed by what was committed only, and cleared when its session has ended.
    `credentials` marks a mutation that checks or issues a secret (a password, a token, a code): tighter rate limits
    apply.
    """

    def decorator(function: Resolver) -> Any:
        payload: type[Payload] = inspect.signature(function).return_annotation
        is_guarded = not session_may_end and GUEST not in allow

        async def resolver(self: object, info: Info[Context, None], **arguments: Any) -> Payload:
            info.context.act_as_sender()
            authorize(info.context.principal, allow)
            for run in range(1, MAX_RUNS + 1):
                try:
                    return await run_in_transaction(self, info.context, **arguments)
                except (AppError, AppErrorGroup) as error:
                    return payload(user_errors=user_errors(error))
                except Exception as fault:
                    if isinstance(fault, VersionConflict) and not await _session_lives(info.context):
                        raise top_level_error(
                            "UNAUTHENTICATED", "This session has ended. Log in again.", reason="TOKEN_REVOKED"
                        ) from None
                    if run == MAX_RUNS or not (isinstance(fault, VersionConflict) or may_succeed_again(fault)):
                        raise
            raise AssertionError

        async def run_in_transaction(self: object, context: Context, **arguments: Any) -> Payload:
            context.act_as_sender()
            try:
                with context.cookie.unchanged_on_failure():
                    async with context.store.database.transaction() as session:
                        result: Payload = await function(self, context, session, **arguments)
                        if is_guarded:
                            _guard_session(context, session)
            finally:
                # Values read before the write must not be returned after it.
                context.clear_cache()
            await _clear_ended_cookie(context, may_have_ended=session_may_end)
            return result

        metadata: dict[object, object] = {OPEN_TO_GUESTS: GUEST in allow, CREDENTIALS: credentials, REFRESH: refresh}
        return _field(resolver, function, allow, description, metadata)

    return decorator


def _guard_session(context: Context, session: AsyncSession) -> None:
    owner_id, session_id = context.principal.customer_id, context.principal.session_id
    if owner_id and session_id:
        require_living_session(session, owner_id=owner_id, session_id=session_id)


async def _clear_ended_cookie(context: Context, *, may_have_ended: bool) -> None:
    if may_have_ended and context.cookie.authenticates and not await _session_lives(context):
        context.cookie.clear()


async def _session_lives(context: Context) -> bool:
    """Whether the customer's session has not ended since the request began; True for callers who have none."""
    owner_id, session_id = context.principal.customer_id, context.principal.session_id
    if owner_id is None or session_id is None:
        return True
    return await has_living_session(context.store.database, owner_id=owner_id, session_id=session_id)


def restricted(*, allow: Access, description: str) -> Callable[[Callable[..., Any]], Any]:
    """Declare a field of a type, `def f(self, info, …)`, that not everybody may use who reads the object."""

    def decorator(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        def resolver(self: object, info: Info[Context, None], **arguments: Any) -> Any:
            authorize(info.context.principal, allow)
            return function(self, info, **arguments)

        return strawberry.field(
            resolver=resolver,
            description=with_access_note(description, allow),
            directives=access_directives(allow),
        )

    return decorator


def back_office_input(description: str) -> Any:
    """Declare a field of an input that only integrations may set."""
    return strawberry.field(
        description=f"For integrations only: {description}", default=None, directives=access_directives(BACK_OFFICE)
    )


def _field(
    resolver: Resolver, function: Resolver, allow: Access, description: str, metadata: dict[object, object]
) -> Any:
    """Declare the field with the function's arguments, except those that the wrapper fills in."""
    signature = inspect.signature(function)
    arguments = [
        parameter for parameter in signature.parameters.values() if parameter.annotation not in {Context, AsyncSession}
    ]
    info = inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info)
    arguments.insert(1, info)
    functools.update_wrapper(resolver, function)
    del resolver.__wrapped__  # type: ignore[attr-defined] # strawberry would follow it to the original arguments
    resolver.__signature__ = signature.replace(parameters=arguments)  # type: ignore[attr-defined]
    resolver.__annotations__ = {argument.name: argument.annotation for argument in arguments[1:]}
    resolver.__annotations__["return"] = signature.return_annotation
    return strawberry.field(
        resolver=resolver,
        description=with_access_note(description, allow),
        directives=access_directives(allow),
        metadata=metadata,
    )
