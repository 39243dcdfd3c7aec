"""Updating a profile: absent stays, null clears, and customers set only their own fields."""

import asyncio
from typing import Any

import pytest

from tests.shop import Answer, Person, Shop

FIELDS = """firstName lastName phone fax company imageUrl birthDate locale newsletter email shopperReference reference
    referenceOrigin taxExemptionCode metadata version"""
UPDATE = f"""mutation ($input: UpdateCustomerInput!) {{ updateCustomer(input: $input) {{
    customer {{ {FIELDS} }} userErrors {{ __typename code field }} }} }}"""
OWN: dict[str, Any] = {
    "firstName": "Ann",
    "lastName": "Archer",
    "phone": "+41446681800",
    "fax": "12 34",
    "company": "Archer AG",
    "imageUrl": "https://example.org/ann.png",
    "birthDate": "1990-02-28",
    "locale": "de-CH",
}
BACK_OFFICE: dict[str, Any] = {
    "reference": "crm-1",
    "referenceOrigin": "crm",
    "taxExemptionCode": "T1",
    "metadata": {"a": [1, {"b": None}]},
}
NEVER_NULL: dict[str, Any] = {"email": "bob@example.org", "shopperReference": "shopper-1", "newsletter": True}


def nulled(field: str) -> dict[str, Any]:
    return {field: None}


async def change(shop: Shop, person: Person, *, own: bool = False, **fields: Any) -> Answer:
    if own:
        return await shop.ask(UPDATE, token=person.token, input=fields)
    return await shop.ask(UPDATE, token=await shop.integration(), input={"customerId": person.id, **fields})


async def now(shop: Shop, person: Person) -> Any:
    return (await shop.ask(f"{{ me {{ {FIELDS} }} }}", token=person.token)).data["me"]


@pytest.mark.parametrize("field", [*OWN, *BACK_OFFICE])
async def test_a_value_is_set_stays_when_absent_and_is_cleared_by_null(shop: Shop, field: str) -> None:
    ann, value = await shop.register("ann@example.org"), {**OWN, **BACK_OFFICE}[field]
    own = field in OWN

    assert (await change(shop, ann, own=own, **{field: value})).payload("updateCustomer")["customer"][field] == value
    assert (await change(shop, ann, own=own)).payload("updateCustomer")["customer"][field] == value
    assert (await change(shop, ann, own=own, **{field: None})).payload("updateCustomer")["customer"][field] is None
    assert (await now(shop, ann))["version"] == 3


