"""GraphQL query of the audit log, for staff."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from app.customers.access_log.api import AccessLogEntry, ActorKind
from app.platform.audit import reading
from app.platform.audit.log import Action, record
from app.platform.audit.reading import EventConditions, LoggedEvent
from app.platform.errors import NotFound
from app.platform.graphql import ids
from app.platform.graphql.access import staff, top_level_error
from app.platform.graphql.context import Context
from app.platform.graphql.fields import query
from app.platform.graphql.moments import moment_argument
from app.platform.graphql.pagination import Connection, connection, page_request
from app.platform.graphql.scalars import DateTime
from app.platform.principal import Scope

KIND = "audit-events"
CUSTOMER = "Customer"
# The kinds of global ids that an actor can have.
ACTOR_KINDS = {
    ActorKind.CUSTOMER: CUSTOMER,
    ActorKind.STAFF: "Staff",
    ActorKind.INTEGRATION: "ApiClient",
    ActorKind.GUEST: "ApiClient",
}
# Times beyond these cannot be compared with an id.
MIN_TIME, MAX_TIME = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
ACTIONS = frozenset(action.value for action in Action)


@strawberry.type(description="An act that the audit log recorded.")
class AuditEvent(AccessLogEntry):
    """An event with the ids of who acted and whom it was about."""

    actor_id: strawberry.ID | None = strawberry.field(
        description="The customer, the staff member, or the client; null for the service itself."
    )
    customer_id: strawberry.ID | None = strawberry.field(
        description="The customer whose record it was; null for what is about no single customer, such as a list."
    )
    request_id: str | None = strawberry.field(description="The id of the request, as in the response and the logs.")


@strawberry.input(description="Which events; conditions that are left away do not count.")
class AuditEventWhere:
    """Conditions, all of which must hold."""

    customer_id: strawberry.ID | None = strawberry.field(description="About this customer's record.", default=None)
    actor_id: strawberry.ID | None = strawberry.field(
        description="Done by this customer, staff member or client.", default=None
    )
    action: str | None = strawberry.field(description="This act, such as `customer.read`.", default=None)
    since: DateTime | None = strawberry.field(description="At this time or later.", default=None)
    until: DateTime | None = strawberry.field(description="Before this time.", default=None)


@strawberry.type
class AuditQueries:
    """The query of the audit log."""

    @query(
        allow=[staff(Scope.AUDIT_READ)],
        description="The audit log, newest first: who read, changed or erased what, without values. Reading it is "
        "recorded, too.",
    )
    async def audit_events(
        self,
        context: Context,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 100.")] = 20,
        after: Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before.")] = None,
        where: Annotated[AuditEventWhere | None, strawberry.argument(description="Which; all without it.")] = None,
    ) -> Connection[AuditEvent]:
        """Keyset pagination over an index of the organization, the customer or the actor."""
        chosen = _conditions(where)
        page = page_request(context, KIND, first, after)
        database, organization_id = context.store.database, context.organization.id
        found = await reading.page(
            database,
            organization_id=organization_id,
            chosen=chosen,
            before=UUID(hex=page.after[0]) if page.after else None,
            limit=page.size + 1,
        )
        async with context.store.database.transaction() as session:
            record(session, context.origin, Action.AUDIT_LISTED, customer_id=chosen.customer_id, fields=chosen.names)
        return connection(
            context,
            KIND,
            page,
            [((event.id.hex,), _to_event(event)) for event in found],
            lambda: reading.count(database, organization_id=organization_id, chosen=chosen),
        )


def _conditions(where: AuditEventWhere | None) -> EventConditions:
    if where is None:
        return EventConditions()
    if where.action is not None and where.action not in ACTIONS:
        raise top_level_error("BAD_USER_INPUT", "`where.action` is not an action of the audit log.")
    times = {name: moment_argument(f"where.{name}", getattr(where, name)) for name in ("since", "until")}
    for name, moment in times.items():
        if moment is not None and not MIN_TIME <= moment <= MAX_TIME:
            raise top_level_error("BAD_USER_INPUT", f"`where.{name}` is out of range.")
    return EventConditions(
        customer_id=_decode("customerId", where.customer_id, [CUSTOMER]),
        actor_id=_decode("actorId", where.actor_id, list(dict.fromkeys(ACTOR_KINDS.values()))),
        action=where.action,
        **times,
    )


def _decode(field: str, global_id: str | None, kinds: list[str]) -> UUID | None:
    if global_id is None:
        return None
    for kind in kinds:
        try:
            return ids.decode(kind, global_id)
        except NotFound:
            continue
    raise top_level_error("BAD_USER_INPUT", f"`where.{field}` is not an id of {' or '.join(kinds)}.")


def _to_event(event: LoggedEvent) -> AuditEvent:
    kind = ActorKind(event.actor_kind)
    return AuditEvent(
        at=event.at,
        action=event.action,
        actor_kind=kind,
        fields=event.fields,
        event=event,
        actor_id=ids.encode(ACTOR_KINDS[kind], event.actor_id) if event.actor_id and kind in ACTOR_KINDS else None,
        customer_id=ids.encode(CUSTOMER, event.customer_id) if event.customer_id else None,
        request_id=event.request_id,
    )
