"""Table of customer groups."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import foreign_key, id_column, timestamp_column

IS_DEFAULT = text("is_default")


class CustomerGroup(SQLModel, table=True):
    """A group of customers. An organization has at most one default group, which new customers join."""

    __tablename__ = "customer_groups"
    __table_args__ = (
        UniqueConstraint("organization_id", "code"),
        Index(
            "uq_customer_groups_default",
            "organization_id",
            unique=True,
            sqlite_where=IS_DEFAULT,
            postgresql_where=IS_DEFAULT,
        ),
    )

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    code: str = Field(max_length=25)
    name: str = Field(max_length=255)
    tax_exempt: bool = False
    is_default: bool = False
    created_at: datetime = timestamp_column()
    updated_at: datetime = timestamp_column()
