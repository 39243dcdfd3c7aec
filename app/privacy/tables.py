"""Tables of privacy: deletions, legal holds, what customers ask for (an erasure, an export), runs of the retention."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Uuid
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


class DataExport(SQLModel, table=True):
    """An export of a customer's data; `requested_by_id` is the staff member, null when the customer asked."""

    __tablename__ = "data_exports"

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    status: str = Field(max_length=16)
    requested_by_id: UUID | None = foreign_key("staff_members.id", nullable=True)
    requested_at: datetime = timestamp_column()
    due_at: datetime | None = timestamp_column(nullable=True, index=True)
    attempts: int = 0
    failure: str | None = Field(default=None, max_length=64)
    ready_at: datetime | None = timestamp_column(nullable=True)
    expires_at: datetime | None = timestamp_column(nullable=True, index=True)
    size: int | None = None


class DataExportPart(SQLModel, table=True):
    """A part of an export's ZIP file, sealed with the customer's key."""

    __tablename__ = "data_export_parts"

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    export_id: UUID = Field(sa_type=Uuid)
    position: int
    sealed: bytes = binary_column()


class RetentionRun(SQLModel, table=True):
    """The last run of an organization's retention of a category, and how much it removed."""

    __tablename__ = "retention_runs"

    organization_id: UUID = foreign_key("organizations.id", primary_key=True)
    category: str = Field(primary_key=True, max_length=32)
    last_run_at: datetime = timestamp_column()
    last_removed: int
