"""A wrong day or a null is an error of its field, beside the other wrong fields; a blank one clears."""

import pytest

from app.platform.clock import now
from tests.customers.orders.builders import RECORD, UPDATE, ask_to_record, order_input, record
from tests.shop import PASSWORD, Shop

SAVE = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
    customer { birthDate } userErrors { code field } } }"""
UPSERT = """mutation ($input: UpsertCustomerInput!) { upsertCustomer(input: $input) {
    customer { id metadata } userErrors { code field } } }"""
DECLARE = """mutation ($input: CreateExtraFieldInput!) { createExtraField(input: $input) {
    extraField { id } userErrors { code field } } }"""
CHANGE = """mutation ($input: UpdateExtraFieldInput!) { updateExtraField(input: $input) {
    extraField { id labels { text } required order } userErrors { code field } } }"""
WRONG_DAYS = [
    "1999-02-29",
    "2000-W01-1",
    "20000101",
    "2000-1-1",
    "01.01.2000",
    "٢٠٠٠-٠١-٠١",
    "2000-01-01T00:00:00Z",
    "x",
]


@pytest.mark.parametrize("day", [*WRONG_DAYS, "1879-12-31", "9999-12-31"])
async def test_a_wrong_birth_date_is_reported_beside_other_wrong_fields(shop: Shop, day: str) -> None:
    ann = await shop.register("ann@example.org", birthDate="1990-02-28")

    changed = await shop.ask(SAVE, token=ann.token, input={"birthDate": day, "phone": "12"})
    account = {"email": "bob@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}
    registered = await shop.ask("Register", input={**account, "birthDate": day, "phone": "12"})
    upserted = await shop.ask(UPSERT, token=await shop.integration(), input={"email": "x", "birthDate": day})

    for answer, name in ((changed, "updateCustomer"), (registered, "register")):
        assert sorted(answer.refusals(name)) == [("INVALID", ["birthDate"]), ("TOO_SHORT", ["phone"])]
    assert upserted.refusals("upsertCustomer") == [("INVALID", ["email"]), ("INVALID", ["birthDate"])]
    assert (await shop.ask("{ me { birthDate } }", token=ann.token)).data["me"] == {"birthDate": "1990-02-28"}
    assert await shop.count("customers") == 1


async def test_a_year_too_early_is_told_from_a_day_to_come(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    document = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
        userErrors { code field message ... on InputError { rule min } } } }"""

    early, late = [
        (await shop.ask(document, token=ann.token, input={"birthDate": day})).data["updateCustomer"]["userErrors"]
        for day in ("1066-01-01", "2999-01-01")
    ]

    assert [(one["message"], one["rule"], one["min"]) for one in early + late] == [
        ("Nobody alive was born before 1880. Check the year.", "RANGE", 1880),
        ("A birth date lies in the past.", "PAST", None),
    ]


@pytest.mark.parametrize("blank", ["", "  ", "\u200b", None])
async def test_a_blank_birth_date_clears(shop: Shop, blank: str | None) -> None:
    ann = await shop.register("ann@example.org", birthDate="1990-02-28")
    bob = await shop.register("bob@example.org", birthDate="1990-02-28")

    answer = await shop.ask(SAVE, token=ann.token, input={"birthDate": blank})

    assert answer.payload("updateCustomer")["customer"] == {"birthDate": None}
    assert (await shop.ask("{ me { birthDate } }", token=bob.token)).data["me"] == {"birthDate": "1990-02-28"}


@pytest.mark.parametrize("day", WRONG_DAYS)
async def test_the_answer_to_a_date_field_is_a_day_of_the_calendar(shop: Shop, day: str) -> None:
    labels = [{"locale": "en", "text": "Since"}]
    await shop.ask(DECLARE, token=await shop.integration(), input={"name": "since", "type": "DATE", "labels": labels})
    ann = await shop.register("ann@example.org")

    answer = await shop.ask(SAVE, token=ann.token, input={"attributes": [{"name": "since", "value": day}]})

    assert answer.refusals("updateCustomer") == [("INVALID", ["attributes", "since"])]


