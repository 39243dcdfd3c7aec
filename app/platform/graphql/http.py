"""The GraphQL HTTP endpoint: GraphQL over HTTP (September 2026), https://graphql.github.io/graphql-over-http/."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from graphql import GraphQLError, GraphQLSchema
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.platform.graphql.context import Context
from app.platform.graphql.documents import Document, DocumentCache, GraphQLRequestError
from app.platform.graphql.execution import RETRY_AFTER, execute_document, is_unavailable
from app.platform.graphql.negotiation import JSON, media_type, status
from app.platform.graphql.operations import Operation
from app.platform.graphql.responses import finish
from app.platform.principal import CallerKind

COST_HEADER = "x-patron-cost"
DOCUMENT_ID = re.compile(r"sha256:([0-9a-f]{64})")
DISCARD_BYTES = 32 * 1024 * 1024
SHA256 = re.compile(r"[0-9a-f]{64}")


class BadRequest(Exception):
    """A request that is not valid GraphQL over HTTP; `status` and `message` are those of the response."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str = "BAD_USER_INPUT",
        *,
        extensions: Mapping[str, object] | None = None,
        **headers: str,
    ) -> None:
        """Respond with `status` and one error; `headers` use underscores for hyphens."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.extensions = {"code": code, **(extensions or {})}
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A parsed request: the text of a document, the SHA-256 of a registered one, or both."""

    query: str | None
    document_id: str | None
    variables: Mapping[str, Any]
    operation_name: str | None


class TrustedDocuments(Protocol):
    """The registered documents; with `required`, no others are executed."""

    required: bool

    async def find(self, sha256: str) -> str | None:
        """The text with this SHA-256 in hexadecimal digits, or None."""
        ...


@dataclass(frozen=True, slots=True)
class RequestPolicy:
    """What applies to every request before execution; a refusal raises `BadRequest`.

    `build_context` resolves the caller of an operation. `rate_limit` counts the request and returns headers for the
    response. `cost_limits` is the highest cost of a document by kind of caller.
    """

    build_context: Callable[[Request, Operation], Awaitable[Context]]
    rate_limit: Callable[[Request, Context, Operation], Awaitable[Mapping[str, str]]]
    trusted_documents: TrustedDocuments
    cost_limits: Mapping[CallerKind, int]
    max_body_bytes: int


class GraphQLEndpoint:
    """Answers `GET` (queries only) and `POST` with JSON."""

    def __init__(self, schema: GraphQLSchema, documents: DocumentCache, policy: RequestPolicy) -> None:
        """Execute on `schema`, under the `policy`."""
        self._schema = schema
        self._documents = documents
        self._policy = policy

    async def __call__(self, request: Request) -> Response:
        """The response to any request to the endpoint."""
        media = media_type(request.headers.get("accept"))
        headers: dict[str, str] = {}
        try:
            graphql_request = await self._parse_request(request)
            document, operation = self._prepare(
                await self._document_text(graphql_request), graphql_request.operation_name, request.method
            )
            context = await self._policy.build_context(request, operation)
            headers |= await self._policy.rate_limit(request, context, operation)
            cost = self._cost(operation, graphql_request, context.principal.kind)
        except BadRequest as refused:
            return bad_request_response(request, refused, headers)
        except GraphQLRequestError as refused:
            body = {"errors": [error.formatted for error in refused.errors]}
            return _json_response(body, media, status(body, media), headers)
        result = await execute_document(
            self._schema,
            document,
            variables=graphql_request.variables,
            operation=graphql_request.operation_name,
            context=context,
        )
        if request.headers.get(COST_HEADER) == "1":
            result["extensions"] = {"cost": cost}
        if is_unavailable(result):
            return _json_response(result, media, 503, {**headers, **RETRY_AFTER})
        response = _json_response(result, media, status(result, media), headers)
        return finish(request, response, operation, context.principal, has_errors="errors" in result)

    def _prepare(self, text: str, name: str | None, method: str) -> tuple[Document, Operation]:
        document = self._documents.prepare(text)
        operation = document.operation(name)
        if operation is None:
            raise BadRequest(400, "Name one of the document's operations in operationName.")
        if method == "GET" and operation.kind != "query":
            raise BadRequest(405, "Only queries may be sent by GET.", allow="POST")
        if method == "GET" and operation.is_post_only:
            # A URL stands in the logs of every proxy.
            raise BadRequest(405, "What people typed may be sent by POST only.", allow="POST")
        return document, operation

    async def _document_text(self, graphql_request: GraphQLRequest) -> str:
        """The text to execute, found by its id or taken from the request."""
        trusted_documents = self._policy.trusted_documents
        if graphql_request.query is not None:
            digest = (
                hashlib.sha256(graphql_request.query.encode()).hexdigest()
                if graphql_request.document_id or trusted_documents.required
                else None
            )
            if graphql_request.document_id not in {None, digest}:
                raise BadRequest(400, "The document's id is not the SHA-256 of its text.")
            if digest is None or not trusted_documents.required or await trusted_documents.find(digest) is not None:
                return graphql_request.query
            message = "Only registered documents are executed here: register this one with `patron documents add`."
            raise GraphQLRequestError("PERSISTED_QUERY_NOT_FOUND", [GraphQLError(message)])
        text = await trusted_documents.find(graphql_request.document_id) if graphql_request.document_id else None
        if text is None:
            raise GraphQLRequestError(
                "PERSISTED_QUERY_NOT_FOUND",
                # The words by which clients know that they should send the text (Apollo's protocol, urql's exchange).
                [GraphQLError("PersistedQueryNotFound")],
            )
        return text

    def _cost(self, operation: Operation, graphql_request: GraphQLRequest, kind: CallerKind) -> dict[str, int]:
        cost, limit = operation.cost.evaluate(graphql_request.variables), self._policy.cost_limits[kind]
        if cost > limit:
            message = f"This costs {cost} points, and {limit} are allowed. Select fewer fields or smaller pages."
            raise GraphQLRequestError("GRAPHQL_VALIDATION_FAILED", [GraphQLError(message)])
        return {"requested": cost, "limit": limit}

    async def _parse_request(self, request: Request) -> GraphQLRequest:
        if request.headers.get("upgrade", "").lower() == "websocket":
            raise BadRequest(400, "There are no subscriptions here. Send operations by POST.")
        if request.method == "GET":
            return _parse_body(_query_parameters(request))
        if request.method != "POST":
            raise BadRequest(405, "Use POST, or GET for queries.", allow="GET, POST")
        content = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if content != JSON:
            raise BadRequest(415, "Send a JSON body with the content type application/json.", accept_post=JSON)
        body = await read_body(request, self._policy.max_body_bytes)
        try:
            return _parse_body(orjson.loads(body))
        except orjson.JSONDecodeError:
            raise BadRequest(400, "The body is not JSON in UTF-8.") from None


