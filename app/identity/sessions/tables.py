"""Tables of login sessions and refresh tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index, Uuid, text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, owner_column, timestamp_column

HAS_ENDED = text("ended_at IS NOT NULL")


class LoginSession(SQLModel, table=True):
    """One login of a customer, or one access token issued to a client. Every access token refers to a session.

    The owner is the customer, or else the client: the subject of the access token.
    """

    __tablename__ = "login_sessions"
    __table_args__ = (
        CheckConstraint("owner_id = coalesce(customer_id, client_id)", name="owner"),
        Index("ix_login_sessions_expires", "organization_id", "expires_at"),
        Index(
            "ix_login_sessions_ended",
            "organization_id",
            "ended_at",
            sqlite_where=HAS_ENDED,
            postgresql_where=HAS_ENDED,
        ),
    )

    owner_id: UUID = owner_column()
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    kind: str = Field(max_length=16)
    customer_id: UUID | None = Field(default=None, sa_type=Uuid)
    client_id: UUID | None = foreign_key("api_clients.id", nullable=True, index=True)
    staff_id: UUID | None = foreign_key("staff_members.id", nullable=True)
    scopes: str = Field(default="", max_length=512)
    custom_claim: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    sealed_device: bytes | None = binary_column(nullable=True)
    created_at: datetime = timestamp_column()
    last_used_at: datetime = timestamp_column()
    idle_expires_at: datetime = timestamp_column()
    expires_at: datetime = timestamp_column()
    ended_at: datetime | None = timestamp_column(nullable=True)
    ended_reason: str | None = Field(default=None, max_length=32)


class RefreshToken(SQLModel, table=True):
    """A refresh token, or the token of a session cookie, stored as its keyed hash.

    Used ones are kept, so that a replay is recognized.
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id", "session_id"], ["login_sessions.owner_id", "login_sessions.id"]),
        Index("ix_refresh_tokens_token", "customer_id", "token_hash"),
    )

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    session_id: UUID = Field(sa_type=Uuid)
    token_hash: bytes = binary_column()
    issued_at: datetime = timestamp_column()
    expires_at: datetime = timestamp_column(index=True)
    used_at: datetime | None = timestamp_column(nullable=True)
