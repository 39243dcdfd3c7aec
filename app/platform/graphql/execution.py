"""Executes a document and masks unexpected errors.

    error                                      answered with                         logged
    `extensions.code` set by us                as it is                              no
    variables or input not understood          BAD_USER_INPUT, values removed        no
    any other exception of a resolver          INTERNAL_SERVER_ERROR, fixed message  yes, with the request id

A query plan is tried first; whenever it fails, the general executor runs the whole query again.
"""

from collections.abc import Mapping
from contextlib import suppress
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLSchema
from graphql.execution import execute
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.execution import optimized_is_awaitable

from app.platform.graphql.context import Context
from app.platform.graphql.documents import Document, with_code
from app.platform.logs import log_exception

INTERNAL_ERROR_MESSAGE = "Something went wrong on our side. Give us the request id and we will find it."


async def execute_document(
    schema: GraphQLSchema, document: Document, *, variables: Mapping[str, Any], operation: str | None, context: Context
) -> dict[str, Any]:
    """The response map (`data`, `errors`) of GraphQL's specification, section 7.1; it never raises."""
    plan = document.plans.get(operation)
    if plan is not None:
        with suppress(Exception):  # The general executor repeats the query and reports the error as specified.
            return {"data": await plan.execute(variables=variables, context=context)}
    pending = execute(
        schema,
        document.node,
        context_value=context,
        variable_values=dict(variables),
        operation_name=operation,
        hide_suggestions=True,
        is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type] # a bool, not yet a TypeGuard
    )
    result = await pending if isawaitable(pending) else pending
    assert isinstance(result, ExecutionResult)  # noqa: S101 - the library's type is wider than what it answers here
    if not result.errors:
        return {"data": result.data}
    errors = [_masked(error, context) for error in result.errors]
    if result.data is None and all(error.path is None for error in result.errors):
        return {"errors": [error.formatted for error in errors]}
    return {"data": result.data, "errors": [error.formatted for error in errors]}


def _masked(error: GraphQLError, context: Context) -> GraphQLError:
    if (error.extensions or {}).get("code"):
        return error
    if error.path is None:
        # An error without a path comes before any resolver: the variables were not understood.
        return with_code(error, "BAD_USER_INPUT")
    if isinstance(error.original_error, StrawberryInputCoercionError):
        message = "A field of the input is null that may be left away, but not be null."
        return GraphQLError(message, path=error.path, extensions={"code": "BAD_USER_INPUT"})
    if error.original_error is None:
        return with_code(error, "BAD_USER_INPUT")
    log_exception("fault", error.original_error, request_id=context.origin.request_id)
    return GraphQLError(INTERNAL_ERROR_MESSAGE, path=error.path, extensions={"code": "INTERNAL_SERVER_ERROR"})
