"""Requests of exports.

| The customer's exports          | The customer asks                    | Staff ask          |
| ------------------------------- | ------------------------------------ | ------------------ |
| none                            | REQUESTED                            | REQUESTED          |
| one of its own waits            | `AlreadyRequested`                   | REQUESTED          |
| one of staff waits              | REQUESTED                            | `AlreadyRequested` |
| one of its own, made today      | `RateLimited` until a day is over    | REQUESTED          |
| (the customer is erased)        | (cannot log in)                      | `NotFound`         |
"""

from datetime import timedelta
from math import ceil
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.locks import lock_customer
from app.platform.errors import AppError, ErrorCode, NotFound, RateLimited
from app.privacy.exports.repository import DataExportStatus, ExportRow, row_of
from app.privacy.tables import DataExport

INTERVAL = timedelta(days=1)


class ExportRequested(AppError):
    """An export is being made already."""

    code = ErrorCode.ALREADY_REQUESTED
    message = "An export is being made already."


async def request(
    session: AsyncSession, *, organization_id: UUID, customer_id: UUID, staff_id: UUID | None
) -> ExportRow:
    """Request an export for the customer, or for a staff member; raise as the module says."""
    if not await lock_customer(session, organization_id=organization_id, customer_id=customer_id):
        raise NotFound(field=("customerId",))
    moment = now()
    same_side = col(DataExport.requested_by_id).is_(None) == (staff_id is None)
    found = (await session.exec(select(DataExport).where(DataExport.customer_id == customer_id, same_side))).all()
    if any(row.status != DataExportStatus.READY.value for row in found):
        raise ExportRequested
    wait = max(((row.requested_at + INTERVAL - moment).total_seconds() for row in found), default=0)
    if staff_id is None and wait > 0:
        raise RateLimited(ceil(wait))
    row = DataExport(
        customer_id=customer_id,
        id=new_id(),
        organization_id=organization_id,
        status=DataExportStatus.REQUESTED.value,
        requested_by_id=staff_id,
        requested_at=moment,
        due_at=moment,
    )
    session.add(row)
    return row_of(row)
