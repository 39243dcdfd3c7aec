"""Tables of customer deletions and legal holds."""

from datetime import datetime
from uuid import UUID

from sqlmodel import SQLModel

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
