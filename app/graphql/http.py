"""GraphQL over HTTP, as its specification says: https://graphql.github.io/graphql-over-http/draft/."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLSchema
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.graphql.context import Context
from app.graphql.documents import Document, Documents, Refused
from app.graphql.execution import run

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
BuildContext = Callable[[Request], Awaitable[Context]]


class BadRequest(Exception):
    """A request that is not GraphQL over HTTP; `status` and `message` say why."""

    def __init__(self, status: int, message: str, code: str = "BAD_USER_INPUT", **headers: str) -> None:
        """Answer `status` with one error; `headers` use underscores for hyphens."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks to be executed."""

    query: str
    variables: Mapping[str, Any]
    name: str | None


class GraphQLEndpoint:
    """Answers `GET` (queries only) and `POST` with JSON."""

    def __init__(
        self, schema: GraphQLSchema, documents: Documents, build_context: BuildContext, *, max_body_bytes: int
    ) -> None:
        """Execute on `schema`; `build_context` finds out who asks and may raise `BadRequest`."""
        self._schema = schema
        self._documents = documents
        self._build_context = build_context
        self._max_body_bytes = max_body_bytes

    async def __call__(self, request: Request) -> Response:
        """The response to any request to the endpoint."""
        media = _accepted(request.headers.get("accept"))
        try:
            operation = await self._operation(request)
            document = self._prepare(operation, request.method)
            context = await self._build_context(request)
        except BadRequest as refused:
            error = {"message": refused.message, "extensions": {"code": refused.code}}
            return _answer({"errors": [error]}, media, refused.status, refused.headers)
        except Refused as refused:
            return _refused([error.formatted for error in refused.errors], media)
        answer = await run(
            self._schema, document, variables=operation.variables, operation=operation.name, context=context
        )
        return _answer(answer, media, 200) if "data" in answer else _refused(answer["errors"], media)

    def _prepare(self, operation: Operation, method: str) -> Document:
        document = self._documents.prepare(operation.query)
        kind = document.kind(operation.name)
        if kind is None:
            raise BadRequest(400, "Name one of the document's operations in operationName.")
        if method == "GET" and kind != "query":
            raise BadRequest(405, "Only queries may be sent by GET.", allow="POST")
        return document

    async def _operation(self, request: Request) -> Operation:
        if request.method == "GET":
            return _operation_of(_query_parameters(request))
        if request.method != "POST":
            raise BadRequest(405, "Use POST, or GET for queries.", allow="GET, POST")
        content = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if content != JSON:
            raise BadRequest(415, "Send a JSON body with the content type application/json.", accept_post=JSON)
        body = await read_body(request, self._max_body_bytes)
        try:
            return _operation_of(orjson.loads(body))
        except orjson.JSONDecodeError:
            raise BadRequest(400, "The body is not JSON in UTF-8.") from None


async def read_body(request: Request, limit: int) -> bytes:
    """The body of a request; raise `BadRequest` (413) as soon as it is longer than `limit` bytes."""
    too_large = BadRequest(413, f"The body is larger than {limit} bytes.", connection="close")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and (len(declared) > len(str(limit)) or int(declared) > limit):
        raise too_large
    chunks = bytearray()
    try:
        async for chunk in request.stream():
            chunks += chunk
            if len(chunks) > limit:
                raise too_large
    except ClientDisconnect:
        raise BadRequest(400, "The body ended early.") from None
    return bytes(chunks)


def _query_parameters(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in given:
            try:
                given[name] = orjson.loads(given[name])
            except orjson.JSONDecodeError:
                raise BadRequest(400, f"The parameter {name} is not JSON.") from None
    return given


def _operation_of(body: object) -> Operation:
    if isinstance(body, list):
        raise BadRequest(400, "Batches are not accepted: send one operation for each request.")
    if not isinstance(body, dict):
        raise BadRequest(400, "The body must be a JSON object with a query.")
    query, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise BadRequest(400, "The field query must be a string with a GraphQL document.")
    if not isinstance(variables, dict | None):
        raise BadRequest(400, "The field variables must be an object or null.")
    if not isinstance(name, str | None):
        raise BadRequest(400, "The field operationName must be a string or null.")
    if not isinstance(body.get("extensions"), dict | None):
        raise BadRequest(400, "The field extensions must be an object or null.")
    return Operation(query, variables or {}, name or None)


def _accepted(accept: str | None) -> str:
    """The media type to answer with: the specification's own when it is asked for, else plain JSON."""
    return RESPONSE_JSON if accept and RESPONSE_JSON in accept.lower() else JSON


def _refused(errors: Sequence[Mapping[str, Any]], media: str) -> Response:
    """A request error: 400, or 200 in plain JSON, where clients read errors only from a 200."""
    return _answer({"errors": errors}, media, 400 if media == RESPONSE_JSON else 200)


def _answer(body: Mapping[str, Any], media: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(body),
        status,
        media_type=f"{media}; charset=utf-8",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
