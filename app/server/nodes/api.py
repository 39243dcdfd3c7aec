"""The Relay field `node`: fetches any object by its global id, under the access rules of its type."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import strawberry

from app.accounts.organizations import api as organizations
from app.accounts.organizations.administration import api as administration
from app.accounts.organizations.clients import api as clients
from app.accounts.webhooks import api as webhooks
from app.customers import api as customers
from app.customers import repository as customer_rows
from app.customers.addresses import api as addresses
from app.customers.addresses import repository as address_rows
from app.customers.fields import api as extra_fields
from app.customers.fields import repository as extra_field_rows
from app.customers.groups.api import GROUP_READERS, load_group
from app.customers.markets.api import load_visible_market
from app.customers.orders import api as orders
from app.customers.orders import repository as order_rows
from app.customers.payment_methods import api as payment_methods
from app.customers.payment_methods import repository as payment_method_rows
from app.identity.sessions import api as sessions
from app.identity.sessions import repository as session_rows
from app.platform.audit.log import Action, record
from app.platform.errors import NotFound
from app.platform.graphql import ids
from app.platform.graphql.access import ANYBODY, CUSTOMER, Access, authorize, back_office
from app.platform.graphql.context import Context
from app.platform.graphql.fields import query
from app.platform.graphql.ids import Node, OwnedId
from app.platform.principal import Scope

# The object, and the customer that it belongs to, if any.
Found = tuple[Node, UUID | None] | None


async def _customer(context: Context, row_id: UUID) -> Found:
    customer = await context.load(customer_rows.by_ids, row_id)
    return (customers.to_customer(customer), customer.row.id) if customer else None


async def _address(context: Context, key: OwnedId) -> Found:
    owner_id, row_id = key
    for one in await context.load(address_rows.of_customers, owner_id):
        if one.row.id == row_id:
            return addresses.to_address(one, context.principal.locale), owner_id
    return None


async def _payment_method(context: Context, key: OwnedId) -> Found:
    owner_id, row_id = key
    for one in await context.load(payment_method_rows.of_customers, owner_id):
        if one.row.id == row_id:
            return payment_methods.to_payment_method(one), owner_id
    return None


async def _order(context: Context, row_id: UUID) -> Found:
    order = await order_rows.by_id(
        context.store,
        organization_id=context.organization.id,
        order_id=row_id,
        customer_id=context.principal.customer_id,
    )
    return (orders.to_order(order), order.customer_id) if order else None


async def _group(context: Context, row_id: UUID) -> Found:
    group = await load_group(context, row_id)
    return (group, None) if group else None


async def _market(context: Context, row_id: UUID) -> Found:
    market = await load_visible_market(context, row_id)
    return (market, None) if market else None


async def _session(context: Context, row_id: UUID) -> Found:
    customer_id = context.principal.own_customer_id
    found = await session_rows.by_id(
        context.store, organization_id=context.organization.id, customer_id=customer_id, session_id=row_id
    )
    return (sessions.to_session(found, current_id=context.principal.session_id), customer_id) if found else None


async def _organization(context: Context, row_id: UUID) -> Found:
    own = context.organization
    return (organizations.graphql_organization(own), None) if row_id == own.id else None


async def _own_organization(context: Context, row_id: UUID) -> Found:
    own = context.organization
    return (administration.caller_organization(context), None) if row_id == own.id else None


async def _api_client(context: Context, row_id: UUID) -> Found:
    client = await clients.load_api_client(context, row_id)
    return (client, None) if client else None


async def _extra_field(context: Context, row_id: UUID) -> Found:
    for one in await extra_field_rows.by_organization(context.store, context.organization.id):
        if one.id == row_id:
            return extra_fields.to_extra_field(one), None
    return None


async def _webhook_endpoint(context: Context, row_id: UUID) -> Found:
    endpoint = await webhooks.load_endpoint(context, row_id)
    return (endpoint, None) if endpoint else None


async def _webhook_delivery(context: Context, key: OwnedId) -> Found:
    delivery = await webhooks.load_delivery(context, key.owner_id, key.row_id)
    return (delivery, None) if delivery else None


class _NodeType(NamedTuple):
    load: Callable[[Context, Any], Awaitable[Found]]
    access: Access
    decode: Callable[[str, str], UUID | OwnedId] = ids.decode_global


OWNED: Access = [CUSTOMER, *back_office(Scope.CUSTOMERS_READ)]
NODE_TYPES: Mapping[str, _NodeType] = {
    "Customer": _NodeType(_customer, OWNED),
    "Address": _NodeType(_address, OWNED, ids.decode_owned),
    "PaymentMethod": _NodeType(_payment_method, OWNED, ids.decode_owned),
    "Order": _NodeType(_order, OWNED),
    "CustomerGroup": _NodeType(_group, GROUP_READERS),
    "Market": _NodeType(_market, ANYBODY),
    "Session": _NodeType(_session, [CUSTOMER]),
    "Organization": _NodeType(_organization, ANYBODY),
    "OwnOrganization": _NodeType(_own_organization, ANYBODY),
    "ApiClient": _NodeType(_api_client, clients.BACK_OFFICE),
    "WebhookEndpoint": _NodeType(_webhook_endpoint, webhooks.BACK_OFFICE),
    "WebhookDelivery": _NodeType(_webhook_delivery, webhooks.BACK_OFFICE, ids.decode_owned),
    "ExtraField": _NodeType(_extra_field, extra_fields.ALLOWED),
}


@strawberry.type
class NodeQueries:
    """Relay object identification."""

    @query(
        allow=ANYBODY,
        about_caller=True,
        description="Anything with a global id; null for what is not there, or not the caller's. Markets are for those "
        "who may use `market`, groups for those who may use `group`, sessions for their owner, the own organization "
        "for everybody, its clients, webhooks and extra fields for those who may keep them; the rest is for its owner "
        "and for integrations with `customers:read`.",
    )
    async def node(
        self,
        context: Context,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],
    ) -> Node | None:
        """An id of another customer is indistinguishable from an id of nothing."""
        for name, node_type in NODE_TYPES.items():
            try:
                key = node_type.decode(name, id)
            except NotFound:
                continue
            authorize(context.principal, node_type.access)
            result = await node_type.load(context, key)
            if result is None or node_type.access is not OWNED:
                return result[0] if result else None
            return await _audited(context, result)
        authorize(context.principal, OWNED)
        return None


async def _audited(context: Context, result: tuple[Node, UUID | None]) -> Node | None:
    node, customer_id = result
    if context.principal.customer_id is not None:
        return node if context.principal.customer_id == customer_id else None
    async with context.store.database.transaction() as session:
        record(session, context.origin, Action.CUSTOMER_READ, customer_id=customer_id)
    return node
