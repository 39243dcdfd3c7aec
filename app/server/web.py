"""The web application: routes, middleware, request ids, and the request context of GraphQL."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.accounts.newsletters import routes as newsletters
from app.accounts.oauth import routes as oauth
from app.accounts.oauth.endpoint import TOKEN_PATH, TokenEndpoint
from app.accounts.organizations.callers import ApiKeyRefused, Caller, resolve, resolve_guest
from app.accounts.organizations.cors_origins import AllowedOrigins
from app.accounts.organizations.last_used import LastUsedTracker
from app.customers import repository as customers
from app.customers.newsletter import UnsubscribeLinks
from app.customers.payment_methods import routes as payment_gateways
from app.customers.payment_methods.gateways.interface import Gateways
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.service import LoginSessions
from app.identity.sessions.signing import SigningKeys
from app.identity.sessions.tokens import AccessTokens, TokenExpired, TokenInvalid, TokenRevoked
from app.platform.db.columns import new_id
from app.platform.db.outages import DatabaseUnavailable
from app.platform.db.revisions import SchemaState
from app.platform.documents.registry import TrustedDocuments
from app.platform.errors import AppError
from app.platform.graphql.context import Context
from app.platform.graphql.document_limits import DocumentLimits
from app.platform.graphql.documents import DocumentCache
from app.platform.graphql.execution import (
    INTERNAL_ERROR_MESSAGE,
    RETRY_AFTER,
    UNAVAILABLE,
    UNAVAILABLE_MESSAGE,
    execute_document,
)
from app.platform.graphql.http import BadRequest, GraphQLEndpoint, RequestPolicy, bad_request_response
from app.platform.graphql.operations import Operation
from app.platform.graphql.session_cookie import SessionCookie
from app.platform.jobs.states import all_states
from app.platform.limits import source_rate_limit
from app.platform.limits.rates import RateLimitExceeded, RateLimits
from app.platform.limits.rates import headers as limit_headers
from app.platform.limits.sources import SourceResolver
from app.platform.logs import log_exception
from app.platform.mail.mailbox import PATH as MAILBOX
from app.platform.mail.mailbox import Mailbox
from app.platform.principal import CallerKind, Organization, Principal
from app.platform.settings import Settings
from app.platform.vault.backups import last_backup
from app.platform.vault.epochs import PairState
from app.platform.vault.versions import all_versions
from app.privacy.exports import downloads
from app.privacy.receipts import routes as receipts
from app.server import mail_pages
from app.server.example_operations import groups
from app.server.graphiql.assets import static_files
from app.server.graphiql.page import CONTENT_SECURITY_POLICY, render_page
from app.server.http import cors, jsonp, metrics
from app.server.http.cors import CorsMiddleware
from app.server.http.key_metrics import KeyStates
from app.server.http.local_requests import is_local
from app.server.http.metrics import Metrics, MetricsMiddleware
from app.server.http.request_origins import request_origin
from app.server.http.session_cookies import SessionCookies, require_asking_allowed
from app.server.runtime import Runtime
from app.server.schema import SCHEMA

# What programs make and no person would write, as ids are logged and stay in the audit log: a UUID, a ULID, or 16 to
# 64 hexadecimal digits (as the trace ids of W3C). At least one letter: digits alone could be a card number.
REQUEST_ID = re.compile(
    r"(?=[^a-z]*[a-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,64}|[0-7][0-9a-hjkmnp-tv-z]{25})",
    re.IGNORECASE | re.ASCII,
)
GRAPHQL = "/graphql"
DATA_EXPORTS = "/data-exports"
log = structlog.get_logger(__name__)
STATIC = "/graphql/static"
NOT_SERVED = {
    None: "unavailable",
    SchemaState.BEHIND: "not migrated",
    SchemaState.INCOMPATIBLE: "of a newer program",
}
RESPONSE_HEADERS = (
    (b"x-api-version", version("patron").encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def create_app(runtime: Runtime) -> ASGIApp:
    """The ASGI application of a runtime.

    Middleware, from the outside in: request id and masked errors, metrics, CORS, per-source rate limit, routes.
    """
    endpoint, metrics_registry = RequestHandlers(runtime), _metrics(runtime)
    routes = [
        Mount(STATIC, static_files()),
        Route(GRAPHQL, endpoint.graphql, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        *oauth.routes(
            runtime.services.get(TokenEndpoint),
            issuer=runtime.settings.public_url,
            source=lambda request: bytes(request.scope[source_rate_limit.SOURCE_KEY]),
        ),
        *payment_gateways.routes(runtime.store, runtime.services.get(Gateways)),
        *mail_pages.routes(runtime.store, endpoint.run_as_guest, endpoint.download_own_data),
        Route(DATA_EXPORTS + "/{id}", endpoint.download_data, methods=["GET"]),
        *newsletters.routes(runtime.store, runtime.services.get(UnsubscribeLinks)),
        *receipts.routes(runtime.store),
        Route(oauth.JWKS_PATH, endpoint.jwks, methods=["GET"]),
        Route("/healthz", endpoint.healthz, methods=["GET"]),
        Route("/readyz", endpoint.readyz, methods=["GET"]),
        Route(metrics.PATH, metrics_registry.endpoint, methods=["GET"]),
    ]
    if runtime.settings.development:
        mailbox = Mailbox(runtime.store, fallback_url=runtime.settings.public_url)
        routes += [
            Route(MAILBOX, _on_this_machine(mailbox.index), methods=["GET"]),
            Route(MAILBOX + "/{id:uuid}", _on_this_machine(mailbox.detail), methods=["GET"]),
        ]
    limits, sources = runtime.services.get(RateLimits), runtime.services.get(SourceResolver)
    token_paths = [TOKEN_PATH, oauth.REVOCATION_PATH]
    inner = Starlette(routes=routes, exception_handlers={500: _internal_server_error})
    limited_paths = [GRAPHQL, *mail_pages.PATHS]
    app = source_rate_limit.SourceRateLimit(
        inner, limits, sources, limited_paths=limited_paths, token_paths=token_paths
    )
    origins = AllowedOrigins(runtime.store.database)
    browsers = CorsMiddleware(app, origins, paths=[GRAPHQL], development=runtime.settings.development)
    return RequestIdMiddleware(MetricsMiddleware(browsers, metrics_registry))


def _on_this_machine(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The handler for requests made on this machine; 404 for others, as where the route does not exist."""

    async def handler(request: Request) -> Response:
        return await handle(request) if is_local(request, private=True) else Response("Not Found", 404)

    return handler


