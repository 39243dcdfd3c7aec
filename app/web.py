"""The HTTP surface: routes, request ids, and who is asking."""

import json
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.customers import repository as customers
from app.db.columns import new_id
from app.errors import AppError
from app.graphiql.assets import static_files
from app.graphiql.page import CONTENT_SECURITY_POLICY, page
from app.graphql.context import Context
from app.graphql.documents import Documents
from app.graphql.http import BadRequest, GraphQLEndpoint
from app.graphql.limits import DocumentLimits
from app.house import House
from app.logs import report
from app.oauth import routes as oauth
from app.oauth.endpoint import TokenEndpoint
from app.organizations.callers import KeyRefused, resolve
from app.organizations.last_uses import LastUses
from app.payment_methods import routes as payment_gateways
from app.payment_methods.gateways.interface import Gateways
from app.principal import Origin
from app.schema import SCHEMA
from app.sessions.signing import SigningKeys
from app.sessions.tokens import AccessTokens
from app.settings import Settings

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
GRAPHQL = "/graphql"
STATIC = "/graphql/static"
USER_AGENT_MAX = 256
VERSION = version("patron")


def create_web(house: House) -> ASGIApp:
    """The application for an open house."""
    endpoint = Endpoint(house)
    routes = [
        Mount(STATIC, static_files()),
        Route(GRAPHQL, endpoint.graphql, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        *oauth.routes(
            house.services.get(TokenEndpoint),
            issuer=house.settings.public_url,
            source=lambda request: _source(house, request),
        ),
        *payment_gateways.routes(house.store, house.services.get(Gateways)),
        Route(oauth.JWKS_PATH, endpoint.jwks, methods=["GET"]),
        Route("/healthz", endpoint.healthz, methods=["GET"]),
        Route("/readyz", endpoint.readyz, methods=["GET"]),
    ]
    return RequestIds(Starlette(routes=routes))


class Endpoint:
    """The handlers of the routes."""

    def __init__(self, house: House) -> None:
        """Answer for this house."""
        settings = house.settings
        self._house = house
        introspection = settings.shows_schema
        schema = SCHEMA._schema  # noqa: SLF001 - strawberry has no public name for the schema it built
        documents = Documents(schema, _limits(settings), introspection=introspection)
        self._graphql = GraphQLEndpoint(schema, documents, self._context, max_body_bytes=settings.max_body_bytes)
        self._page = introspection
        self._tokens = house.services.get(AccessTokens)

    async def graphql(self, request: Request) -> Response:
        """GraphQL, and GraphiQL for a browser."""
        wants_page = request.method == "GET" and "query" not in request.query_params
        if self._page and wants_page and "text/html" in request.headers.get("accept", ""):
            return self._graphiql()
        return await self._graphql(request)

    def _graphiql(self) -> Response:
        html = page(endpoint=GRAPHQL, assets=STATIC, headers=_demo_headers(self._house.settings))
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(html, headers=headers)

    async def _context(self, request: Request) -> Context:
        store = self._house.store
        try:
            caller = await resolve(
                store, self._tokens, key=request.headers.get("x-api-key"), bearer=_bearer(request.headers)
            )
        except AppError as refused:
            realm = "X-Api-Key" if isinstance(refused, KeyRefused) else 'Bearer error="invalid_token"'
            raise BadRequest(401, refused.message, "UNAUTHENTICATED", www_authenticate=realm) from None
        if caller.client_id is not None:
            self._house.services.get(LastUses).note(caller.client_id)
        origin = Origin(
            caller.principal,
            request.scope["request_id"],
            _source(self._house, request),
            request.headers.get("user-agent", "")[:USER_AGENT_MAX],
        )
        context = Context(origin, store, self._house.services)
        if caller.customer is not None:
            context.prime(customers.by_ids, caller.customer.row.id, caller.customer)
        return context

    async def jwks(self, _: Request) -> Response:
        """The public keys that access tokens are signed with."""
        keys = await self._house.services.get(SigningKeys).jwk_set()
        return JSONResponse(keys, headers={"Cache-Control": "public, max-age=300"})

    async def healthz(self, _: Request) -> Response:
        """The process runs."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, _: Request) -> Response:
        """The process can serve: both databases answer and have the right version."""
        ready = await self._house.ready()
        return JSONResponse({"status": "ready" if ready else "not migrated"}, 200 if ready else 503)


def _limits(settings: Settings) -> DocumentLimits:
    return DocumentLimits(
        tokens=settings.max_query_tokens,
        depth=settings.max_query_depth,
        aliases=settings.max_query_aliases,
        fields=settings.max_query_fields,
    )


def _bearer(headers: Mapping[str, str]) -> str | None:
    authorization = headers.get("authorization")
    if not authorization:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise KeyRefused("Send the access token as `Authorization: Bearer …`.")
    return token.strip()


def _source(house: House, request: Request) -> bytes:
    address = request.client.host if request.client else ""
    return house.store.vault.fingerprints.of("source", address)


def _demo_headers(settings: Settings) -> dict[str, str]:
    """The demo's publishable key, so that the examples work at once; development only."""
    demo = settings.var_dir / "demo.json"
    if not settings.development or not demo.exists():
        return {}
    return {"X-Api-Key": json.loads(demo.read_text())["publishableKey"]}


class RequestIds:
    """Gives every request an id and every response its headers; a fault becomes a masked 500."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand around `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["request_id"] = _request_id(scope)
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Api-Version"] = VERSION
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as fault:  # noqa: BLE001 - the last place where a fault can be logged without its values
            report("fault", fault, request_id=request_id)
            if not started:
                await _fault(scope, receive, answer)


async def _fault(scope: Scope, receive: Receive, send: Send) -> None:
    error: dict[str, Any] = {
        "message": "Something went wrong on our side. Give us the request id and we will find it.",
        "extensions": {"code": "INTERNAL_SERVER_ERROR"},
    }
    response = Response(orjson.dumps({"errors": [error]}), 500, media_type="application/json")
    await response(scope, receive, send)


def _request_id(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    return given if REQUEST_ID.fullmatch(given) else new_id().hex
