"""The session cookie over HTTP (RFC 6265bis): its name and attributes, and whether a request may use one.

Decision 0026 has the tables: which requests a cookie counts in, what sets it, replaces it and ends it.
"""

from collections.abc import Sequence
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from app.accounts.organizations import cookie_callers
from app.accounts.organizations.callers import ApiKeyRefused, Caller
from app.accounts.organizations.cookie_callers import CookieHolder
from app.accounts.refreshing import refresh_cookie
from app.identity.sessions.service import LoginSessions
from app.identity.sessions.tokens import TokenExpired, TokenInvalid, TokenRevoked
from app.platform.clock import now
from app.platform.graphql.http import BadRequest
from app.platform.graphql.operations import Operation
from app.platform.graphql.session_cookie import SessionCookie
from app.platform.principal import CallerKind, Organization, Principal
from app.platform.settings import Settings
from app.platform.vault.vault import Store
from app.server.http import jsonp
from app.server.http.request_origins import request_origin

NAME = "__Host-patron"
PLAIN_NAME = "patron"
ASKING_HEADER = "x-session"
ASKED = "cookie"
# Where a request keeps what becomes of its cookie, until there is a response.
COOKIE = "session_cookie"


class OriginNotAllowed(BadRequest):
    """A mutation with a session cookie from a page that the organization does not list, or from nowhere."""

    def __init__(self) -> None:
        """Respond with 403."""
        super().__init__(
            403,
            "With a session cookie, send mutations from an origin in the organization's corsOrigins, or with X-Api-Key "
            "where there is no Origin.",
            "FORBIDDEN",
            extensions={"reason": "ORIGIN_NOT_ALLOWED"},
        )


class CookieSessionsOff(BadRequest):
    """A request that asks for a cookie where the organization has none."""

    def __init__(self) -> None:
        """Respond with 403."""
        super().__init__(
            403,
            "This organization has cookie sessions off: set cookieSessions, or send no X-Session.",
            "FORBIDDEN",
            extensions={"reason": "COOKIE_SESSIONS_OFF"},
        )


class SessionCookies:
    """Reads and sets the session cookie of requests.

    In development over plain HTTP the cookie is `patron` without `Secure`: not all browsers keep a `__Host-` cookie
    that came from `http://localhost`.
    """

    def __init__(self, settings: Settings, store: Store, login_sessions: LoginSessions) -> None:
        """Replace cookies that are older than an access token lives."""
        self._store = store
        self._login_sessions = login_sessions
        self._lifetime = timedelta(seconds=settings.access_token_lifetime)
        self._secure = not (settings.development and settings.public_url.startswith("http://"))
        self._name = NAME if self._secure else PLAIN_NAME

    def begin(self, request: Request) -> SessionCookie:
        """What the request has to do with the cookie; raise `BadRequest` for an `X-Session` that means nothing."""
        asking = request.headers.get(ASKING_HEADER)
        if asking not in {None, ASKED}:
            raise BadRequest(400, "The header X-Session must be cookie, or be left away.")
        cookie = request.scope[COOKIE] = SessionCookie(asked=asking == ASKED)
        return cookie

    async def resolve(self, request: Request, operation: Operation, cookie: SessionCookie) -> Caller | None:
        """Who the cookie says is calling; None where it does not count.

        Raise `BadRequest`, `ApiKeyRefused`, and `TokenRevoked` or `TokenExpired` for a dead cookie where guests may
        not ask.
        """
        token = self._sent(request)
        if token is None:
            return None
        key = request.headers.get("x-api-key")
        holder = await cookie_callers.find(self._store, key=key, cookie=token)
        if holder is None:
            cookie.clearable = True
            return None
        organization = holder.organization
        if (key and not holder.key_matches) or not organization.settings.cookie_sessions:
            return None
        if not is_from_listed_page(request, organization):
            if operation.kind == "mutation":
                raise OriginNotAllowed
            return None
        if not key and organization.settings.require_api_key:
            raise ApiKeyRefused
        cookie.clearable = cookie.authenticates = True
        try:
            await self._refresh(request, holder, token, cookie)
        except (TokenInvalid, TokenExpired) as refused:
            if not operation.open_to_guests:
                raise
            return holder.guest("TOKEN_REVOKED" if isinstance(refused, TokenRevoked) else refused.code.value)
        return await holder.caller(self._store)

    async def _refresh(self, request: Request, holder: CookieHolder, token: str, cookie: SessionCookie) -> None:
        """Replace the cookie when it is due. Raise `TokenRevoked`, `TokenInvalid` or `TokenExpired` for a dead one."""
        holder.require_alive()
        if not holder.is_due(self._lifetime):
            return
        origin = request_origin(request, Principal(CallerKind.GUEST, holder.organization))
        async with self._store.database.transaction() as session:
            result = await refresh_cookie(session, self._store.vault, self._login_sessions, origin, token)
        if result.ended_reason is not None:
            raise TokenRevoked
        if result.tokens is not None:
            cookie.set(result.tokens.refresh_token, result.tokens.refresh_token_expires_at)

    def _sent(self, request: Request) -> str | None:
        """The cookie's value; None for several, as no browser sends two, for a script's source, and beside a bearer."""
        headers = request.headers
        if "cookie" not in headers or "authorization" in headers or jsonp.PARAMETER in request.query_params:
            return None
        found = [value for name, value in _pairs(headers.getlist("cookie")) if name == self._name]
        return found[0] if len(found) == 1 and found[0] else None

    def apply(self, request: Request, response: Response) -> None:
        """Set, replace or clear the cookie in the response to a request."""
        cookie: SessionCookie | None = request.scope.get(COOKIE)
        change = cookie.change if cookie else None
        if change is None:
            return
        left = int((change.expires_at - now()).total_seconds()) if change.expires_at else 0
        response.set_cookie(
            self._name,
            change.token or "",
            max_age=max(0, left),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )


def require_asking_allowed(request: Request, operation: Operation, organization: Organization) -> None:
    """Raise `BadRequest` (403) for a mutation that asks for a cookie where there are none, or from elsewhere."""
    if operation.kind != "mutation":
        return
    if not organization.settings.cookie_sessions:
        raise CookieSessionsOff
    if not is_from_listed_page(request, organization):
        raise OriginNotAllowed


def is_from_listed_page(request: Request, organization: Organization) -> bool:
    """Whether a page of the organization sent this, or a program that knows its publishable key.

    Browsers send `Origin` with every request but a plain GET or HEAD, and a page cannot add `X-Api-Key` to one for
    another origin without a preflight, which brings `Origin` along (Fetch standard).
    """
    origin = request.headers.get("origin")
    if origin is None:
        return bool(request.headers.get("x-api-key"))
    return origin in organization.settings.cors_origins


def _pairs(headers: Sequence[str]) -> list[tuple[str, str]]:
    """The names and values of all cookies sent."""
    found = []
    for header in headers:
        for part in header.split(";"):
            name, _, value = part.partition("=")
            found.append((name.strip(), value.strip()))
    return found
