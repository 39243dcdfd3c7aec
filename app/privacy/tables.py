"""Table of deletions whose key is still to be destroyed."""

from datetime import datetime
from uuid import UUID

from sqlmodel import SQLModel

from app.platform.db.columns import foreign_key, id_column, timestamp_column


class Deletion(SQLModel, table=True):
    """A customer who was deleted in one transaction; the key goes after it, and a killed process loses nothing."""

    __tablename__ = "customer_deletions"

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID = foreign_key("customers.id")
    deleted_at: datetime = timestamp_column()
    due_at: datetime | None = timestamp_column(nullable=True, index=True)
