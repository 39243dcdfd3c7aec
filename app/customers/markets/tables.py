"""Table of markets."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.platform.db.columns import foreign_key, id_column, timestamp_column


class Market(SQLModel, table=True):
    """A market of an organization; with a group it is visible to the customers of that group only."""

    __tablename__ = "markets"
    __table_args__ = (UniqueConstraint("organization_id", "code"),)

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    code: str = Field(max_length=25)
    name: str = Field(max_length=255)
    currency_code: str = Field(max_length=3)
    group_id: UUID | None = foreign_key("customer_groups.id", nullable=True, index=True)
    created_at: datetime = timestamp_column()
    updated_at: datetime = timestamp_column()
