"""The OAuth 2 token endpoint: client credentials (RFC 6749, 4.4) and JWT assertions (RFC 7523).

Own code, as the known libraries are synchronous and accept an assertion twice; their clients prove it in the tests.
"""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote_plus
from uuid import UUID

import jwt
from sqlalchemy import bindparam, select
from sqlmodel import col

from app.audit.log import Action, record
from app.clock import now
from app.db.claims import claim
from app.db.reading import Read
from app.organizations.callers import key_hash
from app.organizations.service import ClientKind
from app.organizations.tables import ApiClient, Organization, UsedAssertion
from app.principal import CallerKind, Origin, Principal, Scope
from app.principal import Organization as Shop
from app.sessions.service import Sessions
from app.staff import repository as staff
from app.vault.vault import Store

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_MAX = 4096
ASSERTION_ALGORITHMS = ["EdDSA", "ES256", "RS256"]
ASSERTION_LIFETIME = timedelta(minutes=10)
LEEWAY_SECONDS = 30


class OAuthError(Exception):
    """An error answer of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        """Answer `error` with a text for the developer of the client."""
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


class InvalidClient(OAuthError):
    """Client authentication failed: an unknown client and a wrong secret look the same."""

    def __init__(self) -> None:
        """Answer 401, as RFC 6749 asks where the client used the Authorization header."""
        super().__init__("invalid_client", "Unknown client, or wrong secret.", 401)


@dataclass(frozen=True, slots=True)
class Grant:
    """A token response (RFC 6749, section 5.1)."""

    access_token: str
    expires_in: int
    scope: str


class _Client(NamedTuple):
    id: UUID
    organization_id: UUID
    key_hash: bytes
    scopes: str
    public_key: str | None
    slug: str
    name: str


_CLIENT = Read(
    select(*(getattr(ApiClient, name) for name in _Client._fields[:-2]), col(Organization.slug), col(Organization.name))
    .join(Organization, col(Organization.id) == col(ApiClient.organization_id))
    .where(
        col(ApiClient.id) == bindparam("client_id"),
        col(ApiClient.kind) == ClientKind.CONFIDENTIAL.value,
        col(ApiClient.revoked_at).is_(None),
    ),
    _Client._make,
)


@dataclass(frozen=True, slots=True)
class Request:
    """A token request: the form, the Authorization header, and where it came from."""

    form: Mapping[str, str]
    authorization: str | None
    request_id: str
    source: bytes


class TokenEndpoint:
    """Issues access tokens to confidential clients."""

    def __init__(self, store: Store, sessions: Sessions, *, url: str) -> None:
        """`url` is the endpoint's own, the audience that assertions must name."""
        self._store = store
        self._sessions = sessions
        self._url = url

    async def grant(self, request: Request) -> Grant:
        """The token for a request; raise `OAuthError`."""
        grant_type = request.form.get("grant_type")
        if not grant_type:
            raise OAuthError("invalid_request", "The parameter grant_type is missing.")
        if grant_type == "client_credentials":
            client = await self._authenticated(request)
            return await self._issue(request, client, staff_id=None, custom_claim=None)
        if grant_type == JWT_BEARER:
            return await self._by_assertion(request)
        raise OAuthError("unsupported_grant_type", "Use client_credentials or jwt-bearer.")

    async def _authenticated(self, request: Request) -> _Client:
        client_id, secret = _credentials(request)
        client = await self._client(client_id)
        if client is None or not hmac.compare_digest(client.key_hash, key_hash(self._store, secret)):
            raise InvalidClient
        return client

    async def _client(self, client_id: str) -> _Client | None:
        try:
            return await self._store.database.row(_CLIENT, client_id=UUID(client_id))
        except ValueError:
            return None

    async def _by_assertion(self, request: Request) -> Grant:
        assertion = request.form.get("assertion", "")
        if not 0 < len(assertion) <= ASSERTION_MAX:
            raise OAuthError("invalid_request", f"The parameter assertion is missing, or over {ASSERTION_MAX} bytes.")
        if request.authorization or "client_id" in request.form:
            authenticated = (await self._authenticated(request)).id
        else:
            authenticated = None
        client, claims = await self._verified(assertion)
        if authenticated not in {None, client.id}:
            raise OAuthError("invalid_grant", "The assertion was made by another client.")
        staff_id = await self._staff(client, claims)
        await self._use_once(client, claims)
        custom_claim = claims.get("custom_claim")
        return await self._issue(
            request, client, staff_id=staff_id, custom_claim=custom_claim if isinstance(custom_claim, dict) else None
        )

    async def _verified(self, assertion: str) -> tuple[_Client, dict[str, Any]]:
        refused = OAuthError("invalid_grant", "The assertion is not valid: check key, iss, sub, aud, exp and jti.")
        try:
            unverified = jwt.decode(assertion, options={"verify_signature": False})
            client = await self._client(str(unverified.get("iss")))
            if client is None or client.public_key is None:
                raise refused
            claims: dict[str, Any] = jwt.decode(
                assertion,
                client.public_key,
                algorithms=ASSERTION_ALGORITHMS,
                audience=self._url,
                issuer=str(unverified["iss"]),
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "sub", "aud", "exp", "jti"]},
            )
            expires = _moment(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError):
            raise refused from None
        if expires > now() + ASSERTION_LIFETIME:
            raise OAuthError("invalid_grant", "The assertion is valid for more than ten minutes.")
        return client, claims

    async def _staff(self, client: _Client, claims: Mapping[str, Any]) -> UUID:
        try:
            staff_id = UUID(str(claims["sub"]))
        except ValueError:
            staff_id = UUID(int=0)
        found = await staff.by_ids(self._store, client.organization_id, [staff_id])
        if found[0] is None:
            raise OAuthError("invalid_grant", "The subject is not a staff member of the client's organization.")
        return staff_id

    async def _use_once(self, client: _Client, claims: Mapping[str, Any]) -> None:
        hashed = self._store.vault.fingerprints.of("assertion", str(claims["jti"]))
        expires_at = _moment(claims["exp"]) + timedelta(seconds=LEEWAY_SECONDS)
        async with self._store.database.transaction() as session:
            first = await claim(session, UsedAssertion, client_id=client.id, jti_hash=hashed, expires_at=expires_at)
        if not first:
            raise OAuthError("invalid_grant", "The assertion was used before.")

    async def _issue(
        self, request: Request, client: _Client, *, staff_id: UUID | None, custom_claim: dict[str, Any] | None
    ) -> Grant:
        scopes = _granted(client, request.form.get("scope"))
        principal = Principal(
            kind=CallerKind.STAFF if staff_id else CallerKind.INTEGRATION,
            organization=Shop(client.organization_id, client.slug, client.name),
            scopes=scopes,
            client_id=client.id,
            staff_id=staff_id,
        )
        async with self._store.database.transaction() as session:
            token, expires = await self._sessions.start_for_client(
                session,
                organization_id=client.organization_id,
                client_id=client.id,
                staff_id=staff_id,
                scopes=scopes,
                custom_claim=custom_claim,
            )
            record(session, Origin(principal, request.request_id, request.source, ""), Action.TOKEN_ISSUED)
        lifetime = int((expires - now()).total_seconds())
        return Grant(token, lifetime, " ".join(sorted(scope.value for scope in scopes)))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)


def _granted(client: _Client, requested: str | None) -> frozenset[Scope]:
    owned = set(client.scopes.split())
    wanted = set((requested or client.scopes).split())
    if not wanted <= owned:
        raise OAuthError("invalid_scope", "The client does not have all of these scopes.")
    return frozenset(Scope(scope) for scope in wanted)


def _credentials(request: Request) -> tuple[str, str]:
    if request.authorization is None:
        client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    elif "client_secret" in request.form:
        raise OAuthError("invalid_request", "Send the client's secret in one place only.")
    else:
        client_id, secret = _basic(request.authorization)
    if not client_id or not secret:
        raise InvalidClient
    return client_id, secret


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except ValueError:  # not base64, not UTF-8, or not even ASCII
        raise InvalidClient from None
    client_id, separator, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not separator:
        raise InvalidClient
    # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
    return unquote_plus(client_id), unquote_plus(secret)
