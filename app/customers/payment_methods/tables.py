"""Tables of payment methods, of customers at gateways, and of gateway attempts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, timestamp_column

DEFAULT_ONLY = text("is_default")
IS_DONE = text("state = 'DONE'")
NOTICE_PENDING = text("expiry_notice_at IS NOT NULL")


class PaymentMethod(SQLModel, table=True):
    """One payment method of a customer; `sealed` holds the gateway's token and what the owner recognises it by.

    `token_hash` is a keyed hash of the token, the only identifier in the gateway's events. `expiry_notice_at` is when
    the owner gets a notice of the expiry, as the sealed expiry cannot be searched; None once that is settled.
    """

    __tablename__ = "payment_methods"
    __table_args__ = (
        # At most one default, also under concurrency: the index decides.
        Index(
            "uq_payment_methods_default",
            "customer_id",
            unique=True,
            sqlite_where=DEFAULT_ONLY,
            postgresql_where=DEFAULT_ONLY,
        ),
        UniqueConstraint("customer_id", "token_hash"),
        Index(
            "ix_payment_methods_expiry_notice",
            "expiry_notice_at",
            sqlite_where=NOTICE_PENDING,
            postgresql_where=NOTICE_PENDING,
        ),
    )

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    gateway: str = Field(max_length=32)
    type: str = Field(max_length=16)
    token_hash: bytes = Field(index=True)
    sealed: bytes = binary_column()
    is_default: bool = False
    expiry_notice_at: datetime | None = timestamp_column(nullable=True)
    created_at: datetime = timestamp_column()
    updated_at: datetime = timestamp_column()


class GatewayCustomer(SQLModel, table=True):
    """The id of a customer at a gateway, in `sealed`."""

    __tablename__ = "gateway_customers"
    __table_args__ = (UniqueConstraint("customer_id", "gateway"),)

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    gateway: str = Field(max_length=32)
    sealed: bytes = binary_column()
    created_at: datetime = timestamp_column()


class GatewayAttempt(SQLModel, table=True):
    """An outbox row: a request to a gateway, written before the call and kept until both sides agree.

    `sealed` is sealed with the key of `attempts.service_box`, not with the customer's: a request must outlive an
    erasure. It is cleared as soon as the attempt is DONE.
    """

    __tablename__ = "gateway_attempts"
    __table_args__ = (
        Index("ix_gateway_attempts_due", "state", "next_attempt_at"),
        Index("ix_gateway_attempts_done", "updated_at", sqlite_where=IS_DONE, postgresql_where=IS_DONE),
    )

    customer_id: UUID = foreign_key("customers.id", primary_key=True)
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    kind: str = Field(max_length=16)
    state: str = Field(max_length=16)
    gateway: str = Field(max_length=32)
    token_hash: bytes | None = binary_column(nullable=True)
    sealed: bytes | None = binary_column(nullable=True)
    attempts: int = 0
    next_attempt_at: datetime = timestamp_column()
    created_at: datetime = timestamp_column()
    updated_at: datetime = timestamp_column()
