"""Resolution of the caller from a session cookie, with the same single query as from an access token.

Decision 0026 has the tables of what a cookie is worth. The cookie is only read here; `refreshing.refresh_cookie`
replaces an old one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, select
from sqlmodel import col

from app.accounts.organizations.callers import (
    LOGIN_SESSION_COLUMNS,
    ORGANIZATION_COLUMNS,
    AuthenticatedRow,
    Caller,
    authenticated_caller,
    key_hash,
    require_active,
)
from app.accounts.organizations.tables import ApiClient, Organization
from app.customers.records import COLUMNS
from app.customers.tables import Customer
from app.identity.sessions.service import COOKIE_PREFIX, REFRESH_REUSE_GRACE, token_hash
from app.identity.sessions.tables import LoginSession, RefreshToken
from app.identity.sessions.tokens import TokenExpired
from app.platform import owner_tokens
from app.platform.clock import now
from app.platform.db.reading import Read
from app.platform.principal import CallerKind, DeadSession, Principal
from app.platform.principal import Organization as PrincipalOrganization
from app.platform.vault.vault import Store


class _TokenRow(NamedTuple):
    issued_at: datetime
    used_at: datetime | None
    expires_at: datetime


TOKEN_END = len(_TokenRow._fields)


@dataclass(frozen=True, slots=True)
class CookieHolder:
    """The session that a cookie belongs to, whether it lives or not; nothing about the request was checked yet."""

    token: _TokenRow
    row: AuthenticatedRow

    @property
    def organization(self) -> PrincipalOrganization:
        """The organization of the session."""
        return self.row.organization.principal_organization

    @property
    def key_matches(self) -> bool:
        """Whether the publishable key that was sent is one of the organization."""
        return self.row.login_session.key_organization_id == self.row.organization.organization_id

    def require_alive(self) -> None:
        """Raise `TokenRevoked` or `TokenExpired` when the cookie opens nothing any more."""
        require_active(self.row.login_session)
        if self.token.expires_at <= now():
            raise TokenExpired

    def is_due(self, lifetime: timedelta) -> bool:
        """Whether the cookie has to be replaced, or to be looked at again, before it counts.

        It is older than `lifetime`, or it was replaced and the requests that were under way then are over.
        """
        moment = now()
        if self.token.used_at is not None:
            return moment - self.token.used_at > REFRESH_REUSE_GRACE
        return moment - self.token.issued_at >= lifetime

    async def caller(self, store: Store) -> Caller:
        """The customer whose session it is."""
        return await authenticated_caller(store, self.row, expires_at=self.token.expires_at)

    def guest(self, reason: str) -> Caller:
        """A guest in whose browser the customer was logged in before."""
        session = self.row.login_session
        assert self.row.customer.id is not None  # noqa: S101 - only customers have cookies
        dead = DeadSession(self.row.customer.id, session.id, reason)
        return Caller(Principal(CallerKind.GUEST, self.organization), dead_session=dead)


def _found(values: Sequence[Any]) -> CookieHolder:
    return CookieHolder(_TokenRow._make(values[:TOKEN_END]), AuthenticatedRow.from_values(values[TOKEN_END:]))


_BY_COOKIE = Read(
    select(
        *(getattr(RefreshToken, name) for name in _TokenRow._fields),
        *ORGANIZATION_COLUMNS,
        *LOGIN_SESSION_COLUMNS,
        *COLUMNS,
    )
    .select_from(RefreshToken)
    .join(
        LoginSession,
        and_(
            col(LoginSession.owner_id) == col(RefreshToken.customer_id),
            col(LoginSession.id) == col(RefreshToken.session_id),
        ),
    )
    .join(Organization, col(Organization.id) == col(LoginSession.organization_id))
    .outerjoin(ApiClient, col(ApiClient.id) == col(LoginSession.client_id))
    .outerjoin(Customer, col(Customer.id) == col(LoginSession.owner_id))
    .where(col(RefreshToken.customer_id) == bindparam("owner_id"))
    .where(col(RefreshToken.token_hash) == bindparam("token_hash")),
    _found,
)


async def find(store: Store, *, key: str | None, cookie: str) -> CookieHolder | None:
    """Whose cookie it is; None for one that is unknown."""
    owner_id = owner_tokens.owner_id(COOKIE_PREFIX, cookie)
    if owner_id is None:
        return None
    return await store.database.row(
        _BY_COOKIE,
        owner_id=owner_id,
        token_hash=token_hash(store.vault, cookie),
        key_hash=key_hash(store, key) if key else b"",
        moment=now(),
    )
