"""Tables of login sessions and refresh tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, timestamp_column


class LoginSession(SQLModel, table=True):
    """One login of a customer, or one access token issued to a client. Every access token refers to a session."""

    __tablename__ = "login_sessions"
    __table_args__ = (Index("ix_login_sessions_customer", "organization_id", "customer_id", "id"),)

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    kind: str = Field(max_length=16)
    customer_id: UUID | None = foreign_key("customers.id", nullable=True)
    client_id: UUID | None = foreign_key("api_clients.id", nullable=True, index=True)
    staff_id: UUID | None = foreign_key("staff_members.id", nullable=True)
    scopes: str = Field(default="", max_length=512)
    custom_claim: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    sealed_device: bytes | None = binary_column(nullable=True)
    created_at: datetime = timestamp_column()
    last_used_at: datetime = timestamp_column()
    idle_expires_at: datetime = timestamp_column()
    expires_at: datetime = timestamp_column(index=True)
    ended_at: datetime | None = timestamp_column(nullable=True)
    ended_reason: str | None = Field(default=None, max_length=32)


class RefreshToken(SQLModel, table=True):
    """A refresh token, stored as its keyed hash. Used ones are kept, so that a replay is recognized."""

    __tablename__ = "refresh_tokens"

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID | None = foreign_key("customers.id", nullable=True)
    session_id: UUID = foreign_key("login_sessions.id", index=True)
    token_hash: bytes = Field(unique=True)
    issued_at: datetime = timestamp_column()
    expires_at: datetime = timestamp_column()
    used_at: datetime | None = timestamp_column(nullable=True)
