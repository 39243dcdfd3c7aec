"""Extra fields: declared by integrations, answered by customers."""

from typing import Any

import pytest

from app.platform.principal import Scope
from tests.house import PASSWORD, Answer, House, Shop

FIELD = "id name type required pattern maxLength order labels { locale text } options { value labels { text } }"
CREATE = f"""mutation ($input: CreateExtraFieldInput!) {{ createExtraField(input: $input) {{
    extraField {{ {FIELD} }} userErrors {{ code field message }} }} }}"""
UPDATE = f"""mutation ($input: UpdateExtraFieldInput!) {{ updateExtraField(input: $input) {{
    extraField {{ {FIELD} }} userErrors {{ code field }} }} }}"""
DELETE = """mutation ($id: ID!) { deleteExtraField(input: { id: $id }) {
    deletedExtraFieldId userErrors { code field } } }"""
LIST = f"{{ extraFields {{ {FIELD} }} }}"
REGISTER = """mutation ($input: RegisterInput!) { register(input: $input) {
    customer { id attributes { name value } } tokens { accessToken } userErrors { code field message } } }"""
ANSWER = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
    customer { version attributes { name value } } userErrors { code field } } }"""
NOWHERE = "RXh0cmFGaWVsZDowMThmMDAwMDAwMDA3MDAwODAwMDAwMDAwMDAwMDAwMA"


def _labels(text: str = "Label") -> list[dict[str, str]]:
    return [{"locale": "en", "text": text}]


async def _declare(house: House, name: str, shop: Shop | None = None, **more: Any) -> Any:
    given = {"name": name, "type": "TEXT", "labels": _labels(), **more}
    token = await house.integration(Scope.ORGANIZATION_WRITE, shop=shop)
    return (await house.ask(CREATE, token=token, input=given)).payload("createExtraField")["extraField"]


async def _register(house: House, **answers: str | None) -> Answer:
    attributes = [{"name": name, "value": value} for name, value in answers.items()]
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}
    return await house.ask(REGISTER, input={**account, "attributes": attributes})


async def _answer(house: House, token: str, **answers: str | None) -> Answer:
    attributes = [{"name": name, "value": value} for name, value in answers.items()]
    return await house.ask(ANSWER, token=token, input={"attributes": attributes})


async def test_an_integration_declares_changes_and_deletes_a_field(house: House) -> None:
    made = await _declare(
        house,
        "size",
        type="SELECT",
        required=True,
        order=2,
        options=[{"value": "s", "labels": _labels("Small")}, {"value": "l"}],
    )
    await _declare(house, "vatId", pattern="[A-Z]{2}[0-9]+", maxLength=14, order=1)
    token = await house.integration(Scope.ORGANIZATION_WRITE)
    listed = (await house.ask(LIST, token=token)).data["extraFields"]
    assert [(one["name"], one["type"], one["required"]) for one in listed] == [
        ("vatId", "TEXT", False),
        ("size", "SELECT", True),
    ]
    assert listed[1]["options"] == [{"value": "s", "labels": [{"text": "Small"}]}, {"value": "l", "labels": []}]

    changes = {"id": made["id"], "required": False, "order": 0, "labels": [{"locale": "de", "text": "Grösse"}]}
    changed = (await house.ask(UPDATE, token=token, input=changes)).payload("updateExtraField")["extraField"]
    assert (changed["required"], changed["order"], changed["labels"]) == (False, 0, changes["labels"])
    assert changed["options"] == listed[1]["options"]

    assert (await house.ask(DELETE, token=token, id=made["id"])).payload("deleteExtraField")
    assert [one["name"] for one in (await house.ask(LIST, token=token)).data["extraFields"]] == ["vatId"]
    assert (await house.audit())[-2:] == ["extra_field.updated", "extra_field.deleted"]


@pytest.mark.parametrize(
    ("given", "refusals"),
    [
        ({"name": "Size"}, [("INVALID", ["name"])]),
        ({"name": ""}, [("REQUIRED", ["name"])]),
        ({"name": "email"}, [("TAKEN", ["name"])]),
        ({"labels": []}, [("REQUIRED", ["labels"])]),
        ({"labels": [{"locale": "!!", "text": "x"}]}, [("INVALID", ["labels"])]),
        ({"pattern": "(a+)+"}, [("INVALID", ["pattern"])]),
        ({"pattern": "a", "type": "DATE"}, [("INVALID", ["pattern"])]),
        ({"maxLength": 0, "order": -1}, [("INVALID", ["maxLength"]), ("INVALID", ["order"])]),
        ({"type": "SELECT"}, [("REQUIRED", ["options"])]),
        ({"options": [{"value": "a"}]}, [("REQUIRED", ["options"])]),
        ({"type": "SELECT", "options": [{"value": "a"}, {"value": "a"}]}, [("INVALID", ["options"])]),
        ({"type": "PASSWORD"}, [("INVALID", ["type"])]),
    ],
)
async def test_a_wrong_declaration_is_refused(house: House, given: dict[str, Any], refusals: list[Any]) -> None:
    token, before = await house.integration(), await house.counts()

    answer = await house.ask(CREATE, token=token, input={"name": "size", "type": "TEXT", "labels": _labels(), **given})

    assert answer.refusals("createExtraField") == refusals
    assert {**await house.counts(), "sessions": 0} == {**before, "sessions": 0}


async def test_a_name_is_taken_once_in_each_organization(house: House) -> None:
    other = await house.open_shop("other")
    made = await _declare(house, "size")
    await _declare(house, "size", shop=other)
    token = await house.integration()

    again = await house.ask(CREATE, token=token, input={"name": "size", "type": "DATE", "labels": _labels()})

    assert again.refusals("createExtraField") == [("TAKEN", ["name"])]
    elsewhere = await house.integration(shop=other)
    for one in (made["id"], NOWHERE):
        assert (await house.ask(DELETE, token=elsewhere, id=one)).refusals("deleteExtraField") == [
            ("NOT_FOUND", ["id"])
        ]
        assert (await house.ask(UPDATE, token=elsewhere, input={"id": one})).refusals("updateExtraField") == [
            ("NOT_FOUND", ["id"])
        ]


async def test_only_integrations_with_the_scope_declare_fields(house: House) -> None:
    ann = await house.register("ann@example.org")
    given = {"name": "size", "type": "TEXT", "labels": _labels()}
    tokens = {None: "UNAUTHENTICATED", ann.token: "FORBIDDEN"}
    tokens[await house.integration(Scope.CUSTOMERS_WRITE)] = "FORBIDDEN"

    for token, code in tokens.items():
        assert (await house.ask(CREATE, token=token, input=given)).codes == [code]
        assert (await house.ask(UPDATE, token=token, input={"id": NOWHERE})).codes == [code]
        assert (await house.ask(DELETE, token=token, id=NOWHERE)).codes == [code]
        assert (await house.ask(LIST, token=token)).codes == [code]

    assert await house.count("extra_fields") == 0


async def test_answers_are_checked_kept_and_shown(house: House) -> None:
    await _declare(house, "vatId", pattern="[A-Z]{3}[0-9]+", maxLength=6, required=True)
    await _declare(house, "since", type="DATE")
    await _declare(house, "discount", type="NUMBER")
    await _declare(house, "vip", type="CHECKBOX")
    await _declare(house, "size", type="SELECT", options=[{"value": "s"}, {"value": "l"}])
    before = await house.counts()

    wrong = await _register(house, vatId="che1", since="2026-02-30", discount="much", vip="yes", size="m", colour="red")
    long = await _register(house, vatId="CHE12345")
    missing = await _register(house)

    assert wrong.refusals("register") == [
        ("INVALID", ["attributes", name]) for name in ("vatId", "since", "discount", "vip", "size", "colour")
    ]
    assert long.refusals("register") == [("TOO_LONG", ["attributes", "vatId"])]
    assert missing.refusals("register") == [("REQUIRED", ["attributes", "vatId"])]
    assert await house.counts() == before

    made = await _register(house, vatId=" CHE1 ", since="2026-01-31", discount="12.50", vip="true", size="l")
    assert made.payload("register")["customer"]["attributes"] == [
        {"name": "discount", "value": "12.50"},
        {"name": "since", "value": "2026-01-31"},
        {"name": "size", "value": "l"},
        {"name": "vatId", "value": "CHE1"},
        {"name": "vip", "value": "true"},
    ]


async def test_answers_are_changed_one_by_one_and_a_required_one_stays(house: House) -> None:
    await _declare(house, "vatId", required=True)
    await _declare(house, "size")
    token = (await _register(house, vatId="CHE1", size="m")).payload("register")["tokens"]["accessToken"]

    changed = (await _answer(house, token, size=None)).payload("updateCustomer")["customer"]
    same = (await _answer(house, token, vatId="CHE1")).payload("updateCustomer")["customer"]
    refused = await _answer(house, token, vatId=" ", size="x")
    twice = await house.ask(
        ANSWER, token=token, input={"attributes": [{"name": "size", "value": "a"}, {"name": "size", "value": "b"}]}
    )
    null = await house.ask(ANSWER, token=token, input={"attributes": None})

    assert changed == {"version": 2, "attributes": [{"name": "vatId", "value": "CHE1"}]}
    assert same["version"] == 2
    assert refused.refusals("updateCustomer") == [("REQUIRED", ["attributes", "vatId"])]
    assert twice.refusals("updateCustomer") == [("INVALID", ["attributes", "size"])]
    assert null.refusals("updateCustomer") == [("REQUIRED", ["attributes"])]
    assert (await _answer(house, token, size="l")).payload("updateCustomer")["customer"]["version"] == 3


async def test_an_answer_whose_field_is_gone_can_still_be_cleared(house: House) -> None:
    made = await _declare(house, "size")
    token = (await _register(house, size="m")).payload("register")["tokens"]["accessToken"]
    await house.ask(DELETE, token=await house.integration(), id=made["id"])

    kept = await _answer(house, token, size="l")
    cleared = (await _answer(house, token, size=None)).payload("updateCustomer")["customer"]

    assert kept.refusals("updateCustomer") == [("INVALID", ["attributes", "size"])]
    assert cleared["attributes"] == []


async def test_a_required_box_must_be_ticked(house: House) -> None:
    await _declare(house, "adult", type="CHECKBOX", required=True)

    assert (await _register(house, adult="false")).refusals("register") == [("REQUIRED", ["attributes", "adult"])]
    assert (await _register(house, adult="true")).payload("register")["customer"]


async def test_answers_are_sealed_with_the_person(house: House) -> None:
    await _declare(house, "nickname")
    await _register(house, nickname="Robin Hood")

    async with house.patron.store.database.engine.connect() as connection:
        raw = await connection.exec_driver_sql("SELECT sealed FROM customers")
        assert all(b"Robin" not in bytes(row.sealed) for row in raw)


async def test_a_card_number_is_no_answer(house: House) -> None:
    await _declare(house, "note")

    assert (await _register(house, note="4242 4242 4242 4242")).refusals("register") == [
        ("CARD_DATA_REFUSED", ["attributes", "note"])
    ]
