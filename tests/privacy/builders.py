"""Builders of the tests of anonymization: requests, orders, and what the worker does."""

from typing import Any

from sqlalchemy import text

from tests.customers.orders.builders import FIND, HOME, order_input
from tests.customers.orders.builders import record as record_order
from tests.shop import Answer, Person, Shop

SHOWN = "anonymization { id status requestedAt startsAfter startedAt completedAt cancelledAt failedAt }"
REQUEST = f"""mutation ($input: RequestAnonymizationInput!) {{ requestAnonymization(input: $input) {{
    {SHOWN} userErrors {{ code field message }} }} }}"""
CANCEL = f"""mutation ($input: CancelAnonymizationInput!) {{ cancelAnonymization(input: $input) {{
    {SHOWN} userErrors {{ code field message }} }} }}"""
STATUS = f"query ($id: ID!) {{ anonymization(id: $id) {{ {SHOWN[len('anonymization { ') : -2]} }} }}"
OF_CUSTOMER = f"query ($id: ID!) {{ customer(by: {{ id: $id }}) {{ id email firstName {SHOWN} }} }}"


async def ask_to_forget(shop: Shop, **person: str) -> Answer:
    """Send `requestAnonymization` as the staff member."""
    return await shop.ask(REQUEST, token=await shop.staff(), input=person)


async def request(shop: Shop, **person: str) -> Any:
    """Request an anonymization; return it."""
    return (await ask_to_forget(shop, **person)).payload("requestAnonymization")["anonymization"]


async def make_due(shop: Shop) -> None:
    """End the delay of all requests, but for those of bystanders."""
    theirs = shop.not_counted.get("anonymization_requests", "1 = 0")
    await shop.execute(f"UPDATE anonymization_requests SET due_at = '2020-01-01 00:00:00.000000' WHERE NOT ({theirs})")


async def ask_to_cancel(shop: Shop, **person: str) -> Answer:
    """Send `cancelAnonymization` as the staff member."""
    return await shop.ask(CANCEL, token=await shop.staff(), input=person)


async def cancel(shop: Shop, **person: str) -> Any:
    """Cancel a request; return it."""
    return (await ask_to_cancel(shop, **person)).payload("cancelAnonymization")["anonymization"]


async def status(shop: Shop, request_id: str) -> Any:
    """The request as staff see it."""
    return (await shop.ask(STATUS, token=await shop.staff(), id=request_id)).data["anonymization"]


async def customer(shop: Shop, person: Person) -> Any:
    """The customer as staff see it."""
    return (await shop.ask(OF_CUSTOMER, token=await shop.staff(), id=person.id)).data["customer"]


async def guest_order(shop: Shop, email: str, number: str) -> str:
    """Record a guest's order with an address; return the number."""
    await record_order(shop, await shop.integration(), email=email, number=number, shippingAddress=HOME)
    return number


async def street(shop: Shop, number: str) -> str | None:
    """The street on an order, as staff see it; None when the address is gone."""
    order = (await shop.ask(FIND, token=await shop.staff(), by={"number": number})).data["order"]
    assert order["total"]["amount"] == order_input()["total"]["amount"]
    found: str | None = order["shippingAddress"] and order["shippingAddress"]["line1"]
    return found


async def keys(shop: Shop) -> int:
    """The number of data keys in the key store."""
    async with shop.runtime.store.vault.keystore.engine.connect() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM person_keys"))).scalar_one())
