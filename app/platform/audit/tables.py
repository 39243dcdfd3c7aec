"""Table of the audit log; rows are inserted and never changed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, owner_column, timestamp_column


class AuditEvent(SQLModel, table=True):
    """One act of one caller. It holds ids and field names only, so it identifies nobody after an erasure.

    The owner is the customer it is about, or else the organization, or the decoy of an address without an account.
    """

    __tablename__ = "audit_events"
    __table_args__ = (CheckConstraint("owner_id = coalesce(customer_id, owner_id)", name="owner"),)

    owner_id: UUID = owner_column()
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID | None = None
    actor_kind: str = Field(max_length=16)
    actor_id: UUID | None = None
    client_id: UUID | None = None
    action: str = Field(max_length=64)
    object_id: UUID | None = None
    fields: list[str] = Field(default_factory=list, sa_type=JSON)
    source: bytes | None = binary_column(nullable=True)
    request_id: str | None = Field(default=None, max_length=64)
    at: datetime = timestamp_column()
