"""Reads anonymization requests."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, String, Uuid, bindparam, column, false, or_, select, table
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.customers.anonymizations.tables import AnonymizationRequest
from app.platform.db.reading import Read, any_of, columns
from app.platform.vault import ledger, versions
from app.platform.vault.vault import Store
from app.platform.vault.versions import VersionRow


class AnonymizationStatus(Enum):
    """The status of a request; `privacy.erasure` has the table of the changes.

    A unique index allows an owner one request that is REQUESTED, STARTED or FAILED.
    """

    REQUESTED = "REQUESTED"
    STARTED = "STARTED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class AnonymizationRow(NamedTuple):
    """The columns of a request."""

    id: UUID
    customer_id: UUID | None
    status: str
    requester_id: UUID | None
    canceller_id: UUID | None
    requested_at: datetime
    starts_after: datetime
    started_at: datetime | None
    completed_at: datetime | None
    failed_at: datetime | None
    cancelled_at: datetime | None


class Irrecoverability(NamedTuple):
    """All key versions, and the one that was current when the keys of an erasure were destroyed; None until then."""

    versions: list[VersionRow]
    key_version: int | None


class _Unanswered(NamedTuple):
    customer_id: UUID
    gateway: str


# Declared by name: a package does not import the tables of another one beside it.
_attempts = table("gateway_attempts", column("customer_id", Uuid), column("gateway", String), column("state", String))
_UNANSWERED = Read(
    select(_attempts.c.customer_id, _attempts.c.gateway).where(
        any_of(_attempts.c.customer_id, "ids"), _attempts.c.state != "DONE"
    ),
    _Unanswered._make,
)
_REQUESTS = Read(
    select(*columns(AnonymizationRequest, AnonymizationRow))
    .where(
        col(AnonymizationRequest.organization_id) == bindparam("organization_id"),
        any_of(AnonymizationRequest.owner_id, "ids"),
    )
    .order_by(col(AnonymizationRequest.id)),
    AnonymizationRow._make,
)
_BY_ID = Read(
    select(*columns(AnonymizationRequest, AnonymizationRow)).where(
        col(AnonymizationRequest.organization_id) == bindparam("organization_id"),
        col(AnonymizationRequest.id) == bindparam("id"),
    ),
    AnonymizationRow._make,
)


def customers_whose_latest_is(organization_id: UUID, statuses: Collection[AnonymizationStatus]) -> Select[Any]:
    """A subquery: the ids of the customers whose latest request has one of these statuses."""
    newer = aliased(AnonymizationRequest)
    superseded = select(col(newer.id)).where(
        col(newer.owner_id) == col(AnonymizationRequest.owner_id), col(newer.id) > col(AnonymizationRequest.id)
    )
    wanted = or_(false(), *(col(AnonymizationRequest.status) == one.value for one in statuses))
    return select(col(AnonymizationRequest.customer_id)).where(
        col(AnonymizationRequest.organization_id) == organization_id,
        col(AnonymizationRequest.customer_id).is_not(None),
        wanted,
        ~superseded.exists(),
    )


async def latest(store: Store, organization_id: UUID, ids: Sequence[UUID]) -> list[AnonymizationRow | None]:
    """The latest request about each of these customers, or None."""
    rows = await store.database.rows(_REQUESTS, organization_id=organization_id, ids=ids)
    found = {row.customer_id: row for row in rows}
    return [found.get(one) for one in ids]


async def irrecoverable(
    store: Store,
    organization_id: UUID,  # noqa: ARG001 - the caller has read the requests
    ids: Sequence[UUID],
) -> list[Irrecoverability]:
    """For each request, the versions of the key store, and the one that was current when its keys were destroyed."""
    keystore = store.vault.keystore
    rows, used = await versions.all_versions(keystore), await ledger.key_versions(keystore, ids)
    return [Irrecoverability(rows, used.get(one)) for one in ids]


async def unanswered_gateways(
    store: Store,
    organization_id: UUID,  # noqa: ARG001 - the caller has read the customers
    ids: Sequence[UUID],
) -> list[list[str]]:
    """For each customer, the payment gateways that have not confirmed yet what they were asked to delete."""
    rows = await store.database.rows(_UNANSWERED, ids=ids)
    return [sorted({row.gateway for row in rows if row.customer_id == one}) for one in ids]


async def by_id(store: Store, *, organization_id: UUID, request_id: UUID) -> AnonymizationRow | None:
    """The request with this id."""
    return await store.database.row(_BY_ID, organization_id=organization_id, id=request_id)
