"""Tables of organizations, API clients, and used assertions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, timestamp_column


class Organization(SQLModel, table=True):
    """One shop. `settings` holds the fields of `OrganizationSettings` that differ from their defaults."""

    __tablename__ = "organizations"
    # Callers without a key belong to the default organization: two of them would make it a matter of chance.
    __table_args__ = (
        Index(
            "uq_organizations_default",
            "is_default",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
    )

    id: UUID = id_column()
    slug: str = Field(max_length=64, unique=True)
    name: str = Field(max_length=255)
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    is_default: bool = False
    created_at: datetime = timestamp_column()


class ApiClient(SQLModel, table=True):
    """A storefront (publishable key) or an integration (secret, public keys for assertions).

    After a rotation the previous key is accepted beside the new one for a while.
    """

    __tablename__ = "api_clients"
    __table_args__ = (Index("uq_api_clients_previous_key", "previous_key_hash", unique=True),)

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id", index=True)
    kind: str = Field(max_length=16)
    name: str = Field(max_length=255)
    key_hash: bytes = Field(unique=True)
    previous_key_hash: bytes | None = binary_column(nullable=True)
    previous_key_until: datetime | None = timestamp_column(nullable=True)
    scopes: str = Field(default="", max_length=512)
    public_key: str | None = Field(default=None, max_length=4096)
    created_at: datetime = timestamp_column()
    last_used_at: datetime | None = timestamp_column(nullable=True)
    revoked_at: datetime | None = timestamp_column(nullable=True)


class UsedAssertion(SQLModel, table=True):
    """The hash of an accepted assertion's `jti`, kept until the assertion has expired (RFC 7523, section 3)."""

    __tablename__ = "used_assertions"

    client_id: UUID = foreign_key("api_clients.id", primary_key=True)
    jti_hash: bytes = Field(primary_key=True)
    expires_at: datetime = timestamp_column(index=True)
