"""Tokens of customers: for name and password (RFC 6749, section 4.3), and again for a refresh token (section 6)."""

from app.accounts.login import Attempt, LoggedIn, log_in
from app.accounts.notices import tell_of_replay
from app.accounts.oauth.clients import Client
from app.accounts.oauth.errors import InvalidGrant, OAuthError
from app.accounts.oauth.grants import Grant
from app.accounts.oauth.requests import Request
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.service import Sessions, TokenPair
from app.identity.sessions.tokens import TokenInvalid
from app.platform.audit.log import Action, record
from app.platform.clock import now
from app.platform.errors import AppError, RateLimited
from app.platform.vault.vault import Store


class CustomerGrants:
    """What a client gets for a customer who trusts it."""

    def __init__(self, store: Store, sessions: Sessions, hasher: PasswordHasher, guessing: GuessingPolicy) -> None:
        """Log in with the same story, and the same cost, as the mutation `login`."""
        self._store = store
        self._sessions = sessions
        self._hasher = hasher
        self._guessing = guessing

    async def by_password(self, request: Request, client: Client) -> Grant:
        """A new session; raise `OAuthError`."""
        attempt = Attempt(client.origin(request), request.need("username"), request.need("password"), client.id)
        _no_scope(request)
        try:
            async with self._store.database.transaction() as session:
                outcome = await log_in(
                    session, self._store, self._hasher, self._sessions, attempt, guessing=self._guessing
                )
        except AppError as error:
            raise refusal(error) from None
        if isinstance(outcome, LoggedIn):
            return _grant(outcome.tokens)
        raise refusal(outcome)

    async def by_refresh_token(self, request: Request, client: Client) -> Grant:
        """New tokens of the same session; raise `OAuthError`. A replay ends the session."""
        token = request.need("refresh_token")
        _no_scope(request)
        try:
            async with self._store.database.transaction() as session:
                outcome = await self._sessions.refresh(
                    session, organization_id=client.organization_id, token=token, client_id=client.id
                )
                action = Action.SESSION_REFRESHED if outcome.tokens else Action.SESSION_REPLAYED
                origin = client.origin(request)
                record(session, origin, action, customer_id=outcome.customer_id, object_id=outcome.session_id)
                if outcome.tokens is None:
                    shop = origin.principal.organization
                    await tell_of_replay(session, self._store.vault, shop, customer_id=outcome.customer_id)
        except AppError as error:
            raise refusal(error) from None
        if outcome.tokens is None:
            raise refusal(TokenInvalid())
        return _grant(outcome.tokens)


def _no_scope(request: Request) -> None:
    if "scope" in request.form:
        raise OAuthError("invalid_scope", "Tokens of customers have no scopes: leave the parameter scope away.")


def refusal(error: AppError) -> OAuthError:
    """An expected failure in the words of OAuth."""
    if isinstance(error, RateLimited):
        seconds = str(error.retry_after_seconds)
        return OAuthError("temporarily_unavailable", error.message, 429, Retry_After=seconds)
    return InvalidGrant(error.message)


def _grant(tokens: TokenPair) -> Grant:
    lifetime = int((tokens.access_token_expires_at - now()).total_seconds())
    return Grant(tokens.access_token, lifetime, refresh_token=tokens.refresh_token)
