"""What every request passes first: where it comes from is found out, and a flood ends here."""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.platform.limits.rates import Exceeded, RateLimits, headers
from app.platform.limits.sources import Sources

SOURCE = "source"


class Doorstep:
    """Puts the fingerprint of the source into the scope, counts requests by it, and tells limits on every answer."""

    def __init__(
        self, app: ASGIApp, limits: RateLimits, sources: Sources, *, counted: Collection[str], tokens: Collection[str]
    ) -> None:
        """Stand before `app`; count requests for the paths `counted`, and hold `tokens` to the limit of secrets."""
        self._app = app
        self._limits = limits
        self._sources = sources
        self._counted = frozenset({*counted, *tokens})
        self._tokens = frozenset(tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        peer = scope["client"][0] if scope.get("client") else None
        scope[SOURCE] = self._sources.of(peer, Headers(scope=scope).getlist("x-forwarded-for"))
        if scope["path"] not in self._counted:
            await self._app(scope, receive, send)
            return
        try:
            standing = await self._limits.knock(scope[SOURCE])
            if scope["path"] in self._tokens:
                standing = await self._limits.admit_token_request(scope[SOURCE])
        except Exceeded as exceeded:
            await refusal(exceeded, scope["path"])(scope, receive, send)
            return
        told = headers(standing)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                # What was counted later is narrower, and was told already.
                if "ratelimit" not in sent:
                    sent.update(told)
            await send(message)

        await self._app(scope, receive, answer)


def message(exceeded: Exceeded) -> str:
    """What to do next."""
    return f"Too many requests. Wait {exceeded.standing.seconds} s and try again."


def refusal(exceeded: Exceeded, path: str) -> Response:
    """The answer 429 (RFC 6585), in the form that clients of this path read errors in."""
    told = headers(exceeded.standing) | {"Cache-Control": "no-store"}
    if path.startswith("/oauth/"):
        # RFC 6749 has no error of its own for this at the token endpoint.
        return JSONResponse(
            {"error": "temporarily_unavailable", "error_description": message(exceeded)}, 429, headers=told
        )
    error = {"message": message(exceeded), "extensions": {"code": "RATE_LIMITED"}}
    return JSONResponse({"errors": [error]}, 429, headers=told)
