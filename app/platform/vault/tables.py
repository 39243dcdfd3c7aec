"""Tables of the key store, a separate database: no backup of the main database contains a key. And both epochs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, MetaData, SmallInteger, Text, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from app.platform.db.columns import NAMING_CONVENTION, binary_column, id_column, owner_column, timestamp_column

keystore_metadata = MetaData(naming_convention=NAMING_CONVENTION)


class KeystoreModel(SQLModel, registry=registry(metadata=keystore_metadata)):
    """Base of the tables in the key store."""

    metadata = keystore_metadata


class KeyVersion(KeystoreModel, table=True):
    """A key version: `wrapped` is the version key, wrapped by the provider; null once the version was destroyed.

    The one with `replaced_at` null is the current version. Every transaction that stores a wrapped key reads it (FOR
    SHARE).
    """

    __tablename__ = "key_versions"

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    provider: str = Field(max_length=16)
    wrapped: bytes | None = binary_column(nullable=True)
    created_at: datetime = timestamp_column()
    replaced_at: datetime | None = timestamp_column(nullable=True)
    rewrapped_at: datetime | None = timestamp_column(nullable=True)
    retiring_at: datetime | None = timestamp_column(nullable=True)
    destroyed_at: datetime | None = timestamp_column(nullable=True)


class KeystoreBackup(KeystoreModel, table=True):
    """A backup of the key store: none of the keys in it was wrapped by a version before `oldest_version`."""

    __tablename__ = "keystore_backups"

    id: UUID = id_column()
    started_at: datetime = timestamp_column()
    finished_at: datetime = timestamp_column()
    oldest_version: int
    row_count: int
    sha256: bytes = binary_column()


class PersonKey(KeystoreModel, table=True):
    """The data key of one customer, guest order or staff member, wrapped by a version key."""

    __tablename__ = "person_keys"

    person_id: UUID = id_column()
    organization_id: UUID
    wrapped: bytes = binary_column()
    master_version: int = Field(index=True)
    created_at: datetime = timestamp_column()


class SystemKey(KeystoreModel, table=True):
    """A key of the system, wrapped by a version key: the root of all fingerprints, or a signing key."""

    __tablename__ = "system_keys"

    id: UUID = id_column()
    purpose: str = Field(index=True, max_length=32)
    wrapped: bytes = binary_column()
    master_version: int = Field(index=True)
    created_at: datetime = timestamp_column()
    retired_at: datetime | None = timestamp_column(nullable=True)


IS_OPEN = text("status IN ('REQUESTED', 'STARTED')")


class Erasure(KeystoreModel, table=True):
    """The ledger of erasures: what became of each request. A restore of the main database does not affect it.

    `epoch` is that of the key store when the row last changed, so that a restored main database can catch up.
    `key_version` is the version that was current when the keys were destroyed: no later one ever wrapped them.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        Index("uq_erasures_open", "person_id", unique=True, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
    )

    id: UUID = id_column()
    organization_id: UUID
    subject: str = Field(max_length=16)
    person_id: UUID
    guest_hash: bytes | None = binary_column(nullable=True)
    status: str = Field(default="REQUESTED", max_length=16)
    requester_id: UUID | None = None
    canceller_id: UUID | None = None
    requested_at: datetime = timestamp_column()
    starts_after: datetime = timestamp_column()
    started_at: datetime | None = timestamp_column(nullable=True)
    cancelled_at: datetime | None = timestamp_column(nullable=True)
    completed_at: datetime | None = timestamp_column(nullable=True)
    epoch: int = Field(default=0, index=True)
    key_version: int | None = None


class ErasureHold(KeystoreModel, table=True):
    """A legal hold: while one is in force, the person's erasure does not start. Its reason is in the main database.

    `epoch` is that of the key store when the row last changed, so that a restored main database can catch up.
    """

    __tablename__ = "erasure_holds"

    id: UUID = id_column()
    organization_id: UUID
    person_id: UUID = Field(index=True)
    until: datetime | None = timestamp_column(nullable=True)
    placed_at: datetime = timestamp_column()
    released_at: datetime | None = timestamp_column(nullable=True)
    epoch: int = Field(default=0, index=True)


class ErasureReceipt(KeystoreModel, table=True):
    """The receipt of an erasure (number 1), and the one that says that it became irrecoverable (number 2)."""

    __tablename__ = "erasure_receipts"

    erasure_id: UUID = owner_column()
    number: int = Field(primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    organization_id: UUID
    jws: str = Field(sa_type=Text)
    issued_at: datetime = timestamp_column()


class DestroyedKey(KeystoreModel, table=True):
    """A data key that an erasure destroyed: what it sealed, also in a restored main database, is of an erased person.

    `epoch` is that of the key store when it was destroyed.
    """

    __tablename__ = "destroyed_keys"

    person_id: UUID = id_column()
    organization_id: UUID
    epoch: int = Field(index=True)


class KeystoreEpoch(KeystoreModel, table=True):
    """The epoch of the key store, in the only row; `pair_id` is in both databases that belong together."""

    __tablename__ = "keystore_epoch"

    id: int = Field(primary_key=True)
    pair_id: UUID
    epoch: int
    advanced_at: datetime = timestamp_column()


class MainEpoch(SQLModel, table=True):
    """The epoch of the main database, in the only row: compared with that of the key store, it tells of a restore."""

    __tablename__ = "main_epoch"

    id: int = Field(primary_key=True)
    pair_id: UUID
    epoch: int
    advanced_at: datetime = timestamp_column()


class AuditCheckpoint(KeystoreModel, table=True):
    """The newest signed checkpoint of each day of the tree over the audit log, which is in the main database."""

    __tablename__ = "audit_checkpoints"

    origin: str = Field(primary_key=True, max_length=255)
    day: str = Field(primary_key=True, max_length=10)
    tree_size: int = Field(sa_type=BigInteger)
    checkpoint: str = Field(max_length=1024)
    created_at: datetime = timestamp_column()
