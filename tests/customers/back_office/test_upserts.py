"""Upserting and deleting customers by the back office."""

import asyncio

from app.platform.graphql import ids
from app.privacy.deletion import finish_deletions
from tests.shop import PASSWORD, Shop

UPSERT = """mutation ($input: UpsertCustomerInput!) { upsertCustomer(input: $input) { created
    customer { id email firstName phone version hasPassword newsletter reference shopperReference }
    userErrors { code field } } }"""
DELETE = """mutation ($id: ID!, $version: Int) { deleteCustomer(input: { customerId: $id, expectedVersion: $version }) {
    deletedCustomerId userErrors { code field message } } }"""


async def test_an_unknown_email_is_created_and_a_known_one_updated(shop: Shop) -> None:
    token = await shop.integration()

    first = (await shop.ask("UpsertCustomer", token=token, input={"email": "bob@example.org"})).payload(
        "upsertCustomer"
    )
    second = (
        await shop.ask(
            UPSERT, token=token, input={"email": "BOB@example.org", "firstName": "Bob", "phone": "+41446681800"}
        )
    ).payload("upsertCustomer")

    assert (first["created"], second["created"]) == (True, False)
    assert first["customer"]["id"] == second["customer"]["id"]
    found = second["customer"]
    assert (found["email"], found["firstName"], found["version"]) == ("bob@example.org", "Bob", 2)
    assert (await shop.audit())[-2:] == ["customer.created", "customer.updated"]


async def test_a_customer_named_by_id_gets_the_email_and_clears_what_is_null(shop: Shop) -> None:
    token = await shop.integration()
    ann = await shop.register("ann@example.org", firstName="Ann", phone="+41446681800")

    answer = await shop.ask(
        UPSERT, token=token, input={"id": ann.id, "email": "anna@example.org", "phone": None, "reference": "crm-1"}
    )

    found = answer.payload("upsertCustomer")["customer"]
    assert (found["email"], found["phone"], found["firstName"]) == ("anna@example.org", None, "Ann")
    assert (found["reference"], found["hasPassword"]) == ("crm-1", True)


async def test_a_refused_upsert_names_every_wrong_field_and_writes_nothing(shop: Shop) -> None:
    token = await shop.integration()
    ann = await shop.register("ann@example.org")
    bob = await shop.register("bob@example.org")
    taken = (await shop.ask("Me", token=bob.token)).data["me"]["shopperReference"]
    other = await shop.create_organization("second")
    eve = await shop.register("eve@example.org", organization=other)
    before = await shop.counts()
    cases: list[tuple[dict[str, object], list[tuple[str, list[str]]]]] = [
        ({}, [("REQUIRED", ["email"])]),
        ({"email": ""}, [("REQUIRED", ["email"])]),
        (
            {"email": "x", "phone": "1", "shopperReference": "a"},
            [("INVALID", ["email"]), ("TOO_SHORT", ["phone"]), ("TOO_SHORT", ["shopperReference"])],
        ),
        ({"id": "x"}, [("NOT_FOUND", ["id"])]),
        ({"id": eve.id, "firstName": "X"}, [("NOT_FOUND", ["id"])]),
        ({"id": ann.id, "email": "bob@example.org"}, [("EMAIL_TAKEN", ["email"])]),
        ({"id": ann.id, "shopperReference": taken}, [("TAKEN", ["shopperReference"])]),
        ({"email": "new@example.org", "shopperReference": taken}, [("TAKEN", ["shopperReference"])]),
        ({"email": "ann@example.org", "expectedVersion": 7, "firstName": "X"}, [("CONFLICT", ["expectedVersion"])]),
    ]

    for values, expected in cases:
        refusals = (await shop.ask(UPSERT, token=token, input=values)).refusals("upsertCustomer")
        assert refusals == expected, values

    assert await shop.counts() == before


async def test_of_many_upserts_of_one_email_at_once_one_creates(shop: Shop) -> None:
    token = await shop.integration()

    answers = await asyncio.gather(
        *(shop.ask(UPSERT, token=token, input={"email": "bob@example.org", "firstName": f"Bob{n}"}) for n in range(8))
    )

    payloads = [answer.payload("upsertCustomer") for answer in answers]
    assert sum(payload["created"] for payload in payloads) == 1
    assert len({payload["customer"]["id"] for payload in payloads}) == 1
    assert await shop.count("customers") == 1


async def test_a_customer_without_orders_is_deleted_with_its_key_and_the_address_is_free(shop: Shop) -> None:
    token = await shop.integration()
    ann = await shop.register("ann@example.org")
    address = {"firstName": "A", "lastName": "B", "line1": "C 1", "city": "Bern", "postalCode": "3011", "country": "CH"}
    (await shop.ask("CreateAddress", token=ann.token, input=address)).payload("createAddress")

    stale = await shop.ask(DELETE, token=token, id=ann.id, version=9)
    deleted = await shop.ask(DELETE, token=token, id=ann.id)
    again = await shop.ask(DELETE, token=token, id=ann.id)

    assert stale.refusals("deleteCustomer") == [("CONFLICT", ["expectedVersion"])]
    assert deleted.payload("deleteCustomer")["deletedCustomerId"] == ann.id
    assert again.refusals("deleteCustomer") == [("NOT_FOUND", ["customerId"])]
    assert (await shop.audit())[-1] == "customer.deleted"
    assert await finish_deletions(shop.runtime.store) == 1
    assert await finish_deletions(shop.runtime.store) == 0
    found = await shop.ask("query ($id: ID!) { customer(by: { id: $id }) { id } }", token=token, id=ann.id)
    assert found.data["customer"] is None
    listed = await shop.ask("Customers", token=token, first=10)
    assert (listed.data["customers"]["nodes"], listed.data["customers"]["totalCount"]) == ([], 0)
    assert (await shop.ask("Me", token=ann.token)).status == 401
    for table in ("addresses", "login_sessions", "login_identifiers"):
        assert await shop.count(table, "customer_id IS NOT NULL") == 0
    assert await shop.count("customers", "sealed IS NULL AND sealed_password IS NULL") == 1
    assert await keys(shop, ann.id) == 0
    assert (await shop.register("ann@example.org")).id != ann.id


async def keys(shop: Shop, customer_id: str) -> int:
    found = await shop.runtime.store.vault.ciphers([ids.decode("Customer", customer_id)])
    return len(found)


async def test_a_customer_with_orders_is_not_deleted(shop: Shop) -> None:
    token = await shop.integration()
    ann = await shop.register("ann@example.org")
    money = {"amount": "49.90", "currencyCode": "CHF"}
    order = {"customerId": ann.id, "number": "order-1", "total": money, "itemCount": 1}
    (await shop.ask("RecordOrder", token=token, input=order)).payload("recordOrder")
    before = await shop.counts()

    refused = await shop.ask(DELETE, token=token, id=ann.id)

    assert refused.refusals("deleteCustomer") == [("HAS_ORDERS", ["customerId"])]
    assert "requestAnonymization" in refused.data["deleteCustomer"]["userErrors"][0]["message"]
    assert await shop.counts() == before
    login = await shop.ask("Login", identifier="ann@example.org", password=PASSWORD)
    assert login.payload("login")["customer"]["id"] == ann.id
