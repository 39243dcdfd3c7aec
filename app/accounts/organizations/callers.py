"""Resolution of the caller: one query reads the organization, the client or session, and the customer logged in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select
from sqlmodel import col

from app.accounts.organizations.tables import ApiClient, Organization
from app.customers.records import COLUMNS, CustomerRecord, CustomerRow, open_row
from app.customers.tables import Customer
from app.identity.sessions.tables import LoginSession
from app.identity.sessions.tokens import AccessTokens, TokenExpired, TokenInvalid, TokenRevoked
from app.platform.clock import now
from app.platform.db.reading import Read, columns
from app.platform.errors import AppError, ErrorCode
from app.platform.principal import CallerKind, DeadSession, OrganizationSettings, Principal, Scope
from app.platform.principal import Organization as PrincipalOrganization
from app.platform.vault.vault import Store

KEY_PURPOSE = "api-key"
KEY_MAX = 128


class ApiKeyRefused(AppError):
    """The publishable key is unknown, revoked, of another organization than the token, or required and absent."""

    code = ErrorCode.INVALID_CREDENTIALS
    message = "Send the organization's publishable key in the header X-Api-Key."


class OrganizationRow(NamedTuple):
    """The columns of an organization."""

    organization_id: UUID
    slug: str
    name: str
    settings: dict[str, Any]

    @property
    def principal_organization(self) -> PrincipalOrganization:
        """The organization, with its settings."""
        return PrincipalOrganization(
            self.organization_id, self.slug, self.name, OrganizationSettings.from_stored(self.settings)
        )


class LoginSessionRow(NamedTuple):
    """The columns of a login session, of its client, and the organization of the publishable key that was sent."""

    id: UUID
    kind: str
    client_id: UUID | None
    staff_id: UUID | None
    scopes: str
    ended_at: datetime | None
    expires_at: datetime
    client_revoked_at: datetime | None
    key_organization_id: UUID | None


class _KeyRow(NamedTuple):
    organization_id: UUID


class AuthenticatedRow(NamedTuple):
    """A login session with its organization, and its customer, whose columns are null for a client's."""

    organization: OrganizationRow
    login_session: LoginSessionRow
    customer: CustomerRow

    @classmethod
    def from_values(cls, values: Sequence[Any]) -> "AuthenticatedRow":
        """The row whose values are those of the three, one after the other."""
        return cls(
            OrganizationRow._make(values[:ORGANIZATION_END]),
            LoginSessionRow._make(values[ORGANIZATION_END:LOGIN_SESSION_END]),
            CustomerRow._make(values[LOGIN_SESSION_END:]),
        )


ORGANIZATION_END = len(OrganizationRow._fields)
LOGIN_SESSION_END = ORGANIZATION_END + len(LoginSessionRow._fields)
ORGANIZATION_COLUMNS: Sequence[Any] = (Organization.id, Organization.slug, Organization.name, Organization.settings)
_ACTIVE_KEY: Sequence[Any] = (
    or_(
        col(ApiClient.key_hash) == bindparam("key_hash"),
        and_(
            col(ApiClient.previous_key_hash) == bindparam("key_hash"),
            col(ApiClient.previous_key_until) > bindparam("moment"),
        ),
    ),
    col(ApiClient.kind) == "publishable",
    col(ApiClient.revoked_at).is_(None),
)

LOGIN_SESSION_COLUMNS: Sequence[Any] = (
    *(getattr(LoginSession, name) for name in LoginSessionRow._fields[:-2]),
    ApiClient.revoked_at,
    select(*columns(ApiClient, _KeyRow)).where(*_ACTIVE_KEY).correlate(None).scalar_subquery(),
)

