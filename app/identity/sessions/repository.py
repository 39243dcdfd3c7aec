"""Reads the sessions of a customer."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlmodel import col

from app.identity.sessions.service import TABLE, EndReason
from app.identity.sessions.tables import Session
from app.platform.clock import now
from app.platform.db.reading import Read, columns
from app.platform.vault.sealing import Box
from app.platform.vault.vault import Store

LAST_ID = UUID(int=2**128 - 1)


class SessionRow(NamedTuple):
    """The columns every read of a session selects."""

    id: UUID
    customer_id: UUID
    sealed_device: bytes | None
    created_at: datetime
    last_used_at: datetime
    idle_expires_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_reason: str | None


class SessionRecord(NamedTuple):
    """A session, opened; one that expired has ended without anybody's doing."""

    id: UUID
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_reason: EndReason | None

    def exported(self) -> dict[str, object]:
        """All of it as JSON can say it."""
        return {
            "device": self.user_agent,
            "createdAt": self.created_at.isoformat(),
            "lastUsedAt": self.last_used_at.isoformat(),
            "endedAt": self.ended_at.isoformat() if self.ended_at else None,
            "endedReason": self.ended_reason.value if self.ended_reason else None,
        }


class _Number(NamedTuple):
    found: int


_OF_CUSTOMER = (
    col(Session.organization_id) == bindparam("organization_id"),
    col(Session.customer_id) == bindparam("customer_id"),
)
_PAGE = Read(
    select(*columns(Session, SessionRow))
    .where(*_OF_CUSTOMER, col(Session.id) < bindparam("before"))
    .order_by(col(Session.id).desc())
    .limit(bindparam("most")),
    SessionRow._make,
)
_COUNT = Read(select(func.count()).select_from(Session).where(*_OF_CUSTOMER), _Number._make)
_ALL = Read(select(*columns(Session, SessionRow)).where(*_OF_CUSTOMER).order_by(col(Session.id)), SessionRow._make)


async def page_of(
    store: Store, *, organization_id: UUID, customer_id: UUID, before: UUID | None, most: int
) -> list[SessionRecord]:
    """Up to `most` sessions of a customer that started before the session `before`, newest first."""
    rows = await store.database.rows(
        _PAGE, organization_id=organization_id, customer_id=customer_id, before=before or LAST_ID, most=most
    )
    return await _opened(store, customer_id, rows)


async def count_of(store: Store, *, organization_id: UUID, customer_id: UUID) -> int:
    """How many sessions a customer has or had."""
    row = await store.database.row(_COUNT, organization_id=organization_id, customer_id=customer_id)
    return row.found if row else 0


async def export(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[dict[str, object]]:
    """All that is kept of a customer's sessions, for the customer to read."""
    rows = await store.database.rows(_ALL, organization_id=organization_id, customer_id=customer_id)
    return [record.exported() for record in await _opened(store, customer_id, rows)]


async def _opened(store: Store, customer_id: UUID, rows: Sequence[SessionRow]) -> list[SessionRecord]:
    box = (await store.vault.boxes([customer_id])).get(customer_id)
    return [record_of(row, box) for row in rows] if box else []


def row_of(session: Session) -> SessionRow:
    """The columns of a row that was just written."""
    return SessionRow(*(getattr(session, name) for name in SessionRow._fields))


def record_of(row: SessionRow, box: Box) -> SessionRecord:
    """The record of a row."""
    device = box.open(TABLE, row.id, row.sealed_device) if row.sealed_device else {}
    expires = min(row.idle_expires_at, row.expires_at)
    expired = row.ended_at is None and expires <= now()
    reason = EndReason.EXPIRED if expired else EndReason(row.ended_reason) if row.ended_reason else None
    return SessionRecord(
        row.id,
        device.get("user_agent", ""),
        row.created_at,
        row.last_used_at,
        expires,
        expires if expired else row.ended_at,
        reason,
    )
