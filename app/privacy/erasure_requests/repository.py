"""Reads erasure requests."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlmodel import col

from app.platform.db.reading import Read, columns
from app.platform.graphql.pagination import COUNT_LIMIT
from app.platform.vault.vault import Store
from app.privacy.tables import ErasureRequest

TABLE = "erasure_requests"


class ErasureRequestStatus(Enum):
    """Where a request stands; `deciding` has the table of the changes."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"


class RequestRow(NamedTuple):
    """The columns of a request."""

    customer_id: UUID
    id: UUID
    status: str
    sealed: bytes | None
    requested_at: datetime
    decided_at: datetime | None
    decided_by_id: UUID | None


class RequestRecord(NamedTuple):
    """A request, and why it was declined, which nobody can read once the customer was erased."""

    row: RequestRow
    reason: str | None = None


_COLUMNS = columns(ErasureRequest, RequestRow)
_LATEST = Read(
    select(*_COLUMNS)
    .where(
        col(ErasureRequest.customer_id) == bindparam("customer_id"),
        col(ErasureRequest.organization_id) == bindparam("organization_id"),
    )
    .order_by(col(ErasureRequest.id).desc())
    .limit(1),
    RequestRow._make,
)


def row_of(request: ErasureRequest) -> RequestRow:
    """The columns of a row that was just written."""
    return RequestRow._make(getattr(request, name) for name in RequestRow._fields)


async def latest(store: Store, *, organization_id: UUID, customer_id: UUID) -> RequestRecord | None:
    """The newest request of a customer."""
    row = await store.database.row(_LATEST, organization_id=organization_id, customer_id=customer_id)
    return (await open_rows(store, [row]))[0] if row else None


def _conditions(
    organization_id: UUID, status: ErasureRequestStatus | None, after: UUID | None
) -> list[ColumnElement[bool]]:
    found = [col(ErasureRequest.organization_id) == organization_id]
    if status is not None:
        found.append(col(ErasureRequest.status) == status.value)
    if after is not None:
        found.append(col(ErasureRequest.id) > after)
    return found


async def page(
    store: Store, *, organization_id: UUID, status: ErasureRequestStatus | None, after: UUID | None, limit: int
) -> list[RequestRecord]:
    """Up to `limit` requests of an organization after the request `after`, oldest first."""
    statement = select(*_COLUMNS).where(*_conditions(organization_id, status, after)).order_by(col(ErasureRequest.id))
    return await open_rows(store, await store.database.rows(Read(statement.limit(limit), RequestRow._make)))


async def count(store: Store, *, organization_id: UUID, status: ErasureRequestStatus | None) -> int:
    """The number of requests, not counted beyond 10,001."""
    counted = select(col(ErasureRequest.id)).where(*_conditions(organization_id, status, None)).limit(COUNT_LIMIT)
    statement = select(func.count()).select_from(counted.subquery())
    return await store.database.row(Read(statement, lambda row: int(row[0]))) or 0


async def open_rows(store: Store, rows: Sequence[RequestRow]) -> list[RequestRecord]:
    """Unseal the reasons."""
    ciphers = await store.vault.ciphers({row.customer_id for row in rows if row.sealed})
    found = []
    for row in rows:
        cipher = ciphers.get(row.customer_id)
        opened = cipher.open(TABLE, row.id, row.sealed) if cipher and row.sealed else {}
        found.append(RequestRecord(row, opened.get("reason")))
    return found
