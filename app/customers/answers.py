"""The customer in the answer of a write, for callers who may write something else but not read customers."""

from collections.abc import Iterable
from uuid import UUID

from strawberry import Info
from strawberry.types.nodes import SelectedField, Selection

from app.customers import repository
from app.customers.api import Customer, shown
from app.platform.audit.log import Action, record
from app.platform.graphql.access import admits, back_office, refusal
from app.platform.graphql.context import Context
from app.platform.principal import Scope

READERS = back_office(Scope.CUSTOMERS_READ)
# What a write itself tells: whose it was, and what became of the customer. Nothing of it is personal.
TOLD = frozenset({"__typename", "id", "status", "version", "group"})
COUNTED = frozenset({"__typename", "totalCount"})
DESCRIPTION = (
    "The customer as it is now. Without `customers:read` only `id`, `status`, `version`, `group` and "
    "`orders { totalCount }`: anything else is `FORBIDDEN`, and what was written stays. Reading more is recorded."
)


async def customer_in_answer(info: Info[Context, None], customer_id: UUID) -> Customer | None:
    """Read again after the write; a top-level `FORBIDDEN` where more is asked for than the caller may read."""
    context = info.context
    if not all(_tells_nothing(field.selections) for field in info.selected_fields):
        if not admits(context.principal, READERS):
            raise refusal("FORBIDDEN", "Reading more of a customer needs the scope customers:read.")
        async with context.store.database.transaction() as session:
            record(session, context.origin, Action.CUSTOMER_READ, customer_id=customer_id)
    found = await context.load(repository.by_ids, customer_id)
    return shown(found) if found else None


def _tells_nothing(selections: Iterable[Selection], told: frozenset[str] = TOLD) -> bool:
    return all(_is_told(selection, told) for selection in selections)


def _is_told(selection: Selection, told: frozenset[str]) -> bool:
    if not isinstance(selection, SelectedField):
        # A fragment tells what its fields tell.
        return _tells_nothing(selection.selections, told)
    if selection.name == "orders" and told is TOLD:
        return _tells_nothing(selection.selections, COUNTED)
    return selection.name in told
