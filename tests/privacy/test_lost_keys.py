"""A customer whose data key is lost (an older key store, replication lag): answered like nobody, never with a fault."""

from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import col

from app.platform.graphql import ids
from app.platform.vault.tables import PersonKey
from tests.customers.orders.builders import HOME, order_input
from tests.shop import PASSWORD, Person, Shop

ANN, BOB, NOBODY = "ann@example.org", "bob@example.org", "nobody@example.org"


async def lose_key(shop: Shop, person: Person) -> None:
    vault = shop.runtime.store.vault
    async with vault.keystore.transaction() as session:
        statement: Any = delete(PersonKey).where(col(PersonKey.person_id) == ids.decode("Customer", person.id))
        await session.exec(statement)
    vault._ciphers.clear()


RESET = "mutation ($email: String!) { requestPasswordReset(input: { email: $email }) { userErrors { code } } }"
REMINDER = "mutation ($email: String!) { requestLoginNameReminder(input: { email: $email }) { userErrors { code } } }"


@pytest.mark.parametrize(
    ("operation", "name"),
    [("Login", "identifier"), (RESET, "email"), (REMINDER, "email")],
    ids=["login", "reset", "reminder"],
)
async def test_a_stranger_cannot_tell_a_lost_key_from_an_unknown_address(shop: Shop, operation: str, name: str) -> None:
    ann, bob = await shop.register(ANN), await shop.register(BOB)
    await lose_key(shop, ann)
    password: dict[str, Any] = {"password": PASSWORD} if operation == "Login" else {}

    lost = await shop.ask(operation, **{name: ANN, **password})
    unknown = await shop.ask(operation, **{name: NOBODY, **password})

    assert (lost.status, lost.body) == (unknown.status, unknown.body)
    assert lost.status == 200
    assert (await shop.ask("Login", identifier=BOB, password=PASSWORD)).payload("login")["customer"]["id"] == bob.id


async def test_the_back_office_finds_no_customer_without_a_key(shop: Shop) -> None:
    ann, bob = await shop.register(ANN), await shop.register(BOB)
    await lose_key(shop, ann)
    token = await shop.integration()
    update = """mutation ($id: ID!) { updateCustomer(input: { customerId: $id, firstName: "Ann" }) {
        userErrors { code field } } }"""
    upsert = (
        'mutation ($id: ID!) { upsertCustomer(input: { id: $id, firstName: "Ann" }) { userErrors { code field } } }'
    )

    updated = await shop.ask(update, token=token, id=ann.id)
    upserted = await shop.ask(upsert, token=token, id=ann.id)
    ordered = await shop.ask(
        "RecordOrder", token=token, input=order_input(number="A-1", customerId=ann.id, shippingAddress=HOME)
    )

    assert updated.refusals("updateCustomer") == [("NOT_FOUND", ["customerId"])]
    assert upserted.refusals("upsertCustomer") == [("NOT_FOUND", ["id"])]
    assert [code for code, _ in ordered.refusals("recordOrder")] == ["NOT_FOUND"]
    assert await shop.count("orders") == 0
    assert (await shop.ask(update, token=token, id=bob.id)).refusals("updateCustomer") == []
