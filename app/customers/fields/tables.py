"""Table of the extra fields that organizations declare."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.platform.db.columns import foreign_key, id_column, timestamp_column


class ExtraField(SQLModel, table=True):
    """A field that the shop asks for beside the built-in ones; the answers are sealed in the profiles."""

    __tablename__ = "extra_fields"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    name: str = Field(max_length=64)
    type: str = Field(max_length=16)
    required: bool = False
    pattern: str | None = Field(default=None, max_length=200)
    max_length: int | None = None
    position: int = 0
    labels: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    options: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    created_at: datetime = timestamp_column()
    updated_at: datetime = timestamp_column()
