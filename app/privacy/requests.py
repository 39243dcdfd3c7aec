"""Anonymization requests: request one, cancel one. `erasure` has the table of their states."""

from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.anonymizations.repository import AnonymizationRow, AnonymizationStatus
from app.customers.anonymizations.tables import AnonymizationRequest
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.inserts import insert_if_absent
from app.platform.db.locks import NO_KEY, lock_customer
from app.platform.errors import AppError, ErrorCode, NotFound

Status = AnonymizationStatus


class AlreadyRequested(AppError):
    """The customer has an open anonymization request."""

    code = ErrorCode.ALREADY_REQUESTED
    message = "The anonymization of this customer was requested already."
    field = ("customerId",)


class AlreadyStarted(AppError):
    """The anonymization has started, so it cannot be cancelled."""

    code = ErrorCode.ALREADY_STARTED
    message = "The anonymization has started and can no longer be cancelled."
    field = ("customerId",)


class NothingRequested(AppError):
    """The customer has no request that could be cancelled."""

    code = ErrorCode.NOT_FOUND
    message = "No anonymization of this customer is requested."
    field = ("customerId",)


async def request(
    session: AsyncSession, *, organization_id: UUID, customer_id: UUID, requester_id: UUID, delay: timedelta
) -> AnonymizationRow:
    """Request that the customer be anonymized after `delay`; raise `NotFound`, `AlreadyRequested`."""
    if not await lock_customer(session, organization_id=organization_id, customer_id=customer_id):
        raise NotFound(field=("customerId",))
    moment = now()
    values = {
        "id": new_id(),
        "organization_id": organization_id,
        "customer_id": customer_id,
        "status": Status.REQUESTED.value,
        "requester_id": requester_id,
        "requested_at": moment,
        "starts_after": moment + delay,
        "due_at": moment + delay,
        "attempts": 0,
    }
    if not await insert_if_absent(session, AnonymizationRequest, **values):
        raise AlreadyRequested
    return AnonymizationRow(**{name: values.get(name) for name in AnonymizationRow._fields})  # type: ignore[arg-type]


async def cancel(
    session: AsyncSession, *, organization_id: UUID, customer_id: UUID, canceller_id: UUID
) -> AnonymizationRow:
    """Cancel the open request; raise `NothingRequested`, or `AlreadyStarted` once the erasure has started."""
    latest = (
        select(AnonymizationRequest)
        .where(
            AnonymizationRequest.organization_id == organization_id,
            AnonymizationRequest.customer_id == customer_id,
        )
        .order_by(col(AnonymizationRequest.id).desc())
        .limit(1)
        .with_for_update(**NO_KEY)
    )
    row = (await session.exec(latest)).first()
    if row is None or row.status == Status.CANCELLED.value:
        raise NothingRequested
    if row.status != Status.REQUESTED.value:
        raise AlreadyStarted
    row.status = Status.CANCELLED.value
    row.cancelled_at = now()
    row.canceller_id = canceller_id
    session.add(row)
    return AnonymizationRow(**{name: getattr(row, name) for name in AnonymizationRow._fields})
