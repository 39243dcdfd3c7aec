"""Executes a document and masks unexpected errors.

    error                                      answered with                         logged
    `extensions.code` set by us                as it is                              no
    variables or input not understood          BAD_USER_INPUT, values removed        no
    a database that is not available           UNAVAILABLE, and the response is 503  where it was met
    any other exception of a resolver          INTERNAL_SERVER_ERROR, fixed message  yes, with the request id

A query plan is tried first; when it fails for anything but an outage, the general executor runs the query again.
"""

from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLSchema
from graphql.execution import execute
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.execution import optimized_is_awaitable

from app.platform.db.outages import DatabaseUnavailable
from app.platform.graphql.context import Context
from app.platform.graphql.documents import Document, with_code
from app.platform.graphql.redaction import without_values
from app.platform.logs import log_exception

INTERNAL_ERROR_MESSAGE = "Something went wrong on our side. Give us the request id and we will find it."
UNAVAILABLE = "UNAVAILABLE"
UNAVAILABLE_MESSAGE = "The service is not available for a moment. Try again."
UNAVAILABLE_ERROR = {"message": UNAVAILABLE_MESSAGE, "extensions": {"code": UNAVAILABLE}}
RETRY_AFTER = {"retry-after": str(DatabaseUnavailable.retry_after_seconds)}


async def execute_document(
    schema: GraphQLSchema, document: Document, *, variables: Mapping[str, Any], operation: str | None, context: Context
) -> dict[str, Any]:
    """The response map (`data`, `errors`) of GraphQL's specification, section 7.1; it never raises."""
    plan = document.plans.get(operation)
    if plan is not None:
        try:
            return {"data": await plan.execute(variables=variables, context=context)}
        except DatabaseUnavailable:
            # Repeating it would wait for the database a second time.
            return {"data": None, "errors": [UNAVAILABLE_ERROR]}
        except Exception:  # noqa: BLE001, S110 - the general executor repeats the query and reports the error
            pass
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


def is_unavailable(result: Mapping[str, Any]) -> bool:
    """Whether an operation failed for an outage alone, and may be sent again: no root field of it was carried out."""
    errors = result.get("errors", ())
    done = any(value is not None for value in (result.get("data") or {}).values())
    return not done and any(error.get("extensions", {}).get("code") == UNAVAILABLE for error in errors)


def _masked(error: GraphQLError, context: Context) -> GraphQLError:
    if (error.extensions or {}).get("code"):
        return error
    if error.path is None:
        # An error without a path comes before any resolver: the variables were not understood.
        return with_code(error, "BAD_USER_INPUT")
    if isinstance(error.original_error, StrawberryInputCoercionError | GraphQLError):
        return GraphQLError(_input_message(error), path=error.path, extensions={"code": "BAD_USER_INPUT"})
    if error.original_error is None:
        return with_code(error, "BAD_USER_INPUT")
    if isinstance(error.original_error, DatabaseUnavailable):
        return GraphQLError(UNAVAILABLE_MESSAGE, path=error.path, extensions={"code": UNAVAILABLE})
    log_exception("fault", error.original_error, request_id=context.origin.request_id)
    return GraphQLError(INTERNAL_ERROR_MESSAGE, path=error.path, extensions={"code": "INTERNAL_SERVER_ERROR"})


def _input_message(error: GraphQLError) -> str:
    if isinstance(error.original_error, GraphQLError):
        # An argument that was not understood: null for one that has a default, by way of a variable.
        return without_values(error.original_error.message)
    return "A field of the input is null that may be left away, but not be null."
