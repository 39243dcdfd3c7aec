"""Reads anonymization requests."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, false, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.customers.anonymizations.tables import AnonymizationRequest
from app.platform.db.reading import Read, any_of, columns
from app.platform.vault.vault import Store


class AnonymizationStatus(Enum):
    """The status of a request. `privacy.requests` and `privacy.erasure` change it.

    | From      | To        | On                                                       |
    | --------- | --------- | -------------------------------------------------------- |
    |           | REQUESTED | a staff member requests it                               |
    | REQUESTED | CANCELLED | it is cancelled; final                                   |
    | REQUESTED | STARTED   | its delay has passed, and a worker leases it             |
    | STARTED   | COMPLETED | every personal value and the key are gone; final         |
    | STARTED   | FAILED    | the erasure raised; due again after a growing delay      |
    | STARTED   | STARTED   | the lease has run out (a worker died): leased again      |
    | FAILED    | STARTED   | a worker leases it again                                 |

    Only REQUESTED can be cancelled. A unique index allows a customer one request that is REQUESTED, STARTED or
    FAILED.
    """

    REQUESTED = "REQUESTED"
    STARTED = "STARTED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class AnonymizationRow(NamedTuple):
    """The columns of a request."""

    id: UUID
    customer_id: UUID
    status: str
    requester_id: UUID
    canceller_id: UUID | None
    requested_at: datetime
    starts_after: datetime
    started_at: datetime | None
    completed_at: datetime | None
    failed_at: datetime | None
    cancelled_at: datetime | None


_REQUESTS = Read(
    select(*columns(AnonymizationRequest, AnonymizationRow))
    .where(
        col(AnonymizationRequest.organization_id) == bindparam("organization_id"),
        any_of(AnonymizationRequest.customer_id, "ids"),
    )
    .order_by(col(AnonymizationRequest.id)),
    AnonymizationRow._make,
)


def customers_whose_latest_is(organization_id: UUID, statuses: Collection[AnonymizationStatus]) -> Select[Any]:
    """A subquery: the ids of the customers whose latest request has one of these statuses."""
    newer = aliased(AnonymizationRequest)
    superseded = select(col(newer.id)).where(
        col(newer.customer_id) == col(AnonymizationRequest.customer_id), col(newer.id) > col(AnonymizationRequest.id)
    )
    wanted = or_(false(), *(col(AnonymizationRequest.status) == one.value for one in statuses))
    return select(col(AnonymizationRequest.customer_id)).where(
        col(AnonymizationRequest.organization_id) == organization_id, wanted, ~superseded.exists()
    )


async def latest(store: Store, organization_id: UUID, ids: Sequence[UUID]) -> list[AnonymizationRow | None]:
    """The latest request about each of these customers, or None."""
    rows = await store.database.rows(_REQUESTS, organization_id=organization_id, ids=ids)
    found = {row.customer_id: row for row in rows}
    return [found.get(one) for one in ids]
