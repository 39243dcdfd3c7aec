"""Repository of login sessions: reads those of a customer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, func, not_, select
from sqlmodel import col

from app.identity.sessions.service import TABLE, EndReason
from app.identity.sessions.tables import LoginSession
from app.platform.clock import now
from app.platform.db.columns import TIMESTAMP
from app.platform.db.reading import Read, columns
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.vault import Store

MAX_ID = UUID(int=2**128 - 1)

YOUNG = timedelta(minutes=5)


class LoginSessionRow(NamedTuple):
    """The columns that every read of a session selects."""

    id: UUID
    customer_id: UUID
    sealed_device: bytes | None
    created_at: datetime
    last_used_at: datetime
    idle_expires_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_reason: str | None


class LoginSessionRecord(NamedTuple):
    """A session with its device unsealed. An expired session counts as ended, with the reason `EXPIRED`."""

    id: UUID
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_reason: EndReason | None

    def to_export(self) -> dict[str, object]:
        """The session as JSON values, for a data export."""
        return {
            "device": self.user_agent,
            "createdAt": self.created_at.isoformat(),
            "lastUsedAt": self.last_used_at.isoformat(),
            "endedAt": self.ended_at.isoformat() if self.ended_at else None,
            "endedReason": self.ended_reason.value if self.ended_reason else None,
        }


class _CountRow(NamedTuple):
    number: int


_BY_CUSTOMER = (
    col(LoginSession.organization_id) == bindparam("organization_id"),
    col(LoginSession.owner_id) == bindparam("customer_id"),
)
_LIVES = and_(
    col(LoginSession.ended_at).is_(None),
    col(LoginSession.idle_expires_at) > bindparam("moment", type_=TIMESTAMP),
    col(LoginSession.expires_at) > bindparam("moment", type_=TIMESTAMP),
)
_CONDITIONS: dict[bool | None, tuple[ColumnElement[bool], ...]] = {
    None: _BY_CUSTOMER,
    True: (*_BY_CUSTOMER, _LIVES),
    False: (*_BY_CUSTOMER, not_(_LIVES)),
}
_PAGES = {
    active: Read(
        select(*columns(LoginSession, LoginSessionRow))
        .where(*conditions, col(LoginSession.id) < bindparam("before"))
        .order_by(col(LoginSession.id).desc())
        .limit(bindparam("limit")),
        LoginSessionRow._make,
    )
    for active, conditions in _CONDITIONS.items()
}
_BY_ID = Read(
    select(*columns(LoginSession, LoginSessionRow)).where(*_BY_CUSTOMER, col(LoginSession.id) == bindparam("id")),
    LoginSessionRow._make,
)
_COUNTS = {
    active: Read(select(func.count()).select_from(LoginSession).where(*conditions), _CountRow._make)
    for active, conditions in _CONDITIONS.items()
}
_ALL = Read(
    select(*columns(LoginSession, LoginSessionRow)).where(*_BY_CUSTOMER).order_by(col(LoginSession.id)),
    LoginSessionRow._make,
)


async def page_by_customer(
    store: Store,
    *,
    organization_id: UUID,
    customer_id: UUID,
    before: UUID | None,
    limit: int,
    active: bool | None = None,
) -> list[LoginSessionRecord]:
    """Up to `limit` sessions of a customer that started before the session `before`, newest first.

    `active` selects those that live, or those that do not.
    """
    rows = await store.database.rows(
        _PAGES[active],
        organization_id=organization_id,
        customer_id=customer_id,
        before=before or MAX_ID,
        limit=limit,
        **({} if active is None else {"moment": now()}),
    )
    return await _open_rows(store, customer_id, rows)


async def by_id(
    store: Store, *, organization_id: UUID, customer_id: UUID, session_id: UUID
) -> LoginSessionRecord | None:
    """One session of a customer, ended or not; None if there is none."""
    rows = await store.database.rows(_BY_ID, organization_id=organization_id, customer_id=customer_id, id=session_id)
    return next(iter(await _open_rows(store, customer_id, rows)), None)


async def is_young(store: Store, *, organization_id: UUID, customer_id: UUID, session_id: UUID) -> bool:
    """Whether a login is at most 5 minutes old: fresh enough for what a stolen session must not be enough for."""
    found = await by_id(store, organization_id=organization_id, customer_id=customer_id, session_id=session_id)
    return found is not None and found.created_at + YOUNG >= now()


async def count_by_customer(
    store: Store, *, organization_id: UUID, customer_id: UUID, active: bool | None = None
) -> int:
    """The number of a customer's sessions, ended ones included unless `active` says otherwise."""
    passed: dict[str, object] = {} if active is None else {"moment": now()}
    row = await store.database.row(_COUNTS[active], organization_id=organization_id, customer_id=customer_id, **passed)
    return row.number if row else 0


async def export(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[dict[str, object]]:
    """All stored data about a customer's sessions, for a data export."""
    rows = await store.database.rows(_ALL, organization_id=organization_id, customer_id=customer_id)
    return [record.to_export() for record in await _open_rows(store, customer_id, rows)]


async def _open_rows(store: Store, customer_id: UUID, rows: Sequence[LoginSessionRow]) -> list[LoginSessionRecord]:
    cipher = (await store.vault.ciphers([customer_id])).get(customer_id)
    return [to_record(row, cipher) for row in rows] if cipher else []


def to_row(login_session: LoginSession) -> LoginSessionRow:
    """The read columns of a session that is loaded as a table object."""
    return LoginSessionRow(*(getattr(login_session, name) for name in LoginSessionRow._fields))


def to_record(row: LoginSessionRow, cipher: DataKeyCipher) -> LoginSessionRecord:
    """Unseal a row."""
    device = cipher.open(TABLE, row.id, row.sealed_device) if row.sealed_device else {}
    expires = min(row.idle_expires_at, row.expires_at)
    expired = row.ended_at is None and expires <= now()
    reason = EndReason.EXPIRED if expired else EndReason(row.ended_reason) if row.ended_reason else None
    return LoginSessionRecord(
        row.id,
        device.get("user_agent", ""),
        row.created_at,
        row.last_used_at,
        expires,
        expires if expired else row.ended_at,
        reason,
    )
