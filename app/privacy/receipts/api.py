"""GraphQL queries of the plan and the receipt of an erasure, for staff."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from app.platform.audit.log import Action, record
from app.platform.errors import NotFound
from app.platform.graphql import ids
from app.platform.graphql.access import staff
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.fields import query
from app.platform.principal import Scope
from app.privacy import plans
from app.privacy.plans import Obstacle
from app.privacy.receipts import repository
from app.privacy.receipts.contents import Unseen, content
from app.privacy.stored_data import Ground, Outcome

STORE = "The store: a table, `guest_orders`, or `payment_gateways`; docs/privacy.md describes each."
KEPT_UNTIL = "When it goes, if that is known."

describe(
    Outcome,
    "What an erasure does to what a store has about a person.",
    DELETED="It goes.",
    ANONYMIZED="It stays without anything personal.",
    KEPT="It stays; there is nothing personal in it.",
)
describe(
    Ground,
    "Why something stays.",
    BOOKKEEPING="Numbers, amounts, dates and the country of orders: the law asks shops to keep their books "
    "(GDPR, Art. 17 (3) b).",
    ACCOUNTABILITY="Who did what and when, by ids: the shop must be able to show that it acted lawfully "
    "(GDPR, Art. 5 (2)).",
)
describe(
    Unseen,
    "Where data of the person may be that the service cannot look into.",
    MAILBOXES="Mails that were sent.",
    OTHER_SYSTEMS="The shop's other systems.",
    PAYMENT_RECORDS="What payment gateways keep about payments.",
    BACKUPS="Old copies of the key store: until `irrecoverableAt`.",
)
describe(
    Obstacle,
    "What stands in the way of an erasure.",
    ALREADY_REQUESTED="There is an open request.",
    ALREADY_ANONYMIZED="The customer was anonymized.",
    LEGAL_HOLD="The data must stay for now: a request waits until no legal hold is in force.",
    RESTORE_UNCONFIRMED="A database was restored, and an operator has not confirmed it yet.",
)


@strawberry.type(description="Something that stands in the way of an erasure.")
class AnonymizationBlock:
    """An obstacle of a plan."""

    reason: Obstacle = strawberry.field(description="What it is.")
    until: datetime | None = strawberry.field(description="When it is over, if that is known.")


@strawberry.type(description="What an erasure would do to a store.")
class AnonymizationPlanEntry:
    """A line of a plan."""

    store: str = strawberry.field(description=STORE)
    count: int = strawberry.field(description="How many rows it has about the person.")
    outcome: Outcome = strawberry.field(description="What would become of them.")
    ground: Ground | None = strawberry.field(description="Why something would stay.")
    kept_until: datetime | None = strawberry.field(description=KEPT_UNTIL)


@strawberry.type(description="What an erasure would do: nothing is changed by asking.")
class AnonymizationPlan:
    """The plan of an erasure."""

    blocked_by: list[AnonymizationBlock] = strawberry.field(description="What stands in its way.")
    entries: list[AnonymizationPlanEntry] = strawberry.field(description="Each store that has something.")


@strawberry.type(description="What an erasure did to a store.")
class ErasureReceiptEntry:
    """A line of a receipt."""

    store: str = strawberry.field(description=STORE)
    deleted: int = strawberry.field(description="How many rows went.")
    anonymised: int = strawberry.field(description="How many rows stayed without anything personal.")
    kept: int = strawberry.field(description="How many rows stayed; there is nothing personal in them.")
    ground: Ground | None = strawberry.field(description="Why something stayed.")
    kept_until: datetime | None = strawberry.field(description=KEPT_UNTIL)


@strawberry.type(
    description="The signed proof of an erasure, made by reading every store again. "
    "The keys are at `/.well-known/receipt-keys.json`; `patron receipt verify` checks it without a network."
)
class ErasureReceipt:
    """GraphQL type of a receipt."""

    jws: str = strawberry.field(description="The receipt itself: a JWS of the type `erasure-receipt+jwt`.")
    previous_jws: str | None = strawberry.field(description="The first receipt, where this is the second one.")
    issued_at: datetime = strawberry.field(description="When it was issued.")
    key_destroyed_at: datetime = strawberry.field(
        description="When the person's key was destroyed: since then nobody can read the person through the service, "
        "or from any backup of the main database."
    )
    irrecoverable_by: datetime | None = strawberry.field(
        description="When nobody will be able to any more, by the schedule of key versions; null without a schedule."
    )
    irrecoverable_at: datetime | None = strawberry.field(
        description="Since when nobody can, who has every file and backup of both databases and today's keys; null "
        "until then. A second receipt says it."
    )
    unanswered: list[str] = strawberry.field(
        description="Payment gateways that had not confirmed yet what they were asked to delete."
    )
    cannot_see: list[Unseen] = strawberry.field(description="Where the service cannot look.")
    entries: list[ErasureReceiptEntry] = strawberry.field(description="Each store that had something.")


@strawberry.type
class ReceiptQueries:
    """Queries of plans and receipts."""

    @query(
        allow=[staff(Scope.PRIVACY_WRITE)],
        description="What `requestAnonymization` would do to a customer; null when there is no such customer. "
        "Reading it is recorded.",
    )
    async def anonymization_plan(
        self,
        context: Context,
        customer_id: Annotated[strawberry.ID, strawberry.argument(description="Which customer.")],
    ) -> AnonymizationPlan | None:
        """Counts only; recorded as a reading of the customer."""
        try:
            decoded = ids.decode("Customer", customer_id)
        except NotFound:
            return None
        found = await plans.plan(context.store, organization_id=context.organization.id, customer_id=decoded)
        if found is None:
            return None
        async with context.store.database.transaction() as session:
            record(session, context.origin, Action.CUSTOMER_READ, customer_id=decoded, fields=["anonymizationPlan"])
        return AnonymizationPlan(
            blocked_by=[AnonymizationBlock(reason=one.reason, until=one.until) for one in found.blocked_by],
            entries=[
                AnonymizationPlanEntry(
                    store=one.store, count=one.count, outcome=one.outcome, ground=one.ground, kept_until=one.kept_until
                )
                for one in found.entries
            ],
        )

    @query(
        allow=[staff(Scope.PRIVACY_WRITE)],
        description="The newest receipt of an erasure; null until it is issued, moments after it is completed.",
    )
    async def erasure_receipt(
        self,
        context: Context,
        anonymization_id: Annotated[strawberry.ID, strawberry.argument(description="Which request.")],
    ) -> ErasureReceipt | None:
        """Of the caller's organization."""
        try:
            erasure_id = ids.decode("Anonymization", anonymization_id)
        except NotFound:
            return None
        found = await repository.receipts(context.store.vault.keystore, erasure_id=erasure_id)
        if not found or found[-1].organization_id != context.organization.id:
            return None
        *earlier, newest = found
        claimed = content(newest.jws)
        return ErasureReceipt(
            jws=newest.jws,
            previous_jws=earlier[-1].jws if earlier else None,
            issued_at=newest.issued_at,
            key_destroyed_at=datetime.fromisoformat(claimed["keyDestroyedAt"]),
            irrecoverable_by=_moment(claimed["irrecoverableBy"]),
            irrecoverable_at=_moment(claimed["irrecoverableAt"]),
            unanswered=claimed["unanswered"],
            cannot_see=[Unseen(one) for one in claimed["cannotSee"]],
            entries=[_entry(one) for one in claimed["stores"]],
        )


def _entry(claimed: dict[str, Any]) -> ErasureReceiptEntry:
    return ErasureReceiptEntry(
        store=claimed["store"],
        deleted=claimed["deleted"],
        anonymised=claimed["anonymised"],
        kept=claimed["kept"],
        ground=Ground(claimed["ground"]) if claimed["ground"] else None,
        kept_until=_moment(claimed["keptUntil"]),
    )


def _moment(claimed: str | None) -> datetime | None:
    return datetime.fromisoformat(claimed) if claimed else None
