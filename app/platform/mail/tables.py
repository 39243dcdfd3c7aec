"""Table of the outbox."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, owner_column, timestamp_column

IS_SETTLED = text("settled_at IS NOT NULL")


class OutgoingMail(SQLModel, table=True):
    """A mail to be delivered. Recipient and values are sealed with the customer's key, and removed after delivery.

    `customer_id` is no foreign key: a mail to an address without an account must look the same.
    """

    __tablename__ = "outgoing_mails"
    __table_args__ = (
        Index("ix_outgoing_mails_due", "state", "due_at"),
        Index(
            "ix_outgoing_mails_settled",
            "organization_id",
            "settled_at",
            sqlite_where=IS_SETTLED,
            postgresql_where=IS_SETTLED,
        ),
    )

    customer_id: UUID = owner_column()
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    template: str = Field(max_length=32)
    sealed: bytes | None = binary_column(nullable=True)
    state: str = Field(max_length=16)
    attempts: int = 0
    due_at: datetime = timestamp_column()
    created_at: datetime = timestamp_column()
    settled_at: datetime | None = timestamp_column(nullable=True)
    failure: str | None = Field(default=None, max_length=64)
