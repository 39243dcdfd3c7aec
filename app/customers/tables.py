"""Tables of customers and of their login identifiers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, Uuid
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, timestamp_column


class Customer(SQLModel, table=True):
    """One person as a customer of one organization. Everything personal is in `sealed`.

    The password hash is sealed too: a stolen copy of this table cannot be cracked without the key store.
    An erased customer's row stays, without any sealed value. A deleted customer's row stays too, as other rows refer to
    it, but no read returns it.
    """

    __tablename__ = "customers"
    __table_args__ = (
        Index("ix_customers_organization", "organization_id", "id"),
        Index("ix_customers_group", "group_id", "id"),
        Index("ix_customers_created", "organization_id", "created_at", "id"),
        Index("ix_customers_updated", "organization_id", "updated_at", "id"),
        Index("ix_customers_orders", "organization_id", "placed_orders", "id"),
        Index("ix_customers_reference", "organization_id", "reference_hash"),
    )

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    sealed: bytes | None = binary_column(nullable=True)
    sealed_password: bytes | None = binary_column(nullable=True)
    shopper_reference: str = Field(max_length=128)
    reference_hash: bytes | None = binary_column(nullable=True)
    placed_orders: int = 0
    group_id: UUID | None = foreign_key("customer_groups.id", nullable=True)
    newsletter: bool = False
    approval: str | None = Field(default=None, max_length=16)
    # Of the sealed acceptance, so that the back office finds who has not accepted the newest; it names a document.
    terms_version: str | None = Field(default=None, max_length=64)
    email_verified_at: datetime | None = timestamp_column(nullable=True)
    version: int = 1
    created_at: datetime = timestamp_column()
    updated_at: datetime = timestamp_column()
    erased_at: datetime | None = timestamp_column(nullable=True)
    deleted_at: datetime | None = timestamp_column(nullable=True)


class LoginIdentifier(SQLModel, table=True):
    """The owner of an email address or a login name; the primary key decides who has it in an organization.

    `customer_id` is no foreign key: on several machines the customer may be on another one.
    """

    __tablename__ = "login_identifiers"

    organization_id: UUID = Field(primary_key=True, foreign_key="organizations.id", sa_type=Uuid)
    kind: str = Field(primary_key=True, sa_type=String(16))
    keyed_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    customer_id: UUID = Field(index=True, sa_type=Uuid)


class ShopperReference(SQLModel, table=True):
    """The customer who has a shopper reference; the primary key decides who has it in an organization."""

    __tablename__ = "shopper_references"

    organization_id: UUID = foreign_key("organizations.id", primary_key=True)
    shopper_reference: str = Field(primary_key=True, sa_type=String(128))
    customer_id: UUID = Field(sa_type=Uuid, index=True)
