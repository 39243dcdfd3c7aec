"""Table of guess counters."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from app.platform.db.columns import foreign_key, timestamp_column


class GuessCounter(SQLModel, table=True):
    """The number of wrong passwords for one name, one source or one known device.

    `key_hash` is a keyed hash of the kind and the value. `customer_id` is set where a customer has the name, so that
    an erasure finds the counter.
    """

    __tablename__ = "guess_counters"

    key_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID | None = foreign_key("customers.id", nullable=True, index=True)
    failures: int = 0
    last_failed_at: datetime = timestamp_column(index=True)
    blocked_until: datetime = timestamp_column()
