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


class PersonKey(KeystoreModel, table=True):
    """The data key of one customer or staff member, wrapped by the master key."""

    __tablename__ = "person_keys"

    person_id: UUID = id_column()
    organization_id: UUID
    wrapped: bytes = binary_column()
    master_version: int = Field(index=True)
    created_at: datetime = timestamp_column()


class SystemKey(KeystoreModel, table=True):
    """A key of the system, wrapped by the master key: the root of all fingerprints, or a signing key."""

    __tablename__ = "system_keys"

    id: UUID = id_column()
    purpose: str = Field(index=True, max_length=32)
    wrapped: bytes = binary_column()
    master_version: int = Field(index=True)
    created_at: datetime = timestamp_column()
    retired_at: datetime | None = timestamp_column(nullable=True)


class Erasure(KeystoreModel, table=True):
    """The ledger of erasures: who was erased, and when. A restore of the main database does not affect it."""

    __tablename__ = "erasures"

    customer_id: UUID = id_column()
    organization_id: UUID
    anonymization_id: UUID
    key_destroyed_at: datetime = timestamp_column()
