"""Table of one-time proofs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, owner_column, timestamp_column


class Proof(SQLModel, table=True):
    """What a mail handed out. A used one is deleted, or stays for a repeated click (`Purpose.is_repeatable`).

    The unique index makes a newer proof replace the older one. `about_hash` is empty, except for a purpose that may
    have several open proofs. `customer_id` is no foreign key, because a proof is also written for an address without
    an account (`repository.decoy_customer_id`).
    """

    __tablename__ = "proofs"
    __table_args__ = (UniqueConstraint("customer_id", "purpose", "about_hash"),)

    customer_id: UUID = owner_column()
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    purpose: str = Field(max_length=32)
    about_hash: bytes = Field(default=b"", sa_type=LargeBinary)
    token_hash: bytes = binary_column()
    code_hash: bytes | None = binary_column(nullable=True)
    code_tries: int = 0
    sealed: bytes | None = binary_column(nullable=True)
    created_at: datetime = timestamp_column()
    expires_at: datetime = timestamp_column(index=True)
    used_at: datetime | None = timestamp_column(nullable=True)
