"""Table of anonymization requests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, Uuid, text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, timestamp_column

IS_OPEN = text("status IN ('REQUESTED', 'STARTED', 'FAILED')")


class AnonymizationRequest(SQLModel, table=True):
    """A request, its status and times; the row stays after the erasure.

    It is a copy of the key store's ledger (`app.platform.vault.ledger`), which decides; `due_at`, `attempts`,
    `failed_at` and `failure` are of the worker's queue. `owner_id` is the customer, or the request itself when it is
    about a guest, whom `guest_hash` finds until nothing is left to find. An owner has at most one open request.
    `counts` is what was there when it was erased (`privacy.inventory`).
    """

    __tablename__ = "anonymization_requests"
    __table_args__ = (
        Index(
            "uq_anonymization_requests_open", "owner_id", unique=True, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
        ),
        Index("ix_anonymization_requests_due", "status", "due_at"),
        Index("ix_anonymization_requests_id", "id"),
    )

    owner_id: UUID = Field(primary_key=True, sa_type=Uuid)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID | None = Field(default=None, sa_type=Uuid)
    guest_hash: bytes | None = binary_column(nullable=True)
    status: str = Field(max_length=16)
    requester_id: UUID | None = foreign_key("staff_members.id", nullable=True)
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
    counts: dict[str, Any] | None = Field(default=None, sa_type=JSON)
