"""GraphQL type of the access log: who read or changed a customer's record, and when."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry
from strawberry import Info

from app.customers.access_log import repository
from app.identity.staff import repository as staff
from app.platform.audit import reading
from app.platform.audit.reading import LoggedEvent
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.pagination import Connection, connection, page_request

KIND = "access-log"


class ActorKind(Enum):
    """Who acted, as `audit_events.actor_kind` names it."""

    GUEST = "GUEST"
    CUSTOMER = "CUSTOMER"
    INTEGRATION = "INTEGRATION"
    STAFF = "STAFF"
    SYSTEM = "SYSTEM"


describe(
    ActorKind,
    "Who did something.",
    GUEST="Somebody who was not logged in.",
    CUSTOMER="A customer.",
    INTEGRATION="A program of the shop, for itself.",
    STAFF="A member of the shop's staff.",
    SYSTEM="The service itself, such as an erasure that became due.",
)


@strawberry.type(description="An act that the audit log recorded about a customer's record.")
class AccessLogEntry:
    """One event, without values: the log holds names of fields only."""

    at: datetime = strawberry.field(description="When it happened.")
    action: str = strawberry.field(description="What was done, such as `customer.read` or `address.updated`.")
    actor_kind: ActorKind = strawberry.field(description="Who did it.")
    fields: list[str] = strawberry.field(description="The names of the fields that were changed, or searched by.")
    event: strawberry.Private[LoggedEvent]

    @strawberry.field(
        description="The name of the staff member, or of the program. Null for guests, customers and the service "
        "itself, and when the staff member was removed for good."
    )
    async def actor_name(self, info: Info[Context, None]) -> str | None:
        """Loaded with a data loader."""
        event = self.event
        if self.actor_kind is ActorKind.STAFF and event.actor_id is not None:
            found = await info.context.load(staff.by_ids, event.actor_id)
            names = [found.first_name, found.last_name] if found else []
            return " ".join(name for name in names if name) or None
        if self.actor_kind is ActorKind.INTEGRATION and event.client_id is not None:
            return await info.context.load(repository.client_names, event.client_id)
        return None


def to_entry(event: LoggedEvent) -> AccessLogEntry:
    """The GraphQL object of an event."""
    return AccessLogEntry(
        at=event.at, action=event.action, actor_kind=ActorKind(event.actor_kind), fields=event.fields, event=event
    )


async def access_log_connection(
    context: Context, customer_id: UUID, first: int, after: str | None
) -> Connection[AccessLogEntry]:
    """A page of a customer's access log, newest first. The caller has checked who may see it."""
    page = page_request(context, KIND, first, after)
    database, organization_id = context.store.database, context.organization.id
    found = await reading.page_of_customer(
        database,
        organization_id=organization_id,
        customer_id=customer_id,
        before=UUID(hex=page.after[0]) if page.after else None,
        limit=page.size + 1,
    )
    return connection(
        context,
        KIND,
        page,
        [((event.id.hex,), to_entry(event)) for event in found],
        lambda: reading.count_of_customer(database, organization_id=organization_id, customer_id=customer_id),
    )
