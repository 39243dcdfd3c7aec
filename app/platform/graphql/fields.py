"""Declares queries and mutations: who may use them, and the one transaction a mutation is."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Info

from app.platform.db.writing import VersionConflict
from app.platform.errors import AppError, AppErrorGroup
from app.platform.graphql.access import Access, authorize, with_access_note
from app.platform.graphql.context import Context
from app.platform.graphql.cost import LIST_SIZE
from app.platform.graphql.operations import CREDENTIALS
from app.platform.graphql.user_errors import UserError, user_errors

Resolver = Callable[..., Awaitable[Any]]


@strawberry.type(description="What every mutation answers.")
class Payload:
    """Base of all payloads: the object is null when `userErrors` is not empty."""

    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="What was refused and why; empty when the mutation was carried out."
    )


def query(*, allow: Access, description: str, size: int | None = None) -> Callable[[Resolver], Any]:
    """A root query, `async def f(self, context, …)`, for the callers in `allow`.

    `size` is about how many items a list has that is not a page, for the cost of a document.
    """

    def decorator(function: Resolver) -> Any:
        async def resolver(self: object, info: Info[Context, None], **arguments: Any) -> Any:
            authorize(info.context.principal, allow)
            return await function(self, info.context, **arguments)

        return _field(resolver, function, with_access_note(description, allow), {LIST_SIZE: size} if size else {})

    return decorator


def mutation(*, allow: Access, description: str, credentials: bool = False) -> Callable[[Resolver], Any]:
    """A mutation, `async def f(self, context, session, …) -> SomePayload`, for the callers in `allow`.

    It is one transaction: raise, and nothing happened; return, and it is written. An expected failure (`AppError`,
    `AppErrorGroup`) becomes the payload's `userErrors`. When a row changed since it was read (`VersionConflict`), the
    mutation runs again from the start with an empty `context.cached`. With `credentials` it tries or issues a secret
    (a password, a token, a code): its rate limits are tighter.
    """

    def decorator(function: Resolver) -> Any:
        payload: type[Payload] = inspect.signature(function).return_annotation

        async def resolver(self: object, info: Info[Context, None], **arguments: Any) -> Payload:
            authorize(info.context.principal, allow)
            try:
                try:
                    return await run_in_transaction(self, info.context, **arguments)
                except VersionConflict:
                    return await run_in_transaction(self, info.context, **arguments)
            except (AppError, AppErrorGroup) as error:
                return payload(user_errors=user_errors(error))

        async def run_in_transaction(self: object, context: Context, **arguments: Any) -> Payload:
            try:
                async with context.store.database.transaction() as session:
                    result: Payload = await function(self, context, session, **arguments)
            finally:
                # What was read before the write must not be shown after it.
                context.clear_cache()
            return result

        return _field(
            resolver, function, with_access_note(description, allow), {CREDENTIALS: True} if credentials else {}
        )

    return decorator


def _field(resolver: Resolver, function: Resolver, description: str, metadata: dict[object, object]) -> Any:
    """Give strawberry the declared arguments without those that the wrapper fills in."""
    signature = inspect.signature(function)
    arguments = [
        parameter for parameter in signature.parameters.values() if parameter.annotation not in {Context, AsyncSession}
    ]
    info = inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info)
    arguments.insert(1, info)
    functools.update_wrapper(resolver, function)
    del resolver.__wrapped__  # type: ignore[attr-defined] # strawberry would look through to the declared arguments
    resolver.__signature__ = signature.replace(parameters=arguments)  # type: ignore[attr-defined]
    resolver.__annotations__ = {one.name: one.annotation for one in arguments[1:]}
    resolver.__annotations__["return"] = signature.return_annotation
    return strawberry.field(resolver=resolver, description=description, metadata=metadata)