async def test_an_update_without_a_change_is_recorded_as_a_read(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    before = await shop.audit()

    (await change(shop, ann, own=True)).payload("updateCustomer")
    assert await shop.audit() == before

    (await change(shop, ann)).payload("updateCustomer")
    assert await shop.audit() == [*before, "customer.read"]
    assert (await now(shop, ann))["version"] == 1


@pytest.mark.parametrize("field", NEVER_NULL)
async def test_required_fields_are_set_and_not_cleared(shop: Shop, field: str) -> None:
    ann = await shop.register("ann@example.org")

    changed = await change(shop, ann, **{field: NEVER_NULL[field]})
    cleared = await change(shop, ann, **nulled(field))

    assert changed.payload("updateCustomer")["customer"][field] == NEVER_NULL[field]
    assert cleared.refusals("updateCustomer") == [("REQUIRED", [field])]
    # Another email ends the sessions of the customer.
    document = f"query ($id: ID!) {{ customer(by: {{ id: $id }}) {{ {FIELDS} }} }}"
    stored = await shop.ask(document, token=await shop.integration(), id=ann.id)
    assert stored.data["customer"][field] == NEVER_NULL[field]


@pytest.mark.parametrize("field", [*BACK_OFFICE, "email", "shopperReference"])
async def test_a_customer_does_not_set_the_fields_of_the_back_office(shop: Shop, field: str) -> None:
    ann = await shop.register("ann@example.org")
    before = await shop.counts(), await now(shop, ann)

    for value in ({**BACK_OFFICE, **NEVER_NULL}[field], None):
        answer = await change(shop, ann, own=True, firstName="Eve", **{field: value})
        assert answer.refusals("updateCustomer") == [("NOT_ALLOWED", [field])]

    assert (await shop.counts(), await now(shop, ann)) == before


@pytest.mark.parametrize("field", ["status", "group", "hasPassword", "passwordHash", "organizationId", "version", "id"])
async def test_read_only_fields_are_not_in_the_input(shop: Shop, field: str) -> None:
    ann = await shop.register("ann@example.org")

    for own in (True, False):
        assert (await change(shop, ann, own=own, **{field: "x"})).codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(("length", "code"), [(2, "TOO_SHORT"), (3, None), (128, None), (129, "TOO_LONG")])
async def test_a_shopper_reference_has_3_to_128_characters(shop: Shop, length: int, code: str | None) -> None:
    ann = await shop.register("ann@example.org")

    answer = await change(shop, ann, shopperReference="r" * length)

    assert answer.refusals("updateCustomer") == ([(code, ["shopperReference"])] if code else [])
    assert ((await now(shop, ann))["shopperReference"] == "r" * length) == (code is None)


@pytest.mark.parametrize("url", ["http://x", "https://", "x", "ftp://example.org/ann.png"])
async def test_what_is_no_web_address_is_told_how_to_begin(shop: Shop, url: str) -> None:
    ann = await shop.register("ann@example.org")
    document = """mutation ($id: ID!, $url: String!) { updateCustomer(input: { customerId: $id, imageUrl: $url }) {
        userErrors { field message } } }"""

    refused = await shop.ask(document, token=await shop.integration(), id=ann.id, url=url)

    assert refused.data["updateCustomer"]["userErrors"] == [
        {"field": ["imageUrl"], "message": "Write a web address that starts with https://."}
    ]


async def test_a_number_without_a_country_code_is_one_of_the_shop_s_country_unless_something_else_says_it(
    shop: Shop,
) -> None:
    ann = await shop.register("ann@example.org")
    national = {"phone": "044 668 18 00"}
    assert (await shop.ask("UpdateCustomer", token=ann.token, input=national)).refusals("updateCustomer") == [
        ("INVALID_PHONE", ["phone"])
    ]
    document = """mutation ($country: String) { updateOrganization(input: { settings: { defaultCountry: $country } }) {
        userErrors { code field } } }"""
    refused = await shop.ask(document, token=await shop.integration(), country="XX")
    assert refused.refusals("updateOrganization") == [("INVALID", ["settings", "defaultCountry"])]
    (await shop.ask(document, token=await shop.integration(), country="ch")).payload("updateOrganization")

    shown = [
        (await shop.ask("UpdateCustomer", token=ann.token, input=given)).payload("updateCustomer")["customer"]["phone"]
        for given in (national, {"locale": "de-DE", "phone": "030 123456"}, {"phone": "030 123456"})
    ]
    bob = await shop.register("bob@example.org", phone=national["phone"])
    upsert = """mutation ($input: UpsertCustomerInput!) { upsertCustomer(input: $input) {
        customer { phone } userErrors { code } } }"""
    given = {"email": "cid@example.org", **national}
    upserted = (await shop.ask(upsert, token=await shop.integration(), input=given)).payload("upsertCustomer")

    assert shown == ["+41446681800", "+4930123456", "+4930123456"]
    assert (await shop.ask("{ me { phone } }", token=bob.token)).data["me"]["phone"] == "+41446681800"
    assert upserted["customer"]["phone"] == "+41446681800"


async def test_a_shopper_reference_is_readable_and_so_no_email_address(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    change = {"customerId": ann.id, "shopperReference": "ann.archer@example.org"}

    answer = await shop.ask("UpdateCustomer", token=await shop.integration(), input=change)

    assert answer.refusals("updateCustomer") == [("INVALID", ["shopperReference"])]
    assert await shop.count("shopper_references", "shopper_reference LIKE '%@%'") == 0


async def test_a_shopper_reference_or_an_address_of_somebody_else_is_taken(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    taken = (await now(shop, bob))["shopperReference"]

    reference = await change(shop, ann, shopperReference=taken)
    address = await change(shop, ann, email="BOB@example.org")

    assert reference.refusals("updateCustomer") == [("TAKEN", ["shopperReference"])]
    assert address.refusals("updateCustomer") == [("EMAIL_TAKEN", ["email"])]
    assert (await shop.ask("CustomerByEmail", token=await shop.staff(), email=ann.email)).data["customer"][
        "id"
    ] == ann.id


async def test_of_several_concurrent_updates_to_one_shopper_reference_one_succeeds(shop: Shop) -> None:
    people = [await shop.register(f"ann{number}@example.org") for number in range(6)]

    answers = await asyncio.gather(*(change(shop, person, shopperReference="the-one") for person in people))

    refusals = sorted(answer.refusals("updateCustomer") for answer in answers)
    assert refusals == [[], *[[("TAKEN", ["shopperReference"])]] * 5]


async def test_of_ten_changes_of_one_version_one_is_written(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")

    answers = await asyncio.gather(
        *(change(shop, ann, own=True, firstName=f"Ann{number}", expectedVersion=1) for number in range(10))
    )

    refusals = sorted(answer.refusals("updateCustomer") for answer in answers)
    assert refusals == [[], *[[("CONFLICT", ["expectedVersion"])]] * 9]
    conflict = await change(shop, ann, own=True, expectedVersion=1)
    assert conflict.data["updateCustomer"]["userErrors"][0]["__typename"] == "ConflictError"
    assert (await now(shop, ann))["version"] == 2


async def test_of_ten_changes_at_once_of_what_everybody_may_change_none_is_lost(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    before = await shop.audit()

    answers = await asyncio.gather(
        *(change(shop, ann, own=True, **{field: value}) for field, value in OWN.items()),
        *(change(shop, ann, **{field: value}) for field, value in BACK_OFFICE.items()),
    )

    found = await now(shop, ann)
    assert [answer.refusals("updateCustomer") for answer in answers] == [[]] * len(answers)
    assert {field: found[field] for field in (*OWN, *BACK_OFFICE)} == {**OWN, **BACK_OFFICE}
    assert found["version"] == 1 + len(answers)
    assert len(await shop.audit()) == len(before) + len(answers)


@pytest.mark.parametrize(
    "metadata",
    [[], "x", 1, {"a": "4111 1111 1111 1111"}, {"a": "4111\n1111\n1111\n1111"}, {"a": {"b": "x" * 17_000}}],
)
async def test_metadata_is_a_small_object_without_card_numbers(shop: Shop, metadata: object) -> None:
    ann = await shop.register("ann@example.org")
    before = await shop.audit(), await now(shop, ann)

    answer = await change(shop, ann, metadata=metadata)

    ((code, field),) = answer.refusals("updateCustomer")
    assert (code in {"INVALID", "CARD_DATA_REFUSED", "TOO_LONG"}, field) == (True, ["metadata"])
    assert (await shop.audit(), await now(shop, ann)) == before


@pytest.mark.parametrize("number", ["12345678901234567890123", "9" * 5000, "1e400", "1e19"])
async def test_a_number_in_metadata_that_json_cannot_hold_is_refused(shop: Shop, number: str) -> None:
    ann = await shop.register("ann@example.org")
    document = f"""mutation {{ updateCustomer(input: {{ customerId: "{ann.id}", metadata: {{ a: {number} }} }}) {{
        userErrors {{ code field }} }} }}"""

    answer = await shop.ask(document, token=await shop.integration())

    assert answer.refusals("updateCustomer") == [("INVALID", ["metadata"])]
