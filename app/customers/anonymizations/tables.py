"""Table of anonymization requests."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import foreign_key, id_column, timestamp_column

IS_OPEN = text("status IN ('REQUESTED', 'STARTED', 'FAILED')")


class AnonymizationRequest(SQLModel, table=True):
    """A request, its status and times; the row stays after the erasure. A customer has at most one open request."""

    __tablename__ = "anonymization_requests"
    __table_args__ = (
        Index(
            "uq_anonymization_requests_open", "customer_id", unique=True, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
        ),
        Index("ix_anonymization_requests_due", "status", "due_at"),
    )

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    status: str = Field(max_length=16)
    requester_id: UUID = foreign_key("staff_members.id")
    canceller_id: UUID | None = foreign_key("staff_members.id", nullable=True)
    requested_at: datetime = timestamp_column()
    starts_after: datetime = timestamp_column()
    due_at: datetime = timestamp_column()
    started_at: datetime | None = timestamp_column(nullable=True)
    completed_at: datetime | None = timestamp_column(nullable=True)
    failed_at: datetime | None = timestamp_column(nullable=True)
    cancelled_at: datetime | None = timestamp_column(nullable=True)
    attempts: int = 0
    failure: str | None = Field(default=None, max_length=64)
