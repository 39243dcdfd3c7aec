"""Long numbers of other systems are stored, whoever sends them; a card number is refused, and nothing is written."""

from typing import Any

import pytest

from tests.customers.orders.builders import ask_to_record
from tests.shop import Person, Shop

CARD = "4242424242424242"
SHOPIFY = "6943720014146"
# A South African identity number: born 1965, with a check digit by Luhn.
IDENTITY = "6501015009088"
DECLARE = "mutation ($input: CreateExtraFieldInput!) { createExtraField(input: $input) { userErrors { code field } } }"
ANSWER = """mutation ($value: String!, $id: ID) {
    updateCustomer(input: { customerId: $id, attributes: [{ name: "idNumber", value: $value }] }) {
        customer { attributes { name value } } userErrors { code field } } }"""
UPSERT = """mutation ($input: UpsertCustomerInput!) { upsertCustomer(input: $input) {
    customer { reference referenceOrigin shopperReference taxExemptionCode metadata imageUrl }
    userErrors { code field } } }"""
GROUP = """mutation ($code: String!) { createGroup(input: { code: $code, name: "Retail" }) {
    group { code } userErrors { code field } } }"""
FIELDS = ["reference", "referenceOrigin", "shopperReference", "taxExemptionCode"]


@pytest.fixture
async def ann(shop: Shop) -> Person:
    declared = {"name": "idNumber", "type": "TEXT", "labels": [{"locale": "en", "text": "Identity number"}]}
    await shop.ask(DECLARE, token=await shop.integration(), input=declared)
    return await shop.register("ann@example.org")


@pytest.mark.parametrize("value", [IDENTITY, "5001015009086", "ID 6501015009088", SHOPIFY])
async def test_an_identity_number_is_an_answer_from_the_customer_and_from_an_integration(
    shop: Shop, ann: Person, value: str
) -> None:
    own = await shop.ask(ANSWER, token=ann.token, value=value)
    others = await shop.ask(ANSWER, token=await shop.integration(), value=value, id=ann.id)

    for answer in (own, others):
        assert answer.payload("updateCustomer")["customer"]["attributes"] == [{"name": "idNumber", "value": value}]


async def test_a_card_number_is_no_answer_whoever_sends_it(shop: Shop, ann: Person) -> None:
    before = await shop.audit()

    own = await shop.ask(ANSWER, token=ann.token, value=CARD)
    others = await shop.ask(ANSWER, token=await shop.integration(), value=CARD, id=ann.id)

    for answer in (own, others):
        assert answer.refusals("updateCustomer") == [("CARD_DATA_REFUSED", ["attributes", "idNumber"])]
    assert await shop.audit() == before


@pytest.mark.parametrize("value", [SHOPIFY, f"gid://shopify/Customer/{SHOPIFY}", "4000000000000000006", "36" * 9])
async def test_ids_of_other_systems_are_stored(shop: Shop, value: str) -> None:
    image = f"https://cdn.example.org/{value}.jpg".replace("gid://", "")
    sent: dict[str, Any] = {**dict.fromkeys(FIELDS, value), "metadata": {"id": value, "ids": [SHOPIFY, value]}}

    answer = await shop.ask(
        UPSERT, token=await shop.integration(), input={"email": "ann@example.org", "imageUrl": image, **sent}
    )

    assert answer.payload("upsertCustomer")["customer"] == {**sent, "imageUrl": image}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [CARD, "4242-4242-4242-4242", "3782-822463-10005", f"visa:{CARD}"])
async def test_a_card_number_is_no_id(shop: Shop, field: str, value: str) -> None:
    token = await shop.integration()
    before = await shop.counts()

    answer = await shop.ask(UPSERT, token=token, input={"email": "ann@example.org", field: value})

    assert answer.refusals("upsertCustomer") == [("CARD_DATA_REFUSED", [field])]
    assert await shop.counts() == before


@pytest.mark.parametrize(
    ("number", "refused"),
    [
        (SHOPIFY, False),
        ("302-1234567-1234567", False),
        ("GPA.4242-4242-4242-42424", False),
        ("5019717010103742000", False),
        (CARD, True),
        ("4242 4242 4242 4242", True),
    ],
)
async def test_an_order_number_is_stored_unless_it_is_very_likely_a_card(
    shop: Shop, ann: Person, number: str, *, refused: bool
) -> None:
    answer = await ask_to_record(shop, await shop.integration(), customerId=ann.id, number=number)

    assert answer.refusals("recordOrder") == ([("CARD_DATA_REFUSED", ["number"])] if refused else [])
    assert await shop.count("orders") == (0 if refused else 1)


async def test_the_code_of_a_group_may_be_a_long_number(shop: Shop) -> None:
    stored = await shop.ask(GROUP, token=await shop.integration(), code=SHOPIFY)
    refused = await shop.ask(GROUP, token=await shop.integration(), code=CARD)

    assert stored.payload("createGroup")["group"] == {"code": SHOPIFY}
    assert refused.refusals("createGroup") == [("CARD_DATA_REFUSED", ["code"])]


async def test_what_customers_type_stays_strict(shop: Shop, ann: Person) -> None:
    document = "mutation ($value: String!) { updateCustomer(input: { company: $value }) { userErrors { code field } } }"
    answer = await shop.ask(document, token=ann.token, value="6500000000000002 1229 123")

    assert answer.refusals("updateCustomer") == [("CARD_DATA_REFUSED", ["company"])]
