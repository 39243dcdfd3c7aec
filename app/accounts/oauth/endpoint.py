"""The token endpoint (RFC 6749, section 3.2) and its four grants.

Own code, as the known libraries are synchronous and accept an assertion twice; their clients prove it in the tests.
"""

from typing import Any
from uuid import UUID

from app.accounts.oauth import assertions, clients
from app.accounts.oauth.assertions import JWT_BEARER
from app.accounts.oauth.clients import Client
from app.accounts.oauth.customers import CustomerGrants
from app.accounts.oauth.errors import InvalidGrant, OAuthError
from app.accounts.oauth.grants import Grant
from app.accounts.oauth.requests import Request
from app.accounts.organizations.last_uses import LastUses
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.service import EndReason, Sessions, end
from app.platform.audit.log import Action, record
from app.platform.clock import now
from app.platform.principal import CallerKind, Scope
from app.platform.vault.vault import Store

GRANT_TYPES = ("client_credentials", "password", "refresh_token", JWT_BEARER)
TOKEN_PATH = "/oauth/token"


class TokenEndpoint:
    """Issues tokens to API clients, and to customers through them, and takes them back."""

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        hasher: PasswordHasher,
        guessing: GuessingPolicy,
        uses: LastUses,
        *,
        issuer: str,
    ) -> None:
        """Assertions must name `issuer`, or the endpoint's own address, as their audience."""
        self._store = store
        self._sessions = sessions
        self._customers = CustomerGrants(store, sessions, hasher, guessing)
        self._uses = uses
        self._audiences = [issuer + TOKEN_PATH, issuer]

    async def grant(self, request: Request) -> Grant:
        """The token for a request; raise `OAuthError`."""
        grant_type = request.need("grant_type")
        if grant_type not in GRANT_TYPES:
            raise OAuthError("unsupported_grant_type", f"Use one of {', '.join(GRANT_TYPES)}.")
        if grant_type == JWT_BEARER:
            return await self._by_assertion(request)
        client = await self._authenticated(request)
        if grant_type == "password":
            return await self._customers.by_password(request, client)
        if grant_type == "refresh_token":
            return await self._customers.by_refresh_token(request, client)
        return await self._by_credentials(request, client)

    async def revoke(self, request: Request) -> None:
        """End the session of an access or refresh token (RFC 7009): both are dead at the next request.

        A token that is unknown, dead or of another organization is no error; raise `InvalidGrant` for a token of
        another client, and what client authentication raises.
        """
        client = await self._authenticated(request)
        token = request.need("token")
        async with self._store.database.transaction() as session:
            row = await self._sessions.issued(session, organization_id=client.organization_id, token=token)
            if row is None:
                return
            if row.client_id != client.id:
                raise InvalidGrant("The token was issued to another client.")
            await end(
                session,
                organization_id=client.organization_id,
                session_id=row.id,
                reason=EndReason.TOKEN_REVOKED,
            )
            origin = client.origin(request)
            record(session, origin, Action.SESSION_ENDED, customer_id=row.customer_id, object_id=row.id)

    async def _authenticated(self, request: Request) -> Client:
        client = await clients.authenticated(self._store, request)
        self._uses.note(client.id)
        return client

    async def _by_credentials(self, request: Request, client: Client) -> Grant:
        if not client.confidential:
            raise OAuthError("unauthorized_client", "A publishable client has no credentials to get a token for.")
        return await self._issue(request, client, _granted(client, request))

    async def _by_assertion(self, request: Request) -> Grant:
        text = request.need("assertion")
        named = request.authorization or "client_id" in request.form
        authenticated = await self._authenticated(request) if named else None
        assertion = await assertions.verify(self._store, text, audiences=self._audiences)
        if authenticated is not None and authenticated.id != assertion.client.id:
            raise InvalidGrant("The assertion was made by another client.")
        self._uses.note(assertion.client.id)
        scopes = _granted(assertion.client, request)
        return await self._issue(request, assertion.client, scopes, assertion=assertion)

    async def _issue(
        self,
        request: Request,
        client: Client,
        scopes: frozenset[Scope],
        *,
        assertion: assertions.Assertion | None = None,
    ) -> Grant:
        staff_id: UUID | None = assertion.subject if assertion else None
        custom_claim: dict[str, Any] | None = assertion.custom_claim if assertion else None
        kind = CallerKind.STAFF if assertion else CallerKind.INTEGRATION
        async with self._store.database.transaction() as session:
            if assertion is not None:
                await assertions.use_once(session, self._store, assertion)
            token, expires = await self._sessions.start_for_client(
                session,
                organization_id=client.organization_id,
                client_id=client.id,
                staff_id=staff_id,
                scopes=scopes,
                custom_claim=custom_claim,
            )
            record(session, client.origin(request, kind=kind, scopes=scopes, staff_id=staff_id), Action.TOKEN_ISSUED)
        lifetime = int((expires - now()).total_seconds())
        return Grant(token, lifetime, " ".join(sorted(scope.value for scope in scopes)))


def _granted(client: Client, request: Request) -> frozenset[Scope]:
    owned = set(client.scopes.split())
    wanted = set(request.form.get("scope", client.scopes).split())
    if not wanted <= owned:
        raise OAuthError("invalid_scope", "The client does not have all of these scopes.")
    return frozenset(Scope(scope) for scope in wanted)
