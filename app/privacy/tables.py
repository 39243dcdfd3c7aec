"""Table of customer deletions."""

from datetime import datetime
from uuid import UUID

from sqlmodel import SQLModel

from app.platform.db.columns import foreign_key, id_column, timestamp_column


class Deletion(SQLModel, table=True):
    """A customer whose rows were deleted; `due_at` is when to destroy the data key, null once that is done."""

    __tablename__ = "customer_deletions"

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    deleted_at: datetime = timestamp_column()
    due_at: datetime | None = timestamp_column(nullable=True, index=True)
