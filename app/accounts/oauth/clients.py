"""OAuth client authentication (RFC 6749, section 2.3): confidential clients by secret, publishable ones by id."""

import base64
import hmac
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from app.accounts.oauth.errors import InvalidClient, InvalidRequest
from app.accounts.oauth.requests import OAuthRequest
from app.accounts.organizations.callers import key_hash
from app.accounts.organizations.service import ClientKind
from app.accounts.organizations.tables import ApiClient, Organization
from app.platform.clock import now
from app.platform.db.reading import Read
from app.platform.principal import CallerKind, OrganizationSettings, Principal, RequestOrigin, Scope
from app.platform.principal import Organization as PrincipalOrganization
from app.platform.vault.vault import Store


class Client(NamedTuple):
    """An active client with its organization."""

    id: UUID
    kind: str
    key_hash: bytes
    previous_key_hash: bytes | None
    previous_key_until: datetime | None
    scopes: str
    public_key: str | None
    organization_id: UUID
    slug: str
    name: str
    settings: dict[str, Any]

    @property
    def organization(self) -> PrincipalOrganization:
        """The organization the client belongs to."""
        return PrincipalOrganization(
            self.organization_id, self.slug, self.name, OrganizationSettings.from_stored(self.settings)
        )

    @property
    def confidential(self) -> bool:
        """Whether the client can keep a secret, and so must authenticate."""
        return self.kind == ClientKind.CONFIDENTIAL.value

    def matches_secret(self, hashed: bytes) -> bool:
        """Whether `hashed` is the hash of the current secret, or of the previous one while that is still accepted."""
        current = hmac.compare_digest(self.key_hash, hashed)
        if self.previous_key_hash is None or self.previous_key_until is None or self.previous_key_until <= now():
            return current
        return hmac.compare_digest(self.previous_key_hash, hashed) or current

    def origin(
        self,
        request: OAuthRequest,
        *,
        kind: CallerKind = CallerKind.GUEST,
        scopes: frozenset[Scope] = frozenset(),
        staff_id: UUID | None = None,
    ) -> RequestOrigin:
        """The origin of the request for the audit log."""
        principal = Principal(kind, self.organization, scopes=scopes, client_id=self.id, staff_id=staff_id)
        return RequestOrigin(principal, request.request_id, request.source, request.user_agent, request.device_token)


_CLIENT_COLUMNS = (
    *(getattr(ApiClient, name) for name in Client._fields[:7]),
    *(getattr(Organization, name) for name in ("id", "slug", "name", "settings")),
)
_CLIENT = Read(
    select(*_CLIENT_COLUMNS)
    .join(Organization, col(Organization.id) == col(ApiClient.organization_id))
    .where(col(ApiClient.id) == bindparam("client_id"), col(ApiClient.revoked_at).is_(None)),
    Client._make,
)


async def find(store: Store, client_id: str) -> Client | None:
    """The active client with this id; None for an unknown or malformed one."""
    try:
        return await store.database.row(_CLIENT, client_id=UUID(client_id))
    except ValueError:
        return None


async def authenticate(store: Store, request: OAuthRequest) -> Client:
    """The client that sends the request; raise `InvalidClient`, or `InvalidRequest` for credentials in two places.

    A publishable client may omit its key, which is public anyway.
    """
    client_id, secret = _credentials(request)
    client = await find(store, client_id)
    hashed = key_hash(store, secret or "")
    if client is None or not (client.matches_secret(hashed) if secret or client.confidential else True):
        raise InvalidClient
    return client


def _credentials(request: OAuthRequest) -> tuple[str, str | None]:
    if request.authorization is None:
        client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret")
    else:
        client_id, secret = _parse_basic(request.authorization)
        if "client_secret" in request.form or request.form.get("client_id", client_id) != client_id:
            raise InvalidRequest("Send the client's credentials in one place only.")
    if not client_id:
        raise InvalidClient
    return client_id, secret


def _parse_basic(authorization: str) -> tuple[str, str | None]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
        client_id, separator, secret = decoded.partition(":")
        # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
        client_id, secret = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:  # not base64, not UTF-8, or not even ASCII
        raise InvalidClient from None
    if scheme.lower() != "basic" or not separator:
        raise InvalidClient
    return client_id, secret or None
