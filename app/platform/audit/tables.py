"""Tables of the audit log, whose rows are inserted and never changed, and of the Merkle tree over it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, SmallInteger, Uuid
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, owner_column, timestamp_column


class AuditEvent(SQLModel, table=True):
    """One act of one caller. It holds ids and field names only, so it identifies nobody after an erasure.

    The owner is the customer it is about, or else the organization, or the decoy of an address without an account.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        CheckConstraint("owner_id = coalesce(customer_id, owner_id)", name="owner"),
        Index("ix_audit_events_organization", "organization_id", "id"),
        Index("ix_audit_events_actor", "organization_id", "actor_id", "id"),
    )

    owner_id: UUID = owner_column()
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID | None = None
    actor_kind: str = Field(max_length=16)
    actor_id: UUID | None = None
    client_id: UUID | None = None
    action: str = Field(max_length=64)
    object_id: UUID | None = None
    fields: list[str] = Field(default_factory=list, sa_type=JSON)
    source: bytes | None = binary_column(nullable=True)
    request_id: str | None = Field(default=None, max_length=64)
    at: datetime = timestamp_column()


class AuditTree(SQLModel, table=True):
    """The Merkle tree over the audit log, one row: how many leaves it has, and its newest checkpoint.

    All events up to `built_until` are leaves. The row is locked by who adds leaves.
    """

    __tablename__ = "audit_trees"

    id: int = Field(primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    origin: str = Field(max_length=255)
    size: int = Field(sa_type=BigInteger)
    checkpoint: str = Field(max_length=1024)
    built_until: datetime = timestamp_column()


class AuditLeaf(SQLModel, table=True):
    """The place of an event in the tree."""

    __tablename__ = "audit_leaves"

    owner_id: UUID = Field(primary_key=True, sa_type=Uuid)
    event_id: UUID = Field(primary_key=True, sa_type=Uuid)
    position: int = Field(sa_type=BigInteger, index=True)


class AuditTile(SQLModel, table=True):
    """Hashes of the tree, in blocks of up to 256 (`tiles.py`)."""

    __tablename__ = "audit_tiles"

    level: int = Field(primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    position: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    hashes: bytes = binary_column()
