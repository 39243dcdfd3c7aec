"""The customer in the payload of a write: as it is afterwards, so that normalized caches are right."""

from collections.abc import Iterable
from uuid import UUID

import strawberry
from strawberry import Info
from strawberry.types.nodes import SelectedField, Selection

from app.customers import repository
from app.customers.api import Customer, to_customer
from app.platform.audit.log import Action, record
from app.platform.graphql.access import admits, back_office, top_level_error
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload
from app.platform.principal import Scope

CUSTOMER_READERS = back_office(Scope.CUSTOMERS_READ)
# What the write itself reveals: whose it was, and its status. None of it is personal.
ALWAYS_READABLE_FIELDS = frozenset({"__typename", "id", "status", "version", "group"})
COUNT_FIELDS = frozenset({"__typename", "totalCount"})
DESCRIPTION = (
    "The customer as it is now. Without `customers:read` only `id`, `status`, `version`, `group` and "
    "`orders { totalCount }`: anything else is `FORBIDDEN`, and what was written stays. Reading more is recorded."
)


async def load_payload_customer(info: Info[Context, None], customer_id: UUID) -> Customer | None:
    """The customer, read again after the write; top-level `FORBIDDEN` when the caller may not read the selected fields.

    | Selected fields                            | Caller                          | Result                 |
    | ------------------------------------------ | ------------------------------- | ---------------------- |
    | any                                        | the customer itself             | shown                  |
    | `ALWAYS_READABLE_FIELDS`, `totalCount`     | any other                       | shown                  |
    | any other                                  | other, with `customers:read`    | shown, and audited     |
    | any other                                  | other, without                  | `FORBIDDEN`            |
    """
    context = info.context
    is_own = context.principal.customer_id == customer_id
    if not is_own and not all(_selects_only(field.selections) for field in info.selected_fields):
        if not admits(context.principal, CUSTOMER_READERS):
            raise top_level_error("FORBIDDEN", "Reading more of a customer needs the scope customers:read.")
        async with context.store.database.transaction() as session:
            record(session, context.origin, Action.CUSTOMER_READ, customer_id=customer_id)
    found = await context.load(repository.by_ids, customer_id)
    return to_customer(found) if found else None


@strawberry.type(description="What a mutation answers that changes something of a customer.")
class CustomerPayload(Payload):
    """Base of payloads whose mutation changed what a customer owns, or the customer itself.

    `customer_id` says whose; without it, it is the customer who is logged in.
    """

    customer_id: strawberry.Private[UUID | None] = None

    @strawberry.field(description=f"Null when it was refused, and for a guest (`confirmEmailChange`). {DESCRIPTION}")
    async def customer(self, info: Info[Context, None]) -> Customer | None:
        """Read after the transaction."""
        customer_id = self.customer_id or info.context.principal.customer_id
        if self.user_errors or customer_id is None:
            return None
        return await load_payload_customer(info, customer_id)


def _selects_only(selections: Iterable[Selection], allowed: frozenset[str] = ALWAYS_READABLE_FIELDS) -> bool:
    return all(_is_allowed(selection, allowed) for selection in selections)


def _is_allowed(selection: Selection, allowed: frozenset[str]) -> bool:
    if not isinstance(selection, SelectedField):
        # A fragment reveals what its fields reveal.
        return _selects_only(selection.selections, allowed)
    if selection.name == "orders" and allowed is ALWAYS_READABLE_FIELDS:
        return _selects_only(selection.selections, COUNT_FIELDS)
    return selection.name in allowed
