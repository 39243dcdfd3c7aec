"""Table of guess counters."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid
from sqlmodel import Field, SQLModel

from app.platform.db.columns import foreign_key, timestamp_column


class GuessCounter(SQLModel, table=True):
    """The number of wrong passwords for one name, one source or one known device.

    `key_hash` is a keyed hash of the kind and the value. `customer_id` is set where a customer has the name, so that
    an erasure finds the counter; it is no foreign key, as the customer may be on another machine.
    """

    __tablename__ = "guess_counters"

    key_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID | None = Field(default=None, index=True, sa_type=Uuid)
    failures: int = 0
    last_failed_at: datetime = timestamp_column(index=True)
    blocked_until: datetime = timestamp_column()
