"""OAuth grants for customers: resource owner password (RFC 6749, section 4.3) and refresh token (section 6)."""

from app.accounts import refreshing
from app.accounts.login import LoginAttempt, LoginSuccess, log_in
from app.accounts.oauth.clients import Client
from app.accounts.oauth.errors import InvalidGrant, OAuthError
from app.accounts.oauth.requests import OAuthRequest
from app.accounts.oauth.token_response import TokenResponse
from app.accounts.refreshing import RefreshRequest
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.service import LoginSessions, TokenPair
from app.identity.sessions.tokens import TokenInvalid
from app.platform.clock import now
from app.platform.errors import AppError, RateLimited
from app.platform.limits.rates import RateLimits
from app.platform.vault.vault import Store


class CustomerGrants:
    """Issues tokens to a client on behalf of a customer."""

    def __init__(
        self,
        store: Store,
        login_sessions: LoginSessions,
        hasher: PasswordHasher,
        guessing: GuessingPolicy,
        limits: RateLimits,
    ) -> None:
        """Use the same login flow, guess limits and cost as the mutation `login`."""
        self._store = store
        self._login_sessions = login_sessions
        self._hasher = hasher
        self._guessing = guessing
        self._limits = limits

    async def password_grant(self, request: OAuthRequest, client: Client) -> TokenResponse:
        """Start a session; raise `OAuthError`."""
        attempt = LoginAttempt(
            client.origin(request),
            request.require("username"),
            request.require("password"),
            client.id,
            # A server sends many customers' passwords; of a client that everybody can be, the source counts.
            counts_source=not client.confidential,
        )
        _no_scope(request)
        try:
            async with self._store.database.transaction() as session:
                outcome = await log_in(
                    session, self._store, self._hasher, self._login_sessions, attempt, guessing=self._guessing
                )
        except AppError as error:
            raise oauth_error(error) from None
        if isinstance(outcome, LoginSuccess):
            return _token_response(outcome.tokens)
        raise oauth_error(outcome)

    async def refresh_token_grant(self, request: OAuthRequest, client: Client) -> TokenResponse:
        """Issue new tokens for the same session; raise `OAuthError`. A replay ends the session."""
        token = request.require("refresh_token")
        _no_scope(request)
        refresh_request = RefreshRequest(client.origin(request), token, client.id)
        try:
            async with self._store.database.transaction() as session:
                outcome = await refreshing.refresh(
                    session, self._store.vault, self._login_sessions, self._limits, refresh_request
                )
        except AppError as error:
            raise oauth_error(error) from None
        if outcome.tokens is None:
            raise oauth_error(TokenInvalid())
        return _token_response(outcome.tokens)


def _no_scope(request: OAuthRequest) -> None:
    if "scope" in request.form:
        raise OAuthError("invalid_scope", "Tokens of customers have no scopes: leave the parameter scope away.")


def oauth_error(error: AppError) -> OAuthError:
    """The OAuth error for an expected failure: 429 with `Retry-After` for `RateLimited`, else `invalid_grant`."""
    if isinstance(error, RateLimited):
        seconds = str(error.retry_after_seconds)
        return OAuthError("temporarily_unavailable", str(error), 429, Retry_After=seconds)
    return InvalidGrant(str(error))


def _token_response(tokens: TokenPair) -> TokenResponse:
    lifetime = int((tokens.access_token_expires_at - now()).total_seconds())
    return TokenResponse(tokens.access_token, lifetime, refresh_token=tokens.refresh_token)
