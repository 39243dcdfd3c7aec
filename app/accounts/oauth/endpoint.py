"""OAuth token endpoint (RFC 6749, section 3.2) with four grants, and token revocation (RFC 7009).

Implemented here because the common server libraries are synchronous and accept an assertion twice. The tests run
OAuth client libraries against it.
"""

from typing import Any
from uuid import UUID

from app.accounts.oauth import assertions, clients
from app.accounts.oauth.assertions import JWT_BEARER
from app.accounts.oauth.clients import Client
from app.accounts.oauth.customer_grants import CustomerGrants
from app.accounts.oauth.errors import InvalidGrant, OAuthError
from app.accounts.oauth.requests import OAuthRequest
from app.accounts.oauth.token_response import TokenResponse
from app.accounts.organizations.last_used import LastUsedTracker
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.service import EndReason, LoginSessions, end
from app.platform.audit.log import Action, record
from app.platform.clock import now
from app.platform.limits.rates import RateLimits
from app.platform.principal import CallerKind, Scope
from app.platform.vault.vault import Store

GRANT_TYPES = ("client_credentials", "password", "refresh_token", JWT_BEARER)
TOKEN_PATH = "/oauth/token"


class TokenEndpoint:
    """Issues and revokes tokens of API clients, and of customers through them."""

    def __init__(
        self,
        store: Store,
        login_sessions: LoginSessions,
        hasher: PasswordHasher,
        guessing: GuessingPolicy,
        limits: RateLimits,
        last_used: LastUsedTracker,
        *,
        issuer: str,
    ) -> None:
        """Assertions must have `issuer` or the URL of the token endpoint as their audience."""
        self._store = store
        self._login_sessions = login_sessions
        self._customer_grants = CustomerGrants(store, login_sessions, hasher, guessing, limits)
        self._last_used = last_used
        self._audiences = [issuer + TOKEN_PATH, issuer]

    async def issue_token(self, request: OAuthRequest) -> TokenResponse:
        """Issue tokens for the grant of a request; raise `OAuthError`."""
        grant_type = request.require("grant_type")
        if grant_type not in GRANT_TYPES:
            raise OAuthError("unsupported_grant_type", f"Use one of {', '.join(GRANT_TYPES)}.")
        if grant_type == JWT_BEARER:
            return await self._jwt_bearer_grant(request)
        client = await self._authenticate(request)
        if grant_type == "password":
            return await self._customer_grants.password_grant(request, client)
        if grant_type == "refresh_token":
            return await self._customer_grants.refresh_token_grant(request, client)
        return await self._client_credentials_grant(request, client)

    async def revoke(self, request: OAuthRequest) -> None:
        """End the session of an access or refresh token (RFC 7009); both are refused from the next request on.

        A token that is unknown, revoked, expired or of another organization is not an error. Raise `InvalidGrant` for a
        token of another client, and what client authentication raises.
        """
        client = await self._authenticate(request)
        token = request.require("token")
        async with self._store.database.transaction() as session:
            row = await self._login_sessions.lock_by_token(session, organization_id=client.organization_id, token=token)
            if row is None:
                return
            if row.client_id != client.id:
                raise InvalidGrant("The token was issued to another client.")
            await end(
                session,
                organization_id=client.organization_id,
                owner_id=row.owner_id,
                session_id=row.id,
                reason=EndReason.TOKEN_REVOKED,
            )
            origin = client.origin(request)
            record(session, origin, Action.SESSION_ENDED, customer_id=row.customer_id, object_id=row.id)

    async def _authenticate(self, request: OAuthRequest) -> Client:
        client = await clients.authenticate(self._store, request)
        self._last_used.touch(client.id)
        return client

    async def _client_credentials_grant(self, request: OAuthRequest, client: Client) -> TokenResponse:
        if not client.confidential:
            raise OAuthError("unauthorized_client", "A publishable client has no credentials to get a token for.")
        return await self._issue(request, client, _granted_scopes(client, request))

    async def _jwt_bearer_grant(self, request: OAuthRequest) -> TokenResponse:
        text = request.require("assertion")
        has_client_credentials = request.authorization or "client_id" in request.form
        authenticated_client = await self._authenticate(request) if has_client_credentials else None
        assertion = await assertions.verify(self._store, text, audiences=self._audiences)
        if authenticated_client is not None and authenticated_client.id != assertion.client.id:
            raise InvalidGrant("The assertion was made by another client.")
        self._last_used.touch(assertion.client.id)
        scopes = _granted_scopes(assertion.client, request)
        return await self._issue(request, assertion.client, scopes, assertion=assertion)

    async def _issue(
        self,
        request: OAuthRequest,
        client: Client,
        scopes: frozenset[Scope],
        *,
        assertion: assertions.Assertion | None = None,
    ) -> TokenResponse:
        staff_id: UUID | None = assertion.subject if assertion else None
        custom_claim: dict[str, Any] | None = assertion.custom_claim if assertion else None
        kind = CallerKind.STAFF if assertion else CallerKind.INTEGRATION
        async with self._store.database.transaction() as session:
            if assertion is not None:
                await assertions.use_once(session, self._store, assertion)
            token, expires = await self._login_sessions.start_for_client(
                session,
                organization_id=client.organization_id,
                client_id=client.id,
                staff_id=staff_id,
                scopes=scopes,
                custom_claim=custom_claim,
            )
            record(session, client.origin(request, kind=kind, scopes=scopes, staff_id=staff_id), Action.TOKEN_ISSUED)
        lifetime = int((expires - now()).total_seconds())
        return TokenResponse(token, lifetime, " ".join(sorted(scope.value for scope in scopes)))


def _granted_scopes(client: Client, request: OAuthRequest) -> frozenset[Scope]:
    allowed = set(client.scopes.split())
    requested = set(request.form.get("scope", client.scopes).split())
    if not requested <= allowed:
        raise OAuthError("invalid_scope", "The client does not have all of these scopes.")
    return frozenset(Scope(scope) for scope in requested)
