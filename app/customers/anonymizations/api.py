"""GraphQL type of a request to anonymize a customer."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import Info

from app.customers.anonymizations import repository
from app.customers.anonymizations.repository import AnonymizationRow, AnonymizationStatus, Irrecoverability
from app.identity.staff.api import StaffMember, load_staff_member
from app.platform.graphql import ids
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.vault.schedule import KeySchedule
from app.platform.vault.versions import all_destroyed_at

describe(
    AnonymizationStatus,
    "Where a request to anonymize a customer stands.",
    REQUESTED="It waits for its delay and can be cancelled.",
    STARTED="It is under way and can no longer be cancelled.",
    COMPLETED="Nothing personal is left.",
    FAILED="The last attempt failed; it is tried again.",
    CANCELLED="It was taken back before it started.",
)


@strawberry.type(description="A request to anonymize a customer or a guest: what became of it and when.")
class Anonymization:
    """The status of a request and when it changed."""

    id: strawberry.ID = strawberry.field(description="The request's id.")
    status: AnonymizationStatus = strawberry.field(description="Where it stands.")
    requested_at: datetime = strawberry.field(description="When it was requested.")
    starts_after: datetime = strawberry.field(description="It can be cancelled until then, and starts after.")
    started_at: datetime | None = strawberry.field(description="When it started.")
    completed_at: datetime | None = strawberry.field(description="When nothing personal was left.")
    failed_at: datetime | None = strawberry.field(description="When it failed last; it is tried again.")
    cancelled_at: datetime | None = strawberry.field(description="When it was cancelled.")
    row: strawberry.Private[AnonymizationRow]

    @strawberry.field(
        description="When the person's key was destroyed: since then nobody can read the person through the service, "
        "or from any backup of the main database."
    )
    def key_destroyed_at(self) -> datetime | None:
        """The moment that the ledger has: the main database takes it over."""
        return self.completed_at

    @strawberry.field(
        description="When nobody will be able to, who has every file and backup of both databases and today's keys: "
        "the last key version is destroyed. Null before the erasure, and without a schedule."
    )
    async def irrecoverable_by(self, info: Info[Context, None]) -> datetime | None:
        """By the schedule of key versions."""
        found = await self._irrecoverability(info)
        if found.key_version is None:
            return None
        return info.context.services.get(KeySchedule).irrecoverable_by(found.versions, version=found.key_version)

    @strawberry.field(description="Since when nobody can; null until then.")
    async def irrecoverable_at(self, info: Info[Context, None]) -> datetime | None:
        """When the last of the versions was destroyed."""
        found = await self._irrecoverability(info)
        if found.key_version is None:
            return None
        return all_destroyed_at(found.versions, version=found.key_version)

    @strawberry.field(
        description="Who has been asked to delete something and has not confirmed it yet: payment gateways, by name."
    )
    async def pending_at(self, info: Info[Context, None]) -> list[str]:
        """Loaded with a data loader."""
        if self.row.customer_id is None:
            return []
        return await info.context.load(repository.unanswered_gateways, self.row.customer_id)

    async def _irrecoverability(self, info: Info[Context, None]) -> Irrecoverability:
        if self.completed_at is None:
            return Irrecoverability([], None)
        return await info.context.load(repository.irrecoverable, self.row.id)

    @strawberry.field(description="Who requested it.")
    async def requester(self, info: Info[Context, None]) -> StaffMember | None:
        """Null for customers (`_visible_staff_member`)."""
        return await _visible_staff_member(info.context, self.row.requester_id) if self.row.requester_id else None

    @strawberry.field(description="Who cancelled it.")
    async def cancelled_by(self, info: Info[Context, None]) -> StaffMember | None:
        """Null for customers (`_visible_staff_member`)."""
        return await _visible_staff_member(info.context, self.row.canceller_id) if self.row.canceller_id else None


async def _visible_staff_member(context: Context, staff_id: UUID) -> StaffMember | None:
    # A customer may know that it is being anonymized, but not which employee requested it.
    return None if context.principal.customer_id else await load_staff_member(context, staff_id)


def to_anonymization(row: AnonymizationRow) -> Anonymization:
    """The GraphQL object of a request."""
    return Anonymization(
        id=ids.encode("Anonymization", row.id),
        status=AnonymizationStatus(row.status),
        requested_at=row.requested_at,
        starts_after=row.starts_after,
        started_at=row.started_at,
        completed_at=row.completed_at,
        failed_at=row.failed_at,
        cancelled_at=row.cancelled_at,
        row=row,
    )


async def load_latest_anonymization(context: Context, customer_id: UUID) -> Anonymization | None:
    """The latest request about a customer."""
    row = await context.load(repository.latest, customer_id)
    return to_anonymization(row) if row else None


async def load_anonymization(context: Context, request_id: UUID) -> Anonymization | None:
    """The request with this id in the caller's organization."""
    row = await repository.by_id(context.store, organization_id=context.organization.id, request_id=request_id)
    return to_anonymization(row) if row else None
