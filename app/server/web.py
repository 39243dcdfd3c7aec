"""The HTTP surface: routes, request ids, and who is asking."""

import json
import re
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.accounts.newsletters import routes as newsletters
from app.accounts.oauth import routes as oauth
from app.accounts.oauth.endpoint import TOKEN_PATH, TokenEndpoint
from app.accounts.organizations.callers import KeyRefused, resolve
from app.accounts.organizations.last_uses import LastUses
from app.accounts.organizations.origins import AllowedOrigins
from app.customers import repository as customers
from app.customers.newsletter import UnsubscribeLinks
from app.customers.payment_methods import routes as payment_gateways
from app.customers.payment_methods.gateways.interface import Gateways
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.signing import SigningKeys
from app.identity.sessions.tokens import AccessTokens
from app.platform.db.columns import new_id
from app.platform.documents.registry import RegisteredDocuments
from app.platform.errors import AppError
from app.platform.graphql.context import Context
from app.platform.graphql.documents import Documents
from app.platform.graphql.http import BadRequest, GraphQLEndpoint, Rules, refusal
from app.platform.graphql.limits import DocumentLimits
from app.platform.graphql.operations import Operation
from app.platform.limits import doorstep
from app.platform.limits.rates import Exceeded, RateLimits
from app.platform.limits.rates import headers as limit_headers
from app.platform.limits.sources import Sources
from app.platform.logs import report
from app.platform.mail.mailbox import PATH as MAILBOX
from app.platform.mail.mailbox import Mailbox
from app.platform.principal import CallerKind, Origin
from app.platform.settings import Settings
from app.server.graphiql.assets import static_files
from app.server.graphiql.page import CONTENT_SECURITY_POLICY, page
from app.server.house import House
from app.server.http import cors, jsonp, metrics
from app.server.http.cors import Cors
from app.server.http.metrics import Measured, Metrics
from app.server.schema import SCHEMA

