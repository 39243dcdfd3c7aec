"""Upserting and deleting customers by the back office."""

import asyncio
from typing import Any

import pytest

from app.platform.graphql import ids
from app.platform.principal import Scope
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


@pytest.mark.alone("looks at whole tables")
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


FULL = """mutation ($input: UpsertCustomerInput!) { upsertCustomer(input: $input) { created
    customer { id version group { code } attributes { name value } } userErrors { code field } } }"""


async def _group(shop: Shop, token: str, code: str) -> str:
    document = (
        f'mutation {{ createGroup(input: {{ code: "{code}", name: "G" }}) {{ group {{ id }} userErrors {{ code }} }} }}'
    )
    found: str = (await shop.ask(document, token=token)).payload("createGroup")["group"]["id"]
    return found


async def _field(shop: Shop, token: str, name: str, required: str) -> None:
    document = f"""mutation {{ createExtraField(input: {{ name: "{name}", type: NUMBER, required: {required},
        labels: [{{ locale: "en", text: "L" }}] }}) {{ userErrors {{ code }} }} }}"""
    (await shop.ask(document, token=token)).payload("createExtraField")


async def test_an_upsert_sets_the_group_by_code_or_id_and_answers_of_new_and_known_customers(shop: Shop) -> None:
    token = await shop.integration()
    trade, retail = await _group(shop, token, "trade"), await _group(shop, token, "retail")
    await _field(shop, token, "size", "false")
    await _field(shop, token, "vat", "true")
    bystander = await shop.ask(FULL, token=token, input={"email": "bob@example.org", "group": retail})
    size, vat = {"name": "size", "value": "12"}, {"name": "vat", "value": "7"}

    async def upsert(**fields: Any) -> Any:
        answer = await shop.ask(FULL, token=token, input={"email": "gus@example.org", **fields})
        return answer.payload("upsertCustomer")["customer"]

    created = await upsert(group="trade", attributes=[size])
    assert (created["version"], created["group"], created["attributes"]) == (1, {"code": "trade"}, [size])
    same = await upsert(group=trade, attributes=[size])
    assert same == created
    both = await upsert(group=retail, attributes=[vat], firstName="Gus")
    assert (both["version"], both["group"], both["attributes"]) == (2, {"code": "retail"}, [size, vat])
    only_group = await upsert(group="trade")
    assert (only_group["version"], only_group["group"], only_group["attributes"]) == (3, {"code": "trade"}, [size, vat])
    none = await upsert(group=None, attributes=[{"name": "size", "value": None}])
    assert (none["version"], none["group"], none["attributes"]) == (4, None, [vat])

    read = "query ($by: CustomerBy!) { customer(by: $by) { id version group { code } attributes { name value } } }"
    stored = await shop.ask(read, token=token, by={"email": "gus@example.org"})
    assert stored.data["customer"] == none
    other = await shop.ask(read, token=token, by={"email": "bob@example.org"})
    assert other.data["customer"] == bystander.payload("upsertCustomer")["customer"]
    assert other.data["customer"]["group"] == {"code": "retail"}


async def test_a_refused_group_or_answer_is_named_beside_the_other_wrong_fields(shop: Shop) -> None:
    token = await shop.integration()
    await _field(shop, token, "size", "false")
    ann = await shop.register("ann@example.org")
    elsewhere = await shop.create_organization("second")
    foreign = await _group(shop, await shop.integration(organization=elsewhere), "foreign")
    before = await shop.counts()
    wrong = [{"name": "size", "value": "x"}, {"name": "hat", "value": "1"}]

    for named in ({"email": "new@example.org"}, {"email": "ann@example.org"}, {"id": ann.id}):
        for group in ("nothing", foreign, "foreign", "a\u0000b", ""):
            answer = await shop.ask(
                FULL, token=token, input={**named, "group": group, "phone": "1", "attributes": wrong}
            )
            assert answer.refusals("upsertCustomer") == [
                ("TOO_SHORT", ["phone"]),
                ("INVALID", ["attributes", "size"]),
                ("INVALID", ["attributes", "hat"]),
                ("NOT_FOUND", ["group"]),
            ]
    cleared = await shop.ask(FULL, token=token, input={"email": "new@example.org", "attributes": None})
    assert cleared.refusals("upsertCustomer") == [("REQUIRED", ["attributes"])]
    assert await shop.counts() == before


async def test_a_group_needs_the_scope_of_groups_too(shop: Shop) -> None:
    every = await shop.integration()
    await _group(shop, every, "trade")
    token = await shop.integration(Scope.CUSTOMERS_WRITE)
    before = await shop.counts()

    for group in ("trade", None):
        refused = await shop.ask(UPSERT, token=token, input={"email": "gus@example.org", "group": group})
        assert refused.codes == ["FORBIDDEN"]

    assert await shop.counts() == before
    (await shop.ask(UPSERT, token=token, input={"email": "gus@example.org"})).payload("upsertCustomer")


DELETE_BY = """mutation ($input: DeleteCustomerInput!) { deleteCustomer(input: $input) {
    deletedCustomerId userErrors { code field } } }"""


async def test_a_customer_is_deleted_by_its_address_and_no_other_one(shop: Shop) -> None:
    token = await shop.integration()
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    other = await shop.create_organization("second")
    eve = await shop.register("ann@example.org", organization=other)

    stale = await shop.ask(DELETE_BY, token=token, input={"email": "ann@example.org", "expectedVersion": 9})
    deleted = await shop.ask(DELETE_BY, token=token, input={"email": "ANN@example.org"})
    again = await shop.ask(DELETE_BY, token=token, input={"email": "ann@example.org"})

    assert stale.refusals("deleteCustomer") == [("CONFLICT", ["expectedVersion"])]
    assert deleted.payload("deleteCustomer")["deletedCustomerId"] == ann.id
    assert again.refusals("deleteCustomer") == [("NOT_FOUND", ["email"])]
    assert await finish_deletions(shop.runtime.store) == 1
    assert [await keys(shop, one.id) for one in (ann, bob, eve)] == [0, 1, 1]
    assert (await shop.ask("Me", token=bob.token)).data["me"]["id"] == bob.id
    assert (await shop.ask("Me", token=eve.token)).data["me"]["id"] == eve.id


async def test_a_refused_deletion_names_the_field_and_deletes_nothing(shop: Shop) -> None:
    token = await shop.integration()
    ann = await shop.register("ann@example.org")
    money = {"amount": "49.90", "currencyCode": "CHF"}
    order = {"customerId": ann.id, "number": "order-1", "total": money, "itemCount": 1}
    (await shop.ask("RecordOrder", token=token, input=order)).payload("recordOrder")
    before = await shop.counts()
    cases: list[tuple[dict[str, str], list[tuple[str, list[str]]]]] = [
        ({}, [("REQUIRED", ["customerId"])]),
        ({"customerId": ann.id, "email": "ann@example.org"}, [("INVALID", ["email"])]),
        ({"email": "x"}, [("INVALID", ["email"])]),
        ({"email": " "}, [("REQUIRED", ["email"])]),
        ({"email": "nobody@example.org"}, [("NOT_FOUND", ["email"])]),
        ({"email": "ann@example.org"}, [("HAS_ORDERS", ["email"])]),
    ]

    for given, expected in cases:
        assert (await shop.ask(DELETE_BY, token=token, input=given)).refusals("deleteCustomer") == expected, given

    assert await shop.counts() == before
