"""Tables of orders and of their numbers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Uuid, text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, owner_column, timestamp_column

HAS_SPENT_KEY = text("spent_key_id IS NOT NULL")
IS_KEPT = text("version > 0")
HAS_GUEST_HASH = text("guest_hash IS NOT NULL")


class Order(SQLModel, table=True):
    """An order as the shop recorded it. Numbers, amounts, dates and the country stay after an erasure.

    The owner is the customer; a guest order is its own owner until it is attached to a customer.

    | Column         | Guest's order                     | Customer's order                                   |
    | -------------- | --------------------------------- | -------------------------------------------------- |
    | `customer_id`  | None                              | the owner                                          |
    | `guest_hash`   | keyed hash of the email           | None                                               |
    | `sealed`       | copies, sealed by the order's key | copies, sealed by the customer's key               |
    | `spent_key_id` | None                              | the order's former key until the worker destroys it |

    The key of a guest's order has the order's id. `content_hash` distinguishes a repeated `recordOrder` from another
    order with the same number.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("owner_id = coalesce(customer_id, id)", name="owner"),
        Index("ix_orders_history", "owner_id", "placed_at", "id", "organization_id"),
        # For the retention of orders. Partial, though all rows are in it: the history of one customer is not read from
        # it, as the planner would where a customer has most of the orders.
        Index("ix_orders_placed", "organization_id", "placed_at", sqlite_where=IS_KEPT, postgresql_where=IS_KEPT),
        # For the back office, which names an order by its id alone.
        Index("ix_orders_id", "id"),
        Index(
            "ix_orders_guest",
            "organization_id",
            "guest_hash",
            sqlite_where=HAS_GUEST_HASH,
            postgresql_where=HAS_GUEST_HASH,
        ),
        Index("ix_orders_spent_key", "spent_key_id", sqlite_where=HAS_SPENT_KEY, postgresql_where=HAS_SPENT_KEY),
    )

    owner_id: UUID = owner_column()
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID | None = Field(default=None, sa_type=Uuid)
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


class OrderNumber(SQLModel, table=True):
    """The order that has a number, and its owner; the primary key decides who has it in an organization."""

    __tablename__ = "order_numbers"

    organization_id: UUID = foreign_key("organizations.id", primary_key=True)
    number: str = Field(primary_key=True, sa_type=String(64))
    owner_id: UUID = Field(sa_type=Uuid)
    order_id: UUID = Field(sa_type=Uuid)