_BY_KEY = Read(
    select(*ORGANIZATION_COLUMNS, col(ApiClient.id))
    .join(ApiClient, col(ApiClient.organization_id) == col(Organization.id))
    .where(*_ACTIVE_KEY),
    lambda values: (OrganizationRow._make(values[:ORGANIZATION_END]), values[ORGANIZATION_END]),
)
_BY_ID = Read(
    select(*ORGANIZATION_COLUMNS).where(col(Organization.id) == bindparam("organization_id")), OrganizationRow._make
)
_DEFAULT = Read(select(*ORGANIZATION_COLUMNS).where(col(Organization.is_default)), OrganizationRow._make)
_BY_LOGIN_SESSION = Read(
    select(*ORGANIZATION_COLUMNS, *LOGIN_SESSION_COLUMNS, *COLUMNS)
    .select_from(LoginSession)
    .join(Organization, col(Organization.id) == col(LoginSession.organization_id))
    .outerjoin(ApiClient, col(ApiClient.id) == col(LoginSession.client_id))
    # A client's session has an owner too, but no customer has a client's id.
    .outerjoin(Customer, col(Customer.id) == col(LoginSession.owner_id))
    .where(col(LoginSession.owner_id) == bindparam("owner_id"), col(LoginSession.id) == bindparam("session_id")),
    AuthenticatedRow.from_values,
)


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of a request, its API client, and the customer logged in, which was read in the same query."""

    principal: Principal
    customer: CustomerRecord | None = None
    client_id: UUID | None = None
    dead_session: DeadSession | None = None


async def resolve(store: Store, tokens: AccessTokens, *, key: str | None, bearer: str | None) -> Caller:
    """Resolve the caller from the publishable `key` and the access token `bearer` with a single query.

    Raise `ApiKeyRefused`, and `TokenInvalid`, `TokenRevoked` or `TokenExpired` for a token that opens nothing (any
    more).
    """
    digest = key_hash(store, key) if key else b""
    if bearer:
        return await _by_access_token(store, tokens, digest, bearer)
    return await _by_key(store, digest) if key else await _by_default(store)


async def resolve_guest(store: Store, tokens: AccessTokens, *, key: str | None, bearer: str | None) -> Caller:
    """The guest who sends a dead access token: what guests may do does not fail because of it.

    Without a key it is a guest of the organization that the token names, if the token is one of ours. Raise
    `ApiKeyRefused`.
    """
    claims = await tokens.verify_expired(bearer) if bearer else None
    if key:
        caller = await _by_key(store, key_hash(store, key))
    elif claims is not None:
        caller = await _by_organization(store, claims.organization_id)
    else:
        caller = await _by_default(store)
    if claims is None or claims.organization_id != caller.principal.organization.id:
        return caller
    return replace(caller, dead_session=DeadSession(claims.owner_id, claims.session_id))


async def _by_organization(store: Store, organization_id: UUID) -> Caller:
    row = await store.database.row(_BY_ID, organization_id=organization_id)
    if row is None or row.principal_organization.settings.require_api_key:
        raise ApiKeyRefused
    return Caller(Principal(CallerKind.GUEST, row.principal_organization))


async def _by_key(store: Store, digest: bytes) -> Caller:
    found = await store.database.row(_BY_KEY, key_hash=digest, moment=now())
    if found is None:
        raise ApiKeyRefused
    row, client_id = found
    return Caller(Principal(CallerKind.GUEST, row.principal_organization), client_id=client_id)


async def _by_default(store: Store) -> Caller:
    row = await store.database.row(_DEFAULT)
    if row is None or row.principal_organization.settings.require_api_key:
        raise ApiKeyRefused
    return Caller(Principal(CallerKind.GUEST, row.principal_organization))


async def _by_access_token(store: Store, tokens: AccessTokens, digest: bytes, bearer: str) -> Caller:
    claims = await tokens.verify(bearer)
    row = await store.database.row(
        _BY_LOGIN_SESSION, owner_id=claims.owner_id, session_id=claims.session_id, key_hash=digest, moment=now()
    )
    if row is None or row.organization.organization_id != claims.organization_id:
        raise TokenInvalid
    require_active(row.login_session)
    if row.login_session.key_organization_id != row.organization.organization_id and (digest or _requires_key(row)):
        raise ApiKeyRefused
    return await authenticated_caller(store, row, expires_at=claims.expires_at)


async def authenticated_caller(store: Store, row: AuthenticatedRow, *, expires_at: datetime) -> Caller:
    """The caller whose session was read, with a token that expires then."""
    customer = await _customer(store, row.customer)
    principal = Principal(
        kind=CallerKind(row.login_session.kind),
        organization=row.organization.principal_organization,
        scopes=frozenset(Scope(scope) for scope in row.login_session.scopes.split()),
        customer_id=row.customer.id,
        client_id=row.login_session.client_id,
        staff_id=row.login_session.staff_id,
        session_id=row.login_session.id,
        expires_at=expires_at,
        locale=customer.personal.locale if customer is not None else None,
    )
    return Caller(principal, customer, principal.client_id)


async def _customer(store: Store, row: CustomerRow) -> CustomerRecord | None:
    if row.id is None:
        return None
    ciphers = await store.vault.ciphers([row.id])
    return open_row(row, ciphers.get(row.id))


def require_active(login_session: LoginSessionRow) -> None:
    """Raise `TokenRevoked` or `TokenExpired` for a session that opens nothing any more."""
    if login_session.ended_at is not None or login_session.client_revoked_at is not None:
        raise TokenRevoked
    if login_session.expires_at <= now():
        raise TokenExpired


def _requires_key(row: AuthenticatedRow) -> bool:
    # A client authenticated with its secret to get its own token; the publishable key would add nothing.
    return (
        row.organization.principal_organization.settings.require_api_key
        and row.login_session.kind == CallerKind.CUSTOMER.value
    )


def key_hash(store: Store, key: str) -> bytes:
    """The keyed hash under which an API key or client secret is stored."""
    return store.vault.fingerprints.compute(KEY_PURPOSE, key[:KEY_MAX])
