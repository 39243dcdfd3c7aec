"""The principal: the caller of a request, its organization and its scopes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum
from typing import Any, Literal, NamedTuple
from uuid import UUID


class CallerKind(Enum):
    """The kinds of callers."""

    GUEST = "GUEST"
    CUSTOMER = "CUSTOMER"
    INTEGRATION = "INTEGRATION"
    STAFF = "STAFF"


class Scope(Enum):
    """Permissions that an integration can have."""

    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    ORDERS_WRITE = "orders:write"
    GROUPS_WRITE = "groups:write"
    PRIVACY_WRITE = "privacy:write"
    AUDIT_READ = "audit:read"
    ORGANIZATION_WRITE = "organization:write"


@dataclass(frozen=True, slots=True)
class OrganizationSettings:
    """How a shop wants its accounts handled."""

    require_api_key: bool = False
    require_verified_email: bool = True
    keep_last_address: bool = False
    cors_origins: tuple[str, ...] = ()
    cookie_sessions: bool = False
    address_strictness: Literal["strict", "warn"] = "strict"
    storefront_url: str = ""
    mail_sender: str = ""
    require_login_name: bool = False
    password_min_length: int | None = None
    terms_url: str | None = None
    terms_version: str | None = None
    approval: bool = False
    notification_email: str | None = None
    default_country: str | None = None
    retain_sessions_days: int = 30
    retain_mails_days: int = 30
    retain_idle_guests_days: int | None = None
    retain_orders_days: int | None = None

    @property
    def has_terms(self) -> bool:
        """Whether customers have terms to agree to."""
        return bool(self.terms_url or self.terms_version)

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> "OrganizationSettings":
        """The settings in a stored object, lists as tuples; unknown settings are ignored."""
        known_names = {field.name for field in fields(cls)}
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in stored.items()
            if name in known_names
        }
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Organization:
    """The shop a request belongs to."""

    id: UUID
    slug: str
    name: str
    settings: OrganizationSettings = field(default_factory=OrganizationSettings)


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one request, resolved once; every access check uses it and nothing else.

    `locale` is the customer's own (BCP 47) as of the request; other callers have none.
    """

    kind: CallerKind
    organization: Organization
    scopes: frozenset[Scope] = frozenset()
    customer_id: UUID | None = None
    client_id: UUID | None = None
    staff_id: UUID | None = None
    session_id: UUID | None = None
    expires_at: datetime | None = None
    locale: str | None = None

    @property
    def own_customer_id(self) -> UUID:
        """The customer who is logged in, for fields that only customers may use."""
        assert self.customer_id is not None  # noqa: S101 - `authorize` admitted a customer
        return self.customer_id

    @property
    def own_staff_id(self) -> UUID:
        """The staff member on whose behalf the integration acts, for fields that only such a caller may use."""
        assert self.staff_id is not None  # noqa: S101 - `authorize` admitted a staff member
        return self.staff_id

    @property
    def own_session_owner_id(self) -> UUID:
        """Whose session it is, for a caller who has one: the customer's, or else the client's."""
        owner_id = self.customer_id or self.client_id
        assert owner_id is not None  # noqa: S101 - every session is of a customer or of a client
        return owner_id

    @property
    def actor_id(self) -> UUID | None:
        """The id recorded as the actor: the customer, the staff member, or else the client."""
        return self.customer_id or self.staff_id or self.client_id


class DeadSession(NamedTuple):
    """What an access token names that opens nothing any more; `logout` ends it all the same.

    `reason` is why, as `extensions.reason` says it.
    """

    owner_id: UUID
    session_id: UUID
    reason: str = "TOKEN_INVALID"


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """Origin of a request; `source` is a keyed fingerprint of the network address, never the address."""

    principal: Principal
    request_id: str
    source: bytes
    user_agent: str
    device_token: str | None = None
    accepted_languages: str = ""
