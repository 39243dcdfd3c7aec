"""Tables of customer deletions, legal holds, and what customers ask for: to be erased."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, timestamp_column


class Deletion(SQLModel, table=True):
    """A customer whose rows were deleted; `due_at` is when to destroy the data key, null once that is done."""

    __tablename__ = "customer_deletions"

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    deleted_at: datetime = timestamp_column()
    due_at: datetime | None = timestamp_column(nullable=True, index=True)


class LegalHold(SQLModel, table=True):
    """A legal hold with its reason, which is sealed. The key store's `erasure_holds` decides whether it is in force."""

    __tablename__ = "legal_holds"

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    sealed: bytes | None = binary_column(nullable=True)
    until: datetime | None = timestamp_column(nullable=True)
    placed_at: datetime = timestamp_column()
    placed_by_id: UUID | None = foreign_key("staff_members.id", nullable=True)
    released_at: datetime | None = timestamp_column(nullable=True)
    released_by_id: UUID | None = foreign_key("staff_members.id", nullable=True)


class ErasureRequest(SQLModel, table=True):
    """A customer asked to be erased, and staff decide. `sealed` is the reason of a refusal."""

    __tablename__ = "erasure_requests"
    __table_args__ = (Index("ix_erasure_requests_status", "organization_id", "status", "id"),)

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    status: str = Field(max_length=16)
    sealed: bytes | None = binary_column(nullable=True)
    requested_at: datetime = timestamp_column()
    decided_at: datetime | None = timestamp_column(nullable=True)
    decided_by_id: UUID | None = foreign_key("staff_members.id", nullable=True)