# With a letter: what has none might be a card number, and these are logged.
REQUEST_ID = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_-]{8,64}")
GRAPHQL = "/graphql"
STATIC = "/graphql/static"
USER_AGENT_MAX = 256
ON_EVERY_ANSWER = (
    (b"x-api-version", version("patron").encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def create_web(house: House) -> ASGIApp:
    """The application for an open house."""
    endpoint, measures = Endpoint(house), _metrics(house)
    routes = [
        Mount(STATIC, static_files()),
        Route(GRAPHQL, endpoint.graphql, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        *oauth.routes(
            house.services.get(TokenEndpoint),
            issuer=house.settings.public_url,
            source=lambda request: bytes(request.scope[doorstep.SOURCE]),
        ),
        *payment_gateways.routes(house.store, house.services.get(Gateways)),
        *newsletters.routes(house.store, house.services.get(UnsubscribeLinks)),
        Route(oauth.JWKS_PATH, endpoint.jwks, methods=["GET"]),
        Route("/healthz", endpoint.healthz, methods=["GET"]),
        Route("/readyz", endpoint.readyz, methods=["GET"]),
        Route(metrics.PATH, measures.show, methods=["GET"]),
    ]
    if house.settings.development:
        mailbox = Mailbox(house.store, fallback_url=house.settings.public_url)
        routes += [
            Route(MAILBOX, mailbox.index, methods=["GET"]),
            Route(MAILBOX + "/{id:uuid}", mailbox.one, methods=["GET"]),
        ]
    limits, sources = house.services.get(RateLimits), house.services.get(Sources)
    token_paths = [TOKEN_PATH, oauth.REVOCATION_PATH]
    inner = Starlette(routes=routes, exception_handlers={500: _fault})
    app = doorstep.Doorstep(inner, limits, sources, counted=[GRAPHQL], tokens=token_paths)
    origins = AllowedOrigins(house.store.database)
    browsers = Cors(app, origins, paths=[GRAPHQL], development=house.settings.development)
    return RequestIds(Measured(browsers, measures))


def _metrics(house: House) -> Metrics:
    hasher, limits = house.services.get(PasswordHasher), house.services.get(RateLimits)
    gauges: dict[str, tuple[str, Callable[[], float]]] = {
        "patron_password_hashes_in_flight": ("Passwords being hashed or waiting for it.", lambda: hasher.in_flight),
        "patron_rate_limits_local": ("1 while limits should be shared and are not.", lambda: limits.degraded),
    }
    paths = [GRAPHQL, TOKEN_PATH, oauth.REVOCATION_PATH, oauth.METADATA_PATH, oauth.JWKS_PATH, "/healthz", "/readyz"]
    return Metrics(gauges, paths=paths, token=house.settings.metrics_token.get_secret_value())


class Endpoint:
    """The handlers of the routes."""

    def __init__(self, house: House) -> None:
        """Answer for this house."""
        settings = house.settings
        self._house = house
        introspection = settings.shows_schema
        schema = SCHEMA._schema  # noqa: SLF001 - strawberry has no public name for the schema it built
        rules = Rules(
            self._context,
            self._admit,
            house.services.get(RegisteredDocuments),
            _costs(settings),
            settings.max_body_bytes,
        )
        self._graphql = GraphQLEndpoint(schema, prepared_documents(settings), rules)
        self._limits = house.services.get(RateLimits)
        self._page = introspection
        self._tokens = house.services.get(AccessTokens)

    async def graphql(self, request: Request) -> Response:
        """GraphQL, and GraphiQL for a browser."""
        wants_page = request.method == "GET" and not request.query_params.keys() & {"query", "documentId", "extensions"}
        if self._page and wants_page and "text/html" in request.headers.get("accept", ""):
            return self._graphiql(request)
        try:
            function = jsonp.callback(request, enabled=self._house.settings.jsonp)
        except BadRequest as refused:
            return refusal(request, refused)
        response = await self._graphql(request)
        return jsonp.wrapped(response, function) if function else response

    def _graphiql(self, request: Request) -> Response:
        html = page(endpoint=GRAPHQL, assets=STATIC, headers=_demo_headers(self._house.settings))
        policy = CONTENT_SECURITY_POLICY
        if self._house.settings.jsonp:
            # With JSONP an answer of this very host can be a script.
            policy = policy.replace("script-src 'self'", f"script-src {jsonp.script_source(request, STATIC)}")
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
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
        request.scope[cors.ORGANIZATION] = caller.principal.organization
        origin = Origin(
            caller.principal,
            request.scope["request_id"],
            request.scope[doorstep.SOURCE],
            request.headers.get("user-agent", "")[:USER_AGENT_MAX],
            request.headers.get("x-device-token"),
        )
        context = Context(origin, store, self._house.services)
        if caller.customer is not None:
            context.prime(customers.by_ids, caller.customer.row.id, caller.customer)
        return context

    async def _admit(self, request: Request, context: Context, operation: Operation) -> dict[str, str]:
        request.scope[metrics.OPERATION] = operation.of.value
        try:
            standing = await self._limits.admit(
                context.principal, context.origin.source, operation.of, operation.amount, cards=operation.cards
            )
        except Exceeded as exceeded:
            told = limit_headers(exceeded.standing)
            raise BadRequest(429, doorstep.message(exceeded), "RATE_LIMITED", **told) from None
        return limit_headers(standing)

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
        if not ready:
            return JSONResponse({"status": "not migrated"}, 503)
        if self._limits.degraded:
            # Still able to serve: each process counts for itself until Redis is back.
            return JSONResponse({"status": "degraded", "rateLimits": "local"})
        return JSONResponse({"status": "ready"})


def prepared_documents(settings: Settings) -> Documents:
    """Checks documents as the settings have it."""
    limits = DocumentLimits(
        tokens=settings.max_query_tokens,
        depth=settings.max_query_depth,
        aliases=settings.max_query_aliases,
        fields=settings.max_query_fields,
    )
    schema = SCHEMA._schema  # noqa: SLF001 - strawberry has no public name for the schema it built
    return Documents(schema, limits, introspection=settings.shows_schema)


def _costs(settings: Settings) -> dict[CallerKind, int]:
    return {
        CallerKind.GUEST: settings.max_query_cost_guest,
        CallerKind.CUSTOMER: settings.max_query_cost_customer,
        CallerKind.INTEGRATION: settings.max_query_cost_integration,
        CallerKind.STAFF: settings.max_query_cost_staff,
    }


def _bearer(headers: Mapping[str, str]) -> str | None:
    authorization = headers.get("authorization")
    if not authorization:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise KeyRefused("Send the access token as `Authorization: Bearer …`.")
    return token.strip()


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
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode()), *ON_EVERY_ANSWER]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as fault:  # noqa: BLE001 - the last place where a fault can be logged without its values
            report("fault", fault, request_id=request_id)
            if not started:
                response = await _fault(Request(scope), fault)
                await response(scope, receive, answer)


async def _fault(_: Request, __: Exception) -> Response:
    """The masked answer to a fault, which was or will be logged by `RequestIds`."""
    error: dict[str, Any] = {
        "message": "Something went wrong on our side. Give us the request id and we will find it.",
        "extensions": {"code": "INTERNAL_SERVER_ERROR"},
    }
    return Response(orjson.dumps({"errors": [error]}), 500, media_type="application/json")


def _request_id(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    return given if REQUEST_ID.fullmatch(given) else new_id().hex