async def test_what_cannot_be_null_of_an_extra_field_is_required(shop: Shop) -> None:
    token = await shop.integration()
    labels = [{"locale": "en", "text": "Since"}]
    made = await shop.ask(DECLARE, token=token, input={"name": "since", "type": "TEXT", "labels": labels, "order": 3})
    field_id = made.payload("createExtraField")["extraField"]["id"]

    refused = await shop.ask(
        CHANGE, token=token, input={"id": field_id, "labels": None, "required": None, "order": None, "options": None}
    )
    kept = await shop.ask(CHANGE, token=token, input={"id": field_id, "pattern": None, "maxLength": None})

    names = ["labels", "required", "order", "options"]
    assert refused.refusals("updateExtraField") == [("REQUIRED", [name]) for name in names]
    assert kept.payload("updateExtraField")["extraField"] == {
        "id": field_id,
        "labels": [{"text": "Since"}],
        "required": False,
        "order": 3,
    }


@pytest.mark.parametrize("email", [None, "", " "])
async def test_an_upsert_without_an_address_is_refused(shop: Shop, email: str | None) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()

    for named in ({}, {"id": ann.id}):
        answer = await shop.ask(UPSERT, token=token, input={"email": email, "firstName": "Ann", **named})
        assert answer.refusals("upsertCustomer") == [("REQUIRED", ["email"])]
    assert (await shop.ask("{ me { email firstName } }", token=ann.token)).data["me"] == {
        "email": "ann@example.org",
        "firstName": None,
    }


async def test_null_for_an_argument_with_a_default_is_a_mistake_of_the_caller(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    own = "query ($first: Int = 20) { me { orders(first: $first) { nodes { id } } } }"
    all_of_them = "query ($first: Int = 20) { customers(first: $first) { nodes { id } } }"

    answers = [
        await shop.ask(own, token=ann.token, first=None),
        await shop.ask(all_of_them, token=await shop.integration(), first=None),
    ]

    for answer in answers:
        assert answer.codes == ["BAD_USER_INPUT"]
        assert "first" in answer.body["errors"][0]["message"]


@pytest.mark.parametrize("moment", ["9999-12-31T00:00:00Z", "1899-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
async def test_an_order_was_placed_in_the_past(shop: Shop, moment: str) -> None:
    ann, token = await shop.register("ann@example.org"), await shop.integration()
    await record(shop, token, customerId=ann.id, number="kept")

    refused = await ask_to_record(shop, token, customerId=ann.id, placedAt=moment)
    changed = await shop.ask(UPDATE, token=token, by={"number": "kept"}, input={"placedAt": moment})

    assert refused.refusals("recordOrder") == changed.refusals("updateOrder") == [("INVALID", ["placedAt"])]
    assert await shop.count("orders") == 1
    found = (await shop.ask("{ me { orders(first: 5) { nodes { number placedAt } } } }", token=ann.token)).data["me"]
    assert found["orders"]["nodes"] == [{"number": "kept", "placedAt": "2026-01-31T12:00:00.000Z"}]


async def test_an_order_of_a_clock_slightly_ahead_is_recorded(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    placed = order_input(customerId=ann.id, placedAt=now().replace(microsecond=0).isoformat())

    assert (await shop.ask(RECORD, token=await shop.integration(), input=placed)).payload("recordOrder")["created"]


@pytest.mark.parametrize("number", [2**64, 2**70, -(2**63) - 1, 1e19])
async def test_an_integer_that_json_readers_round_is_refused(shop: Shop, number: float) -> None:
    ann, token = await shop.register("ann@example.org"), await shop.integration()
    exact = {"a": 2**64 - 1, "b": 0.5, "c": -(2**63)}

    stored = await shop.ask(UPSERT, token=token, input={"id": ann.id, "metadata": exact})
    refused = await shop.ask(UPSERT, token=token, input={"id": ann.id, "metadata": {"deep": [{"a": number}]}})
    after = await shop.ask(UPSERT, token=token, input={"id": ann.id})

    assert refused.refusals("upsertCustomer") == [("INVALID", ["metadata"])]
    for answer in (stored, after):
        assert answer.payload("upsertCustomer")["customer"]["metadata"] == exact


@pytest.mark.alone("looks at whole tables")
@pytest.mark.parametrize("where", ["{ or: [] }", "{ and: [{ or: [] }] }", "{ id: { oneOf: [] } }"])
async def test_one_of_nothing_holds_for_nobody(shop: Shop, where: str) -> None:
    await shop.register("ann@example.org")
    token = await shop.integration()

    nobody = await shop.ask(f"{{ customers(where: {where}) {{ totalCount }} }}", token=token)
    everybody = await shop.ask(f"{{ customers(where: {{ not: {where} }}) {{ totalCount }} }}", token=token)

    counts = [answer.data["customers"]["totalCount"] for answer in (nobody, everybody)]
    assert counts == [0, 1]
