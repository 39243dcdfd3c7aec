"""Base columns of all tables: ids that sort by time, moments in UTC, sealed bytes."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import DateTime, Dialect, LargeBinary, MetaData, TypeDecorator, Uuid
from sqlmodel import Field, SQLModel

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING_CONVENTION


class _UtcText(TypeDecorator[datetime]):
    """SQLite keeps moments as text without a zone; ours are always UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.replace(tzinfo=UTC) if value else None


TIMESTAMP = DateTime(timezone=True).with_variant(_UtcText(), "sqlite")
main_metadata: MetaData = SQLModel.metadata


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562): ids made later sort later, so new rows sit together on disk."""
    return uuid_utils.compat.uuid7()


def id_column() -> Any:
    """The primary key of a table, made by the program before the row is."""
    return Field(default_factory=new_id, primary_key=True, sa_type=Uuid)


def foreign_key(target: str, *, index: bool = False, nullable: bool = False, primary_key: bool = False) -> Any:
    """An id of `target` (`table.column`), named by string: rooms do not import each other's tables."""
    if nullable:
        return Field(default=None, foreign_key=target, index=index, nullable=True, sa_type=Uuid)
    return Field(foreign_key=target, index=index, primary_key=primary_key, sa_type=Uuid)


def timestamp_column(*, nullable: bool = False, index: bool = False) -> Any:
    """A point in time, UTC."""
    if nullable:
        return Field(default=None, nullable=True, index=index, sa_type=TIMESTAMP)
    return Field(index=index, sa_type=TIMESTAMP)


def binary_column(*, nullable: bool = False) -> Any:
    """Sealed values, hashes: bytes nobody reads by eye."""
    if nullable:
        return Field(default=None, nullable=True, sa_type=LargeBinary)
    return Field(sa_type=LargeBinary)
