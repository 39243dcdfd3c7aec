"""GraphQL query of the retention, for staff. What is kept how long is a setting of the organization."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import strawberry
from sqlalchemy import bindparam, select
from sqlmodel import col

from app.platform.db.reading import Read, columns
from app.platform.graphql.access import staff
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.fields import query
from app.platform.jobs import states
from app.platform.principal import Scope
from app.privacy.retention.applying import RetentionCategory
from app.privacy.tables import RetentionRun

JOB = "apply-retention"

describe(
    RetentionCategory,
    "What is kept for a time only.",
    SESSIONS="Logins that ended or expired: `retainSessionsDays`.",
    MAILS="That a mail was sent: `retainMailsDays`.",
    IDLE_GUESTS="Customers without a password or the newsletter, whom nothing was changed of or ordered by: "
    "`retainIdleGuestsDays`. Those with orders are anonymized.",
    ORDERS="Orders, also of people who were erased: `retainOrdersDays`.",
)


@strawberry.type(description="For how long a category is kept, and what was removed lately.")
class Retention:
    """One category of the organization."""

    category: RetentionCategory = strawberry.field(description="What it is.")
    keep_days: int | None = strawberry.field(
        description="For how many days it is kept, a setting of the organization; null for ever."
    )
    last_run_at: datetime | None = strawberry.field(description="When it was looked for last.")
    next_run_at: datetime | None = strawberry.field(description="When it is looked for next; null where it is kept.")
    last_removed: int | None = strawberry.field(description="How many were removed then.")


class _Run(NamedTuple):
    category: str
    last_run_at: datetime
    last_removed: int


_RUNS = Read(
    select(*columns(RetentionRun, _Run)).where(col(RetentionRun.organization_id) == bindparam("organization_id")),
    _Run._make,
)


@strawberry.type
class RetentionQueries:
    """The query of the retention."""

    @query(
        allow=[staff(Scope.PRIVACY_WRITE)],
        description="What is removed when it is no longer needed: for how long each category is kept, and what the "
        "worker did last. The days are settings of the organization.",
        size=4,
    )
    async def retention(self, context: Context) -> list[Retention]:
        """Two reads."""
        database, organization = context.store.database, context.organization
        runs = {run.category: run for run in await _runs(context, organization.id)}
        next_run = next((state.due_at for state in await states.all_states(database) if state.name == JOB), None)
        found = []
        for category in RetentionCategory:
            run, days = runs.get(category.value), category.keep_days(organization.settings)
            found.append(
                Retention(
                    category=category,
                    keep_days=days,
                    last_run_at=run.last_run_at if run else None,
                    next_run_at=next_run if days is not None else None,
                    last_removed=run.last_removed if run else None,
                )
            )
        return found


async def _runs(context: Context, organization_id: UUID) -> list[_Run]:
    return await context.store.database.rows(_RUNS, organization_id=organization_id)
