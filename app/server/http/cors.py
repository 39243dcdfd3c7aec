"""CORS middleware (Fetch standard): pages of the origins that an organization lists may read responses.

Credentials, which are session cookies, are allowed for listed origins of organizations with cookie sessions only. Any
other page can use only the keys and tokens that its own script has.
"""

import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.accounts.organizations.cors_origins import AllowedOrigins
from app.platform.principal import Organization

# The handler sets this scope key when it has resolved the organization.
ORGANIZATION = "organization"
LOCALHOST_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")
ALLOWED_METHODS = "GET, POST"
# Ours, and what the libraries of storefronts add to every request by themselves: one name missing stops whole pages.
HEADER_NAMES = (
    "accept-language",
    "authorization",
    "content-type",
    "x-api-key",
    "x-device-token",
    "x-patron-cost",
    "x-request-id",
    "x-session",
    # Apollo Client, Apollo iOS and Kotlin, urql, Relay
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "graphql-client-name",
    "graphql-client-version",
    "x-apollo-operation-id",
    "x-apollo-operation-name",
    "x-apollo-operation-type",
    "x-graphql-client-name",
    "x-graphql-client-version",
    # W3C Trace Context and Baggage, as OpenTelemetry sends them; Sentry, Datadog, New Relic, B3
    "baggage",
    "b3",
    "newrelic",
    "sentry-trace",
    "traceparent",
    "tracestate",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-tags",
    "x-datadog-trace-id",
    "x-requested-with",
)
ALLOWED_HEADERS = ", ".join(HEADER_NAMES)
VARY = (b"vary", b"Origin")
CREDENTIALS = (b"access-control-allow-credentials", b"true")
EXPOSE = (
    b"access-control-expose-headers",
    b"RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
    b"WWW-Authenticate, X-Request-Id, X-Api-Version",
)
PREFLIGHT_SECONDS = "600"


class CorsMiddleware:
    """Answers preflights, and allows listed origins to read the responses of its paths.

    Which origins are allowed:

        request                        allowed origins
        preflight (no organization)    those of all organizations
        any other                      those of the organization it belongs to; of all while that is unknown
        in `development`               also every origin on this machine

    Credentials are allowed for those of them that belong to an organization with cookie sessions, and for no others.
    """

    def __init__(self, app: ASGIApp, origins: AllowedOrigins, *, paths: Collection[str], development: bool) -> None:
        """Wrap `app`."""
        self._app = app
        self._origins = origins
        self._paths = frozenset(paths)
        self._development = development

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is a preflight."""
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if scope["method"] == "OPTIONS" and origin is not None and "access-control-request-method" in headers:
            await (await self._preflight(origin))(scope, receive, send)
            return

        async def send_wrapper(message: Message) -> None:
            if message["type"] == "http.response.start":
                cors_headers = [VARY]
                if origin is not None and await self._allows(origin, scope.get(ORGANIZATION)):
                    cors_headers += [(b"access-control-allow-origin", origin.encode("latin-1")), EXPOSE]
                    if await self._allows_credentials(origin, scope.get(ORGANIZATION)):
                        cors_headers.append(CREDENTIALS)
                message["headers"] = [*message["headers"], *cors_headers]
            await send(message)

        await self._app(scope, receive, send_wrapper)

    async def _preflight(self, origin: str) -> Response:
        headers = {"Vary": "Origin"}
        if await self._allows(origin, None):
            headers |= {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Methods": ALLOWED_METHODS,
                "Access-Control-Allow-Headers": ALLOWED_HEADERS,
                "Access-Control-Max-Age": PREFLIGHT_SECONDS,
            }
            if await self._allows_credentials(origin, None):
                headers["Access-Control-Allow-Credentials"] = "true"
        return Response(status_code=204, headers=headers)

    async def _allows(self, origin: str, organization: Organization | None) -> bool:
        if self._development and LOCALHOST_ORIGIN.fullmatch(origin):
            return True
        if organization is not None:
            return origin in organization.settings.cors_origins
        return origin in await self._origins.all_origins()

    async def _allows_credentials(self, origin: str, organization: Organization | None) -> bool:
        if organization is not None:
            return organization.settings.cookie_sessions and origin in organization.settings.cors_origins
        return origin in await self._origins.with_cookies()
