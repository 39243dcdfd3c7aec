"""Builders of the tests about orders."""

from typing import Any
from uuid import UUID

from app.customers.customer_orders import attach_guest_orders
from app.customers.tables import Customer
from app.platform.clock import now
from app.platform.graphql import ids
from app.platform.values import EmailAddress
from tests.shop import Answer, Person, Shop

ERRORS = "userErrors { __typename code field message }"
ADDRESS = """firstName lastName company line1 line2 city postalCode phone formatted
    zone { code name } country { code name }"""
ORDER = f"""id number status placedAt cancelledAt total {{ amount currencyCode }} itemCount countryCode version
    createdAt updatedAt shippingAddress {{ {ADDRESS} }} billingAddress {{ {ADDRESS} }}"""
CUSTOMER = "customer { id status orders(first: 1) { totalCount } }"
RECORD = f"""mutation ($input: RecordOrderInput!) {{ recordOrder(input: $input) {{
    created order {{ {ORDER} }} {CUSTOMER} warnings {{ code field }} {ERRORS} }} }}"""
UPDATE = f"""mutation ($by: OrderBy!, $input: UpdateOrderInput!) {{ updateOrder(by: $by, input: $input) {{
    order {{ {ORDER} }} {CUSTOMER} warnings {{ code field }} {ERRORS} }} }}"""
CANCEL = f"""mutation ($by: OrderBy!) {{ cancelOrder(by: $by) {{ order {{ {ORDER} }} {CUSTOMER} {ERRORS} }} }}"""
FIND = f"query ($by: OrderBy!) {{ order(by: $by) {{ {ORDER} }} }}"
HISTORY = f"""query ($first: Int!, $after: String, $placedFrom: DateTime, $placedTo: DateTime, $status: OrderStatus) {{
    me {{ status orders(first: $first, after: $after, placedFrom: $placedFrom, placedTo: $placedTo, status: $status) {{
        totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {ORDER} }} }} }} }}"""
HOME = {
    "firstName": "Ann",
    "lastName": "Archer",
    "line1": "Limmatquai 1",
    "city": "Zürich",
    "postalCode": "8001",
    "zone": "Zürich",
    "country": "CH",
    "phone": "044 668 18 00",
}
ORDER_INPUT: dict[str, Any] = {
    "number": "1001",
    "placedAt": "2026-01-31T12:00:00Z",
    "total": {"amount": "49.90", "currencyCode": "CHF"},
    "itemCount": 2,
}


def order_input(**fields: object) -> dict[str, Any]:
    """The input of an order with these fields; None omits a field."""
    return {name: value for name, value in {**ORDER_INPUT, **fields}.items() if value is not None}


async def ask_to_record(shop: Shop, token: str, **fields: object) -> Answer:
    """Send `recordOrder` with these fields."""
    return await shop.ask(RECORD, token=token, input=order_input(**fields))


async def record(shop: Shop, token: str, **fields: object) -> Any:
    """Record an order and return the payload."""
    return (await ask_to_record(shop, token, **fields)).payload("recordOrder")


async def history(shop: Shop, token: str, first: int = 100, **arguments: Any) -> Any:
    """The customer with its orders, read by the customer."""
    return (await shop.ask(HISTORY, token=token, first=first, **arguments)).data["me"]


async def snapshot(shop: Shop, person: Person) -> Any:
    """The state that must be equal before and after a refusal."""
    return await shop.counts(), await history(shop, person.token)


def row_id(person: Person) -> UUID:
    """The id of a customer's row."""
    return ids.decode("Customer", person.id)


async def prove_email(shop: Shop, person: Person) -> int:
    """Attach guest orders as the verification of an email address does; return how many."""
    async with shop.runtime.store.database.transaction() as session:
        row = await session.get_one(Customer, row_id(person), with_for_update=True)
        row.email_verified_at = now()
        session.add(row)
        attached = await attach_guest_orders(
            session,
            shop.runtime.store.vault,
            organization_id=shop.organization.id,
            customer_id=row.id,
            email_canonical=EmailAddress.parse(person.email).canonical,
        )
        return len(attached)
