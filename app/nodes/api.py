"""The Relay field `node`: one door for all kinds, with the rules of each."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import strawberry

from app.addresses import api as addresses
from app.addresses import repository as address_rows
from app.audit.log import Action, record
from app.customers import api as customers
from app.customers import repository as customer_rows
from app.errors import NotFound
from app.graphql import ids
from app.graphql.access import CUSTOMER, back_office
from app.graphql.context import Context
from app.graphql.fields import query
from app.graphql.ids import Node
from app.orders import api as orders
from app.orders import repository as order_rows
from app.payment_methods import api as payment_methods
from app.payment_methods import repository as payment_method_rows
from app.principal import Scope

# What was found, and the customer it belongs to.
Found = tuple[Node, UUID | None] | None


async def _customer(context: Context, row_id: UUID) -> Found:
    found = await context.load(customer_rows.by_ids, row_id)
    return (customers.shown(found), found.row.id) if found else None


async def _address(context: Context, row_id: UUID) -> Found:
    found = await context.load(address_rows.by_ids, row_id)
    return (addresses.shown(found, context.principal.locale), found.row.customer_id) if found else None


async def _payment_method(context: Context, row_id: UUID) -> Found:
    found = await context.load(payment_method_rows.by_ids, row_id)
    return (payment_methods.shown(found), found.row.customer_id) if found else None


async def _order(context: Context, row_id: UUID) -> Found:
    found = await order_rows.by_id(context.store, organization_id=context.organization.id, order_id=row_id)
    return (orders.shown(found), found.customer_id) if found else None


KINDS: dict[str, Callable[[Context, UUID], Awaitable[Found]]] = {
    "Customer": _customer,
    "Address": _address,
    "PaymentMethod": _payment_method,
    "Order": _order,
}


@strawberry.type
class NodeQueries:
    """Object identification, as Relay has it."""

    @query(
        allow=[CUSTOMER, *back_office(Scope.CUSTOMERS_READ)],
        description="Anything with a global id; null for what is not there, or not the caller's.",
    )
    async def node(
        self,
        context: Context,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],
    ) -> Node | None:
        """An id of somebody else's looks like an id of nothing."""
        for kind, find in KINDS.items():
            try:
                found = await find(context, ids.decode(kind, id))
            except NotFound:
                continue
            return await _seen(context, found) if found else None
        return None


async def _seen(context: Context, found: tuple[Node, UUID | None]) -> Node | None:
    node, customer_id = found
    if context.principal.customer_id is not None:
        return node if context.principal.customer_id == customer_id else None
    async with context.store.database.transaction() as session:
        record(session, context.origin, Action.CUSTOMER_READ, customer_id=customer_id)
    return node
