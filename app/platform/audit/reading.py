"""Reads the audit log in pages, newest first: of one customer, or of an organization with conditions."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlmodel import col

from app.platform.audit.tables import AuditEvent
from app.platform.audit.tree import LATE, first_id_at
from app.platform.db.engine import Database
from app.platform.db.reading import Read, columns
from app.platform.graphql.pagination import COUNT_LIMIT

MAX_ID = UUID(int=2**128 - 1)


class LoggedEvent(NamedTuple):
    """The columns of an event that may be shown."""

    id: UUID
    customer_id: UUID | None
    actor_kind: str
    actor_id: UUID | None
    client_id: UUID | None
    action: str
    fields: list[str]
    request_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class EventConditions:
    """Which events of an organization; None is no condition. `since` is included, `until` is not."""

    customer_id: UUID | None = None
    actor_id: UUID | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def names(self) -> list[str]:
        """The names of the conditions that are set."""
        return [one.name for one in fields(self) if getattr(self, one.name) is not None]


def _conditions(organization_id: UUID, chosen: EventConditions, before: UUID | None) -> list[ColumnElement[bool]]:
    found: list[Any] = [col(AuditEvent.organization_id) == organization_id]
    for name, column in (("customer_id", AuditEvent.owner_id), ("actor_id", AuditEvent.actor_id)):
        if (value := getattr(chosen, name)) is not None:
            found.append(col(column) == value)
    if chosen.action is not None:
        found.append(col(AuditEvent.action) == chosen.action)
    if before is not None:
        found.append(col(AuditEvent.id) < before)
    # An id is made a little before or after its event's time: it bounds the range of the index, the time decides.
    if chosen.since is not None:
        found += [col(AuditEvent.at) >= chosen.since, col(AuditEvent.id) >= first_id_at(chosen.since - LATE)]
    if chosen.until is not None:
        found += [col(AuditEvent.at) < chosen.until, col(AuditEvent.id) < first_id_at(chosen.until + LATE)]
    return found


async def page(
    database: Database, *, organization_id: UUID, chosen: EventConditions, before: UUID | None, limit: int
) -> list[LoggedEvent]:
    """Up to `limit` events before the event `before`, newest first."""
    statement = (
        select(*columns(AuditEvent, LoggedEvent))
        .where(*_conditions(organization_id, chosen, before))
        .order_by(col(AuditEvent.id).desc())
        .limit(limit)
    )
    return await database.rows(Read(statement, LoggedEvent._make))


async def count(database: Database, *, organization_id: UUID, chosen: EventConditions) -> int:
    """The number of events, not counted beyond 10,001."""
    counted = (
        select(col(AuditEvent.id)).where(*_conditions(organization_id, chosen, None)).limit(COUNT_LIMIT).subquery()
    )
    return await database.row(Read(select(func.count()).select_from(counted), lambda row: int(row[0]))) or 0


_OF_CUSTOMER = (
    col(AuditEvent.owner_id) == bindparam("customer_id"),
    col(AuditEvent.organization_id) == bindparam("organization_id"),
)
_PAGE = Read(
    select(*columns(AuditEvent, LoggedEvent))
    .where(*_OF_CUSTOMER, col(AuditEvent.id) < bindparam("before"))
    .order_by(col(AuditEvent.id).desc())
    .limit(bindparam("limit")),
    LoggedEvent._make,
)
_COUNT = Read(
    select(func.count()).select_from(select(col(AuditEvent.id)).where(*_OF_CUSTOMER).limit(COUNT_LIMIT).subquery()),
    lambda row: int(row[0]),
)


async def page_of_customer(
    database: Database, *, organization_id: UUID, customer_id: UUID, before: UUID | None, limit: int
) -> list[LoggedEvent]:
    """Up to `limit` events of one customer's record before the event `before`, newest first."""
    return await database.rows(
        _PAGE, organization_id=organization_id, customer_id=customer_id, before=before or MAX_ID, limit=limit
    )


async def count_of_customer(database: Database, *, organization_id: UUID, customer_id: UUID) -> int:
    """The number of events of one customer's record, not counted beyond 10,001."""
    return await database.row(_COUNT, organization_id=organization_id, customer_id=customer_id) or 0
