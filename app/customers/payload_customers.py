"""The customer in the payload of a write, for callers who may write something else but not read customers."""

from collections.abc import Iterable
from uuid import UUID

from strawberry import Info
from strawberry.types.nodes import SelectedField, Selection

from app.customers import repository
from app.customers.api import Customer, to_customer
from app.platform.audit.log import Action, record
from app.platform.graphql.access import admits, back_office, top_level_error
from app.platform.graphql.context import Context
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

    | Selected fields                            | Caller has `customers:read` | Result                 |
    | ------------------------------------------ | --------------------------- | ---------------------- |
    | `ALWAYS_READABLE_FIELDS`, `totalCount`     | either                      | shown                  |
    | any other                                  | yes                         | shown, and audited     |
    | any other                                  | no                          | `FORBIDDEN`            |
    """
    context = info.context
    if not all(_selects_only(field.selections) for field in info.selected_fields):
        if not admits(context.principal, CUSTOMER_READERS):
            raise top_level_error("FORBIDDEN", "Reading more of a customer needs the scope customers:read.")
        async with context.store.database.transaction() as session:
            record(session, context.origin, Action.CUSTOMER_READ, customer_id=customer_id)
    found = await context.load(repository.by_ids, customer_id)
    return to_customer(found) if found else None


def _selects_only(selections: Iterable[Selection], allowed: frozenset[str] = ALWAYS_READABLE_FIELDS) -> bool:
    return all(_is_allowed(selection, allowed) for selection in selections)


def _is_allowed(selection: Selection, allowed: frozenset[str]) -> bool:
    if not isinstance(selection, SelectedField):
        # A fragment reveals what its fields reveal.
        return _selects_only(selection.selections, allowed)
    if selection.name == "orders" and allowed is ALWAYS_READABLE_FIELDS:
        return _selects_only(selection.selections, COUNT_FIELDS)
    return selection.name in allowed
