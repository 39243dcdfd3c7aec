"""Middleware: resolves the client address and applies the per-source rate limit."""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.platform.limits.rates import RateLimitExceeded, RateLimits, headers
from app.platform.limits.sources import SourceResolver

SOURCE_KEY = "source"


class SourceRateLimit:
    """Adds the source's fingerprint to the scope, counts requests by source, sets rate-limit headers."""

    def __init__(
        self,
        app: ASGIApp,
        limits: RateLimits,
        sources: SourceResolver,
        *,
        limited_paths: Collection[str],
        token_paths: Collection[str],
    ) -> None:
        """Wrap `app`: count requests to `limited_paths`; `token_paths` have the tighter limit of credentials."""
        self._app = app
        self._limits = limits
        self._sources = sources
        self._limited_paths = frozenset({*limited_paths, *token_paths})
        self._token_paths = frozenset(token_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        peer = scope["client"][0] if scope.get("client") else None
        scope[SOURCE_KEY] = self._sources.fingerprint(peer, Headers(scope=scope).getlist("x-forwarded-for"))
        if scope["path"] not in self._limited_paths:
            await self._app(scope, receive, send)
            return
        try:
            limit_status = await self._limits.count_source(scope[SOURCE_KEY])
            if scope["path"] in self._token_paths:
                limit_status = await self._limits.admit_token_request(scope[SOURCE_KEY])
        except RateLimitExceeded as exceeded:
            await too_many_requests(exceeded, scope["path"])(scope, receive, send)
            return
        rate_limit_headers = headers(limit_status)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                response_headers = MutableHeaders(scope=message)
                # Headers set by an inner layer describe a narrower limit.
                if "ratelimit" not in response_headers:
                    response_headers.update(rate_limit_headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def retry_message(exceeded: RateLimitExceeded) -> str:
    """The message of the error."""
    return f"Too many requests. Wait {exceeded.limit_status.reset_seconds} s and try again."


def retry_extensions(exceeded: RateLimitExceeded) -> dict[str, object]:
    """The same for programs, in the error's `extensions`."""
    return {"retryAfterSeconds": exceeded.limit_status.reset_seconds}


def too_many_requests(exceeded: RateLimitExceeded, path: str) -> Response:
    """The response 429 (RFC 6585), in the error format that clients of this path read."""
    rate_limit_headers = headers(exceeded.limit_status) | {"Cache-Control": "no-store"}
    if path.startswith("/oauth/"):
        # RFC 6749 has no error of its own for this at the token endpoint.
        return JSONResponse(
            {"error": "temporarily_unavailable", "error_description": retry_message(exceeded)},
            429,
            headers=rate_limit_headers,
        )
    error = {"message": retry_message(exceeded), "extensions": {"code": "RATE_LIMITED", **retry_extensions(exceeded)}}
    return JSONResponse({"errors": [error]}, 429, headers=rate_limit_headers)
