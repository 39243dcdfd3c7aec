"""Table of staff members."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, timestamp_column


class StaffMember(SQLModel, table=True):
    """A back-office user; name and email address are sealed with the member's own data key.

    The row of a removed member stays readable, because requests refer to it. Its email address is free again.
    """

    __tablename__ = "staff_members"
    __table_args__ = (UniqueConstraint("organization_id", "email_hash"),)

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    email_hash: bytes = binary_column()
    sealed: bytes = binary_column()
    created_at: datetime = timestamp_column()
    removed_at: datetime | None = timestamp_column(nullable=True)
