"""Table of the counters of wrong guesses."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from app.platform.db.columns import foreign_key, timestamp_column


class GuessCounter(SQLModel, table=True):
    """Wrong guesses about one name, from one source, or from one known device, by a keyed hash of which it is.

    `customer_id` is set where the name belongs to somebody, so that an erasure finds the counter.
    """

    __tablename__ = "guess_counters"

    key_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID | None = foreign_key("customers.id", nullable=True, index=True)
    failures: int = 0
    last_failed_at: datetime = timestamp_column(index=True)
    blocked_until: datetime = timestamp_column()
