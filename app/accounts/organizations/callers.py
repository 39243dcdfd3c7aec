"""Who is calling: one query finds the organization, the client or session, and the customer signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select
from sqlmodel import col

from app.accounts.organizations.tables import ApiClient, Organization
from app.customers.records import COLUMNS, CustomerRecord, CustomerRow, open_row
from app.customers.tables import Customer
from app.identity.sessions.tables import Session
from app.identity.sessions.tokens import AccessTokens, TokenInvalid
from app.platform.clock import now
from app.platform.db.reading import Read, columns
from app.platform.errors import AppError, ErrorCode
from app.platform.principal import CallerKind, OrganizationSettings, Principal, Scope
from app.platform.principal import Organization as Shop
from app.platform.vault.vault import Store

KEY_PURPOSE = "api-key"
KEY_MAX = 128


class KeyRefused(AppError):
    """The publishable key is wrong, revoked, of another organization than the token, or needed and absent."""

    code = ErrorCode.INVALID_CREDENTIALS
    message = "Send the organization's publishable key in the header X-Api-Key."


class _ShopRow(NamedTuple):
    organization_id: UUID
    slug: str
    name: str
    settings: dict[str, Any]

    @property
    def shop(self) -> Shop:
        return Shop(self.organization_id, self.slug, self.name, OrganizationSettings.of(self.settings))


class _SessionRow(NamedTuple):
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


class _SignedIn(NamedTuple):
    shop: _ShopRow
    session: _SessionRow
    customer: CustomerRow

    @classmethod
    def of(cls, values: Sequence[Any]) -> "_SignedIn":
        return cls(
            _ShopRow._make(values[:SHOP_END]),
            _SessionRow._make(values[SHOP_END:SESSION_END]),
            CustomerRow._make(values[SESSION_END:]),
        )


SHOP_END = len(_ShopRow._fields)
SESSION_END = SHOP_END + len(_SessionRow._fields)
_SHOP: Sequence[Any] = (Organization.id, Organization.slug, Organization.name, Organization.settings)
_LIVE_KEY: Sequence[Any] = (
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

_SESSION: Sequence[Any] = (
    *(getattr(Session, name) for name in _SessionRow._fields[:-2]),
    ApiClient.revoked_at,
    select(*columns(ApiClient, _KeyRow)).where(*_LIVE_KEY).correlate(None).scalar_subquery(),
)

_BY_KEY = Read(
    select(*_SHOP, col(ApiClient.id))
    .join(ApiClient, col(ApiClient.organization_id) == col(Organization.id))
    .where(*_LIVE_KEY),
    lambda values: (_ShopRow._make(values[:SHOP_END]), values[SHOP_END]),
)
_DEFAULT = Read(select(*_SHOP).where(col(Organization.is_default)), _ShopRow._make)
_SIGNED_IN = Read(
    select(*_SHOP, *_SESSION, *COLUMNS)
    .select_from(Session)
    .join(Organization, col(Organization.id) == col(Session.organization_id))
    .outerjoin(ApiClient, col(ApiClient.id) == col(Session.client_id))
    .outerjoin(Customer, col(Customer.id) == col(Session.customer_id))
    .where(col(Session.id) == bindparam("session_id")),
    _SignedIn.of,
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, through which API client, and the customer signed in, as it was read on the way."""

    principal: Principal
    customer: CustomerRecord | None = None
    client_id: UUID | None = None


async def resolve(store: Store, tokens: AccessTokens, *, key: str | None, bearer: str | None) -> Caller:
    """Who sends the publishable `key` and the access token `bearer`, with a single query.

    Raise `KeyRefused`, and `TokenInvalid` or `TokenExpired` for a token that opens nothing (any more).
    """
    hashed = key_hash(store, key) if key else b""
    if bearer:
        return await _signed_in(store, tokens, hashed, bearer)
    return await _by_key(store, hashed) if key else await _by_default(store)


async def _by_key(store: Store, hashed: bytes) -> Caller:
    found = await store.database.row(_BY_KEY, key_hash=hashed, moment=now())
    if found is None:
        raise KeyRefused
    row, client_id = found
    return Caller(Principal(CallerKind.GUEST, row.shop), client_id=client_id)


async def _by_default(store: Store) -> Caller:
    row = await store.database.row(_DEFAULT)
    if row is None or row.shop.settings.require_api_key:
        raise KeyRefused
    return Caller(Principal(CallerKind.GUEST, row.shop))


async def _signed_in(store: Store, tokens: AccessTokens, hashed: bytes, bearer: str) -> Caller:
    claims = await tokens.verify(bearer)
    row = await store.database.row(_SIGNED_IN, session_id=claims.session_id, key_hash=hashed, moment=now())
    if row is None or row.shop.organization_id != claims.organization_id or not _lives(row.session):
        raise TokenInvalid
    if row.session.key_organization_id != row.shop.organization_id and (hashed or _needs_key(row)):
        raise KeyRefused
    customer = await _customer(store, row.customer)
    principal = Principal(
        kind=CallerKind(row.session.kind),
        organization=row.shop.shop,
        scopes=frozenset(Scope(scope) for scope in row.session.scopes.split()),
        customer_id=row.customer.id,
        client_id=row.session.client_id,
        staff_id=row.session.staff_id,
        session_id=row.session.id,
        expires_at=claims.expires_at,
        locale=customer.personal.locale if customer is not None else None,
    )
    return Caller(principal, customer, principal.client_id)


async def _customer(store: Store, row: CustomerRow) -> CustomerRecord | None:
    if row.id is None:
        return None
    boxes = await store.vault.boxes([row.id])
    return open_row(row, boxes.get(row.id))


def _lives(session: _SessionRow) -> bool:
    return session.ended_at is None and session.expires_at > now() and session.client_revoked_at is None


def _needs_key(row: _SignedIn) -> bool:
    # A client's own token was got with a secret; the publishable key would add nothing.
    return row.shop.shop.settings.require_api_key and row.session.kind == CallerKind.CUSTOMER.value


def key_hash(store: Store, key: str) -> bytes:
    """What is stored of an API key or a client secret."""
    return store.vault.fingerprints.of(KEY_PURPOSE, key[:KEY_MAX])
