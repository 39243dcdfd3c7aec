"""Tables of the key store, a separate database: no backup of the main database contains a key."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import MetaData
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from app.platform.db.columns import NAMING_CONVENTION, binary_column, id_column, timestamp_column

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


class Erasure(KeystoreModel, table=True):
    """The ledger of erasures: who was erased, and when. A restore of the main database does not affect it.

    `key_version` is the version that was current then: no later one ever wrapped the key.
    """

    __tablename__ = "erasures"

    customer_id: UUID = id_column()
    organization_id: UUID
    anonymization_id: UUID
    key_destroyed_at: datetime = timestamp_column()
    key_version: int
