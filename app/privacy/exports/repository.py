"""Reads exports and their parts, and erases them."""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.clock import now
from app.platform.db.reading import Read, columns
from app.platform.vault.vault import Store
from app.privacy.tables import DataExport, DataExportPart

PARTS = "data_export_parts"


class DataExportStatus(Enum):
    """Where an export stands; `building` has the table of the changes."""

    REQUESTED = "REQUESTED"
    READY = "READY"
    FAILED = "FAILED"


class ExportRow(NamedTuple):
    """The columns of an export."""

    customer_id: UUID
    id: UUID
    status: str
    requested_by_id: UUID | None
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    size: int | None

    @property
    def asked_by(self) -> str:
        """Who asked for it."""
        return "SHOP" if self.requested_by_id else "CUSTOMER"


class _Part(NamedTuple):
    id: UUID
    position: int
    sealed: bytes


_OF_CUSTOMER = (
    col(DataExport.customer_id) == bindparam("customer_id"),
    col(DataExport.organization_id) == bindparam("organization_id"),
)
_ALL = Read(
    select(*columns(DataExport, ExportRow)).where(*_OF_CUSTOMER).order_by(col(DataExport.id).desc()), ExportRow._make
)
_PART = Read(
    select(*columns(DataExportPart, _Part)).where(
        col(DataExportPart.customer_id) == bindparam("customer_id"),
        col(DataExportPart.export_id) == bindparam("export_id"),
        col(DataExportPart.position) == bindparam("position"),
    ),
    _Part._make,
)


def row_of(export: DataExport) -> ExportRow:
    """The columns of a row that was just written."""
    return ExportRow._make(getattr(export, name) for name in ExportRow._fields)


async def of_customer(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[ExportRow]:
    """The exports of a customer, newest first; those that expired are not there any more."""
    rows = await store.database.rows(_ALL, organization_id=organization_id, customer_id=customer_id)
    moment = now()
    return [row for row in rows if row.expires_at is None or row.expires_at > moment]


async def content(store: Store, export: ExportRow) -> AsyncIterator[bytes]:
    """The ZIP file, part by part; raise `KeyDestroyed` when the customer is erased meanwhile."""
    position, remaining = 0, export.size or 0
    while remaining > 0:
        cipher = await store.vault.cipher(export.customer_id)
        part = await store.database.row(_PART, customer_id=export.customer_id, export_id=export.id, position=position)
        if part is None:
            # Erased or replaced while it was read: the response ends too early, which clients see by its length.
            return
        opened = cipher.open_bytes(PARTS, part.id, part.sealed)
        yield opened
        position, remaining = position + 1, remaining - len(opened)


async def delete_export(session: AsyncSession, *, customer_id: UUID, export_id: UUID) -> None:
    """Delete an export and its parts."""
    parts = delete(DataExportPart).where(
        col(DataExportPart.customer_id) == customer_id, col(DataExportPart.export_id) == export_id
    )
    await session.exec(parts)
    await session.exec(
        delete(DataExport).where(col(DataExport.customer_id) == customer_id, col(DataExport.id) == export_id)
    )


async def erase(session: AsyncSession, *, customer_id: UUID) -> None:
    """Delete all exports of a customer."""
    await session.exec(delete(DataExportPart).where(col(DataExportPart.customer_id) == customer_id))
    await session.exec(delete(DataExport).where(col(DataExport.customer_id) == customer_id))