def _metrics(runtime: Runtime) -> Metrics:
    hasher, limits = runtime.services.get(PasswordHasher), runtime.services.get(RateLimits)
    gauges: dict[str, tuple[str, Callable[[], float]]] = {
        "patron_password_hashes_in_flight": ("Passwords being hashed or waiting for it.", lambda: hasher.in_flight),
        "patron_rate_limits_local": ("1 while limits should be shared and are not.", lambda: limits.degraded),
    }
    paths = [GRAPHQL, TOKEN_PATH, oauth.REVOCATION_PATH, oauth.METADATA_PATH, oauth.JWKS_PATH, "/healthz", "/readyz"]
    database, keystore = runtime.store.database, runtime.store.vault.keystore

    async def key_states() -> KeyStates:
        backup = await last_backup(keystore)
        return KeyStates(await all_versions(keystore), backup.started_at if backup else None)

    return Metrics(
        gauges,
        lambda: all_states(database),
        key_states,
        paths=paths,
        token=runtime.settings.metrics_token.get_secret_value(),
        development=runtime.settings.development,
    )


class RequestHandlers:
    """The handlers of the routes."""

    def __init__(self, runtime: Runtime) -> None:
        """Build the GraphQL endpoint on this runtime."""
        settings = runtime.settings
        self._runtime = runtime
        introspection = settings.shows_schema
        schema = SCHEMA._schema  # noqa: SLF001 - strawberry has no public name for the schema it built
        policy = RequestPolicy(
            self._build_context,
            self._rate_limit,
            runtime.services.get(TrustedDocuments),
            _cost_limits(settings),
            settings.max_body_bytes,
        )
        self._graphql = GraphQLEndpoint(schema, document_cache(settings), policy)
        self._own_documents = document_cache(settings)
        self._limits = runtime.services.get(RateLimits)
        self._serves_graphiql = introspection
        self._tokens = runtime.services.get(AccessTokens)
        self._cookies = SessionCookies(settings, runtime.store, runtime.services.get(LoginSessions))

    async def graphql(self, request: Request) -> Response:
        """GraphQL, or the GraphiQL page for a browser."""
        wants_page = request.method == "GET" and not request.query_params.keys() & {"query", "documentId", "extensions"}
        if self._serves_graphiql and wants_page and "text/html" in request.headers.get("accept", ""):
            return self._graphiql(request)
        try:
            function = jsonp.callback(request, enabled=self._runtime.settings.jsonp)
        except BadRequest as refused:
            return bad_request_response(request, refused)
        response = await self._graphql(request)
        self._cookies.apply(request, response)
        return jsonp.as_script(response, function) if function else response

    async def run_as_guest(
        self, request: Request, organization: Organization, text: str, variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The response map to one of our own documents, run for a guest of the organization; raise `BadRequest`."""
        document = self._own_documents.prepare(text)
        operation = document.operation(None)
        assert operation is not None  # noqa: S101 - our documents have one operation
        origin = request_origin(request, Principal(CallerKind.GUEST, organization))
        context = Context(origin, self._runtime.store, self._runtime.services)
        await self._rate_limit(request, context, operation)
        schema = SCHEMA._schema  # noqa: SLF001 - strawberry has no public name for the schema it built
        return await execute_document(schema, document, variables=variables, operation=None, context=context)

    async def download_own_data(self, request: Request, organization: Organization, token: str) -> Response:
        """The export that a customer got a link to; raise `AppError` for a wrong or old token."""
        origin = request_origin(request, Principal(CallerKind.GUEST, organization))
        found = await downloads.by_token(self._runtime.store, origin, token)
        return found.response(self._runtime.store)

    async def download_data(self, request: Request) -> Response:
        """An export for staff: 404 for everybody else, whatever is asked for."""
        store = self._runtime.store
        try:
            caller = await resolve(
                store, self._tokens, key=request.headers.get("x-api-key"), bearer=_bearer(request.headers)
            )
        except AppError:
            return Response("Not Found", 404)
        found = await downloads.by_staff(store, request_origin(request, caller.principal), request.path_params["id"])
        return found.response(store) if found else Response("Not Found", 404)

    def _graphiql(self, request: Request) -> Response:
        html = render_page(
            endpoint=GRAPHQL, assets=STATIC, headers=_demo_headers(self._runtime.settings), groups=groups()
        )
        policy = CONTENT_SECURITY_POLICY
        if self._runtime.settings.jsonp:
            # With JSONP, a GraphQL response of this host can be a script.
            policy = policy.replace("script-src 'self'", f"script-src {jsonp.script_source(request, STATIC)}")
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        return HTMLResponse(html, headers=headers)

    async def _build_context(self, request: Request, operation: Operation) -> Context:
        store = self._runtime.store
        cookie = self._cookies.begin(request)
        caller = await self._resolve_caller(request, operation, cookie)
        if caller.client_id is not None:
            self._runtime.services.get(LastUsedTracker).touch(caller.client_id)
        request.scope[cors.ORGANIZATION] = caller.principal.organization
        if cookie.asked:
            require_asking_allowed(request, operation, caller.principal.organization)
        origin = request_origin(request, caller.principal)
        context = Context(origin, store, self._runtime.services, caller.dead_session, cookie)
        if caller.customer is not None:
            context.prime(customers.by_ids, caller.customer.row.id, caller.customer)
        return context

    async def _resolve_caller(self, request: Request, operation: Operation, cookie: SessionCookie) -> Caller:
        """Who asks; where guests may, a dead access token is as good as none. Raise `BadRequest` (401, 403)."""
        store, key = self._runtime.store, request.headers.get("x-api-key")
        try:
            by_cookie = await self._cookies.resolve(request, operation, cookie)
            if by_cookie is not None:
                return by_cookie
            try:
                return await resolve(store, self._tokens, key=key, bearer=_bearer(request.headers))
            except (TokenInvalid, TokenExpired) as refused:
                if not operation.open_to_guests:
                    raise
                _, _, token = request.headers["authorization"].partition(" ")
                guest = await resolve_guest(store, self._tokens, key=key, bearer=token.strip())
                dead = guest.dead_session
                return replace(guest, dead_session=dead._replace(reason=_reason(refused))) if dead else guest
        except ApiKeyRefused as refused:
            reason = "TOKEN_INVALID" if key else "MISSING"
            raise _unauthenticated(refused, reason, "X-Api-Key") from None
        except (TokenInvalid, TokenExpired) as refused:
            raise _unauthenticated(refused, _reason(refused), 'Bearer error="invalid_token"') from None

    async def _rate_limit(self, request: Request, context: Context, operation: Operation) -> dict[str, str]:
        request.scope[metrics.OPERATION] = operation.operation_class.value
        try:
            limit_status = await self._limits.admit(
                context.principal,
                context.origin.source,
                operation.operation_class,
                operation.amount,
                cards=operation.card_checks,
            )
        except RateLimitExceeded as exceeded:
            raise BadRequest(
                429,
                source_rate_limit.retry_message(exceeded),
                "RATE_LIMITED",
                extensions=source_rate_limit.retry_extensions(exceeded),
                **limit_headers(exceeded.limit_status),
            ) from None
        return limit_headers(limit_status)

    async def jwks(self, _: Request) -> Response:
        """The public keys that access tokens are signed with."""
        keys = await self._runtime.services.get(SigningKeys).jwk_set()
        return JSONResponse(keys, headers={"Cache-Control": "public, max-age=300"})

    async def healthz(self, _: Request) -> Response:
        """Liveness: the process runs."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, _: Request) -> Response:
        """The process can serve: both databases answer and have the right version, and no key version is missing."""
        states = await self._runtime.schema_states()
        missing = {name: NOT_SERVED[state] for name, state in states.items() if state in NOT_SERVED}
        if missing:
            status = next(reason for reason in NOT_SERVED.values() if reason in missing.values())
            return JSONResponse({"status": status, "databases": missing}, 503, RETRY_AFTER)
        pair = await self._runtime.pair_state()
        if pair in {PairState.KEYSTORE_OLDER, PairState.WRONG_PAIR}:
            return JSONResponse({"status": "restored", "databases": pair.value}, 503, RETRY_AFTER)
        versions = await self._runtime.missing_key_versions()
        if versions:
            # The reason is in the log only: it may name a file or a host.
            for version, reason in versions.items():
                log.error("key_version_missing", version=version, reason=reason)
            return JSONResponse({"status": "key version missing", "keyVersions": sorted(versions)}, 503, RETRY_AFTER)
        # A newer program has added to them: this one serves until it is replaced.
        ahead = [name for name, state in states.items() if state is SchemaState.AHEAD]
        details: dict[str, object] = {"ahead": ahead} if ahead else {}
        if pair is PairState.MAIN_OLDER:
            # Served, but no key is destroyed until an operator confirms.
            details["restore"] = "unconfirmed"
        if self._runtime.store.vault.ring.rotating:
            details["keyRotation"] = "unfinished"
        if self._limits.degraded:
            # It can still serve: each process counts for itself until Redis is back.
            return JSONResponse({"status": "degraded", "rateLimits": "local", **details})
        return JSONResponse({"status": "ready", **details})


def document_cache(settings: Settings) -> DocumentCache:
    """The document cache, with the limits of the settings."""
    limits = DocumentLimits(
        tokens=settings.max_query_tokens,
        depth=settings.max_query_depth,
        aliases=settings.max_query_aliases,
        fields=settings.max_query_fields,
    )
    schema = SCHEMA._schema  # noqa: SLF001 - strawberry has no public name for the schema it built
    return DocumentCache(schema, limits, introspection=settings.shows_schema)


def _cost_limits(settings: Settings) -> dict[CallerKind, int]:
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
        raise TokenInvalid("Send the access token as `Authorization: Bearer …`.")
    return token.strip()


def _reason(refused: AppError) -> str:
    """Why an access token opens nothing, as `extensions.reason` says it."""
    if isinstance(refused, TokenRevoked):
        return "TOKEN_REVOKED"
    return refused.code.value


def _unauthenticated(refused: AppError, reason: str, challenge: str) -> BadRequest:
    return BadRequest(401, str(refused), "UNAUTHENTICATED", extensions={"reason": reason}, www_authenticate=challenge)


def _demo_headers(settings: Settings) -> dict[str, str]:
    """The demo's publishable key, so that the examples work without setting it; in development only."""
    demo = settings.var_dir / "demo.json"
    if not settings.development or not demo.exists():
        return {}
    return {"X-Api-Key": json.loads(demo.read_text())["publishableKey"]}


class RequestIdMiddleware:
    """Middleware: gives every request an id and every response its headers, and masks exceptions as a 500."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["request_id"] = _request_id(scope)
        started = False

        async def send_wrapper(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode()), *RESPONSE_HEADERS]
            await send(message)

        try:
            await self._app(scope, receive, send_wrapper)
        except Exception as error:  # noqa: BLE001 - the last place that can log an error without its values
            log_exception("fault", error, request_id=request_id)
            if not started:
                response = await _internal_server_error(Request(scope), error)
                await response(scope, receive, send_wrapper)


async def _internal_server_error(request: Request, fault: Exception) -> Response:
    """The masked answer to a fault, which was or will be logged by `RequestIdMiddleware`; 503 to an outage."""
    unavailable = isinstance(fault, DatabaseUnavailable)
    status, headers = (503, RETRY_AFTER) if unavailable else (500, {})
    message = UNAVAILABLE_MESSAGE if unavailable else INTERNAL_ERROR_MESSAGE
    body: dict[str, Any]
    if request.url.path.startswith("/oauth/"):
        # RFC 6749 has no errors of its own for these at the token endpoint; its section 4.1.2.1 names both.
        error = "temporarily_unavailable" if unavailable else "server_error"
        body = {"error": error, "error_description": message}
    else:
        code = UNAVAILABLE if unavailable else "INTERNAL_SERVER_ERROR"
        body = {"errors": [{"message": message, "extensions": {"code": code}}]}
    return JSONResponse(body, status, {**headers, "Cache-Control": "no-store"})


def _request_id(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    return given if REQUEST_ID.fullmatch(given) else new_id().hex