async def read_body(request: Request, limit: int) -> bytes:
    """The body of a request; raise `BadRequest` (413) for one that is longer than `limit` bytes.

    Of such a body 32 MiB more are read and thrown away: a client that is still sending would otherwise see a closed
    connection, and not the answer (RFC 9112, section 9.6). The server's deadline for slow clients bounds the time.
    """
    too_large = BadRequest(413, f"The body is larger than {limit} bytes.", connection="close")
    declared = request.headers.get("content-length", "")
    is_longer = declared.isdigit() and (len(declared) > len(str(limit)) or int(declared) > limit)
    if is_longer and request.headers.get("expect", "").lower() == "100-continue":
        # It has not begun to send.
        raise too_large
    chunks, discarded = bytearray(), 0
    try:
        async for chunk in request.stream():
            if len(chunks) + len(chunk) <= limit and not discarded:
                chunks += chunk
                continue
            discarded += len(chunk)
            if discarded > DISCARD_BYTES:
                break
    except ClientDisconnect:
        raise BadRequest(400, "The body ended early.") from None
    if discarded:
        raise too_large
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


def _parse_body(body: object) -> GraphQLRequest:
    if isinstance(body, list):
        raise BadRequest(400, "Batches are not accepted: send one operation for each request.")
    if not isinstance(body, dict):
        raise BadRequest(400, "The body must be a JSON object with a query.")
    query, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
    if query is not None and (not isinstance(query, str) or not query.strip()):
        raise BadRequest(400, "The field query must be a string with a GraphQL document.")
    if not isinstance(variables, dict | None):
        raise BadRequest(400, "The field variables must be an object or null.")
    if not isinstance(name, str | None):
        raise BadRequest(400, "The field operationName must be a string or null.")
    if not isinstance(body.get("extensions"), dict | None):
        raise BadRequest(400, "The field extensions must be an object or null.")
    document_id = _document_id(body)
    if query is None and document_id is None:
        raise BadRequest(400, "The field query must be a string with a GraphQL document.")
    return GraphQLRequest(query, document_id, variables or {}, name or None)


def _document_id(body: Mapping[str, Any]) -> str | None:
    """The SHA-256 in `documentId` (GraphQL over HTTP, appendix A), or in Apollo's `persistedQuery` extension."""
    given = body.get("documentId")
    if given is not None:
        matched = DOCUMENT_ID.fullmatch(given) if isinstance(given, str) else None
        if matched is None:
            raise BadRequest(400, "The field documentId must be `sha256:` and 64 hexadecimal digits in lower case.")
        return matched[1]
    persisted = (body.get("extensions") or {}).get("persistedQuery")
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or not SHA256.fullmatch(digest):
        raise BadRequest(400, "The extension persistedQuery must have a sha256Hash of 64 hexadecimal digits.")
    return digest


def bad_request_response(request: Request, refused: BadRequest, headers: Mapping[str, str] | None = None) -> Response:
    """The response to a request that is refused before GraphQL runs."""
    error = {"message": refused.message, "extensions": refused.extensions}
    media = media_type(request.headers.get("accept"))
    return _json_response({"errors": [error]}, media, refused.status, {**(headers or {}), **refused.headers})


def _json_response(
    body: Mapping[str, Any], media: str, status_code: int, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps(body),
        status_code,
        media_type=f"{media}; charset=utf-8",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
