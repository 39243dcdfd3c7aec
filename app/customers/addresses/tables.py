"""Table of addresses."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, timestamp_column


def _unique_default_index(flag: str) -> Index:
    """A unique index: a customer has at most one address with this flag."""
    return Index(
        f"uq_addresses_{flag}", "customer_id", unique=True, sqlite_where=text(flag), postgresql_where=text(flag)
    )


class Address(SQLModel, table=True):
    """One address of a customer. All but the country is personal and sealed; an erasure deletes the row."""

    __tablename__ = "addresses"
    __table_args__ = (
        _unique_default_index("is_default_shipping"),
        _unique_default_index("is_default_billing"),
    )

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    country_code: str = Field(max_length=2)
    sealed: bytes = binary_column()
    is_default_shipping: bool = False
    is_default_billing: bool = False
    version: int = 1
    created_at: datetime = timestamp_column()
    updated_at: datetime = timestamp_column()
