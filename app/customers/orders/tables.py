"""Table of orders."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, timestamp_column

HAS_SPENT_KEY = text("spent_key_id IS NOT NULL")
HAS_GUEST_HASH = text("guest_hash IS NOT NULL")


class Order(SQLModel, table=True):
    """An order as the shop recorded it. Numbers, amounts, dates and the country stay after an erasure.

    `sealed` holds the address copies. It is sealed with the customer's key, and while nobody owns the order with
    a key of its own, which has the order's id. `spent_key_id` is that key once a customer owns the order, until the
    worker has destroyed it. `guest_hash` finds the orders of a guest by email until they are owned.
    `content_hash` tells a repeated `recordOrder` from another order with the same number.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("organization_id", "number"),
        Index("ix_orders_history", "customer_id", "placed_at", "id", "organization_id"),
        Index(
            "ix_orders_guest",
            "organization_id",
            "guest_hash",
            sqlite_where=HAS_GUEST_HASH,
            postgresql_where=HAS_GUEST_HASH,
        ),
        Index("ix_orders_spent_key", "spent_key_id", sqlite_where=HAS_SPENT_KEY, postgresql_where=HAS_SPENT_KEY),
    )

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID | None = foreign_key("customers.id", nullable=True)
    number: str = Field(max_length=64)
    status: str = Field(max_length=16)
    placed_at: datetime = timestamp_column()
    cancelled_at: datetime | None = timestamp_column(nullable=True)
    total_minor: int = Field(sa_type=BigInteger)
    currency_code: str = Field(max_length=3)
    item_count: int
    country_code: str | None = Field(default=None, max_length=2)
    sealed: bytes | None = binary_column(nullable=True)
    spent_key_id: UUID | None = None
    guest_hash: bytes | None = binary_column(nullable=True)
    content_hash: bytes | None = binary_column(nullable=True)
    version: int = 1
    created_at: datetime = timestamp_column()
    updated_at: datetime = timestamp_column()
