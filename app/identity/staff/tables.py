"""Table of staff members."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, timestamp_column


class StaffMember(SQLModel, table=True):
    """A back-office user; name and email address are sealed with the member's own data key.

    Removing a member forgets it: nothing sealed is left, its email address is free again, and the worker destroys its
    key from `key_due_at` on. The row stays, because requests and the audit log refer to it.
    """

    __tablename__ = "staff_members"
    __table_args__ = (UniqueConstraint("organization_id", "email_hash"),)

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    email_hash: bytes = binary_column()
    sealed: bytes | None = binary_column(nullable=True)
    created_at: datetime = timestamp_column()
    removed_at: datetime | None = timestamp_column(nullable=True)
    key_due_at: datetime | None = timestamp_column(nullable=True, index=True)
