"""GraphQL type, query and mutations of legal holds, for staff."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Info

from app.identity.staff.api import StaffMember, load_staff_member
from app.platform.audit.log import Action, record
from app.platform.clock import now
from app.platform.errors import ErrorRule, Invalid, NotFound
from app.platform.graphql import ids
from app.platform.graphql.access import Access, staff
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation, query
from app.platform.graphql.pagination import Connection, connection, page_request
from app.platform.graphql.scalars import DateTime
from app.platform.principal import Scope
from app.platform.validation import Validation
from app.platform.values import iso_datetime, text_parser
from app.platform.vault import holds
from app.platform.vault.holds import Hold
from app.privacy.legal_holds import placing
from app.privacy.legal_holds.placing import HoldRecord, HoldRow

KIND = "LegalHold"
PAGES = "legal-holds"
ALLOWED: Access = [staff(Scope.PRIVACY_WRITE)]
REASON_MAX = 500


@strawberry.type(
    description="A legal hold: the customer's data must stay. While one is in force no erasure of the customer starts, "
    "and the customer cannot be deleted. Customers do not see it."
)
class LegalHold:
    """GraphQL type of a hold."""

    id: strawberry.ID = strawberry.field(description="The hold's id.")
    customer_id: strawberry.ID = strawberry.field(description="Whose data must stay.")
    reason: str | None = strawberry.field(
        description="Why, as it was given; null once the customer was erased. It is sealed with the customer's key."
    )
    until: datetime | None = strawberry.field(description="When it is over; null: when it is released.")
    in_force: bool = strawberry.field(description="Whether it stands in the way of an erasure now.")
    placed_at: datetime = strawberry.field(description="When it was placed.")
    released_at: datetime | None = strawberry.field(description="When it was released.")
    row: strawberry.Private[HoldRow]

    @strawberry.field(description="Who placed it.")
    async def placed_by(self, info: Info[Context, None]) -> StaffMember | None:
        """From a data loader."""
        return await load_staff_member(info.context, self.row.placed_by_id) if self.row.placed_by_id else None

    @strawberry.field(description="Who released it.")
    async def released_by(self, info: Info[Context, None]) -> StaffMember | None:
        """From a data loader."""
        return await load_staff_member(info.context, self.row.released_by_id) if self.row.released_by_id else None


def to_legal_hold(found: HoldRecord) -> LegalHold:
    """The GraphQL object of a hold."""
    row = found.row
    is_over = row.until is not None and row.until <= now()
    return LegalHold(
        id=ids.encode(KIND, row.id),
        customer_id=ids.encode("Customer", row.customer_id),
        reason=found.reason,
        until=row.until,
        in_force=row.released_at is None and not is_over,
        placed_at=row.placed_at,
        released_at=row.released_at,
        row=row,
    )


@strawberry.input(description="Whose data must stay, why, and how long.")
class PlaceLegalHoldInput:
    """Input of `placeLegalHold`."""

    customer_id: strawberry.ID = strawberry.field(description="Which customer.")
    reason: str = strawberry.field(
        description=f"Why, such as the number of a case: at most {REASON_MAX} characters, lines allowed."
    )
    until: DateTime | None = strawberry.field(
        description="When it is over; left away: when it is released.", default=None
    )


@strawberry.type(description="The hold that was placed.")
class PlaceLegalHoldPayload(Payload):
    """Payload of `placeLegalHold`."""

    hold: LegalHold | None = strawberry.field(description="The hold.", default=None)


@strawberry.input(description="Which hold is released.")
class ReleaseLegalHoldInput:
    """Input of `releaseLegalHold`."""

    id: strawberry.ID = strawberry.field(description="The hold.")


@strawberry.type(description="The hold that was released.")
class ReleaseLegalHoldPayload(Payload):
    """Payload of `releaseLegalHold`."""

    hold: LegalHold | None = strawberry.field(description="The hold as it is now.", default=None)


@strawberry.type
class LegalHoldQueries:
    """The query of legal holds."""

    @query(
        allow=ALLOWED,
        description="Legal holds, oldest first: of one customer all of them, also those that are over; without a "
        "customer all that are in force.",
    )
    async def legal_holds(
        self,
        context: Context,
        customer_id: Annotated[strawberry.ID | None, strawberry.argument(description="Of this customer.")] = None,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 100.")] = 20,
        after: Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before.")] = None,
    ) -> Connection[LegalHold]:
        """Pages come from the key store, which decides; reasons from the main database."""
        pages = f"{PAGES}:{customer_id or ''}"
        page = page_request(context, pages, first, after)
        keystore, organization_id = context.store.vault.keystore, context.organization.id
        position = UUID(hex=page.after[0]) if page.after else None
        all_found: list[Hold] = []
        if customer_id is None:
            found = await holds.page_in_force(
                keystore, organization_id=organization_id, after=position, limit=page.size + 1
            )
        else:
            all_found = await _of_customer(context, customer_id)
            found = [hold for hold in all_found if position is None or hold.id > position][: page.size + 1]

        async def count() -> int:
            if customer_id is not None:
                return len(all_found)
            return await holds.count_in_force(keystore, organization_id=organization_id)

        records = await _records(context, found)
        return connection(
            context,
            pages,
            page,
            [((hold.id.hex,), to_legal_hold(records[hold.id])) for hold in found if hold.id in records],
            count,
        )


async def _of_customer(context: Context, customer_id: strawberry.ID) -> list[Hold]:
    try:
        person_id = ids.decode("Customer", customer_id)
    except NotFound:
        return []
    return await holds.of_person(
        context.store.vault.keystore, organization_id=context.organization.id, person_id=person_id
    )


async def _records(context: Context, found: list[Hold]) -> dict[UUID, HoldRecord]:
    owners = list({hold.person_id for hold in found})
    by_owner = await placing.of_customers(context.store, context.organization.id, owners)
    return {record.row.id: record for records in by_owner for record in records}


@strawberry.type
class LegalHoldMutations:
    """Mutations of legal holds. They are recorded for the organization: the customer's access log does not tell."""

    @mutation(
        allow=ALLOWED,
        description="Place a legal hold on a customer's data. A request to anonymize the customer waits until no hold "
        "is in force; one that has started goes on, and the hold is refused with `ALREADY_STARTED`.",
    )
    async def place_legal_hold(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[PlaceLegalHoldInput, strawberry.argument(description="The hold.")],
    ) -> PlaceLegalHoldPayload:
        """The staff member is stored."""
        validation = Validation()
        reason = validation.require("reason", text_parser(1, REASON_MAX, multiline=True), input.reason)
        until = validation.optional("until", _parse_future, input.until)
        validation.raise_errors()
        placed = await placing.place(
            session,
            context.store.vault,
            organization_id=context.organization.id,
            customer_id=ids.decode("Customer", input.customer_id, "customerId"),
            reason=reason,
            until=until,
            staff_id=context.principal.own_staff_id,
        )
        record(session, context.origin, Action.LEGAL_HOLD_PLACED, object_id=placed.row.id)
        return PlaceLegalHoldPayload(hold=to_legal_hold(placed))

    @mutation(
        allow=ALLOWED,
        description="Release a legal hold. A request that waited for it starts at once, unless another hold is in "
        "force. One that was released stays as it is.",
    )
    async def release_legal_hold(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[ReleaseLegalHoldInput, strawberry.argument(description="The hold.")],
    ) -> ReleaseLegalHoldPayload:
        """The staff member is stored."""
        released = await placing.release(
            session,
            context.store,
            organization_id=context.organization.id,
            hold_id=ids.decode(KIND, input.id, "id"),
            staff_id=context.principal.own_staff_id,
        )
        record(session, context.origin, Action.LEGAL_HOLD_RELEASED, object_id=released.row.id)
        return ReleaseLegalHoldPayload(hold=to_legal_hold(released))


def _parse_future(raw: str) -> datetime:
    moment = iso_datetime(raw)
    if moment <= now():
        raise Invalid("This is over already. Give a time that is to come.", rule=ErrorRule.DATE)
    return moment
