"""Extra fields: declared by integrations, answered by customers."""

from typing import Any

import pytest

from app.platform.principal import Scope
from tests.shop import PASSWORD, Answer, SeededOrganization, Shop

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


async def _declare(shop: Shop, name: str, organization: SeededOrganization | None = None, **more: Any) -> Any:
    given = {"name": name, "type": "TEXT", "labels": _labels(), **more}
    token = await shop.integration(Scope.ORGANIZATION_WRITE, organization=organization)
    return (await shop.ask(CREATE, token=token, input=given)).payload("createExtraField")["extraField"]


async def _register(shop: Shop, **answers: str | None) -> Answer:
    attributes = [{"name": name, "value": value} for name, value in answers.items()]
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}
    return await shop.ask(REGISTER, input={**account, "attributes": attributes})


async def _answer(shop: Shop, token: str, **answers: str | None) -> Answer:
    attributes = [{"name": name, "value": value} for name, value in answers.items()]
    return await shop.ask(ANSWER, token=token, input={"attributes": attributes})


async def test_an_integration_declares_changes_and_deletes_a_field(shop: Shop) -> None:
    made = await _declare(
        shop,
        "size",
        type="SELECT",
        required=True,
        order=2,
        options=[{"value": "s", "labels": _labels("Small")}, {"value": "l"}],
    )
    await _declare(shop, "vatId", pattern="[A-Z]{2}[0-9]+", maxLength=14, order=1)
    token = await shop.integration(Scope.ORGANIZATION_WRITE)
    listed = (await shop.ask(LIST, token=token)).data["extraFields"]
    assert [(one["name"], one["type"], one["required"]) for one in listed] == [
        ("vatId", "TEXT", False),
        ("size", "SELECT", True),
    ]
    assert listed[1]["options"] == [{"value": "s", "labels": [{"text": "Small"}]}, {"value": "l", "labels": []}]

    changes = {"id": made["id"], "required": False, "order": 0, "labels": [{"locale": "de", "text": "Grösse"}]}
    changed = (await shop.ask(UPDATE, token=token, input=changes)).payload("updateExtraField")["extraField"]
    assert (changed["required"], changed["order"], changed["labels"]) == (False, 0, changes["labels"])
    assert changed["options"] == listed[1]["options"]

    assert (await shop.ask(DELETE, token=token, id=made["id"])).payload("deleteExtraField")
    assert [one["name"] for one in (await shop.ask(LIST, token=token)).data["extraFields"]] == ["vatId"]
    assert (await shop.audit())[-2:] == ["extra_field.updated", "extra_field.deleted"]


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
async def test_a_wrong_declaration_is_refused(shop: Shop, given: dict[str, Any], refusals: list[Any]) -> None:
    token, before = await shop.integration(), await shop.counts()

    answer = await shop.ask(CREATE, token=token, input={"name": "size", "type": "TEXT", "labels": _labels(), **given})

    assert answer.refusals("createExtraField") == refusals
    assert {**await shop.counts(), "login_sessions": 0} == {**before, "login_sessions": 0}


async def test_a_name_is_taken_once_in_each_organization(shop: Shop) -> None:
    other = await shop.create_organization("other")
    made = await _declare(shop, "size")
    await _declare(shop, "size", organization=other)
    token = await shop.integration()

    again = await shop.ask(CREATE, token=token, input={"name": "size", "type": "DATE", "labels": _labels()})

    assert again.refusals("createExtraField") == [("TAKEN", ["name"])]
    elsewhere = await shop.integration(organization=other)
    for one in (made["id"], NOWHERE):
        assert (await shop.ask(DELETE, token=elsewhere, id=one)).refusals("deleteExtraField") == [("NOT_FOUND", ["id"])]
        assert (await shop.ask(UPDATE, token=elsewhere, input={"id": one})).refusals("updateExtraField") == [
            ("NOT_FOUND", ["id"])
        ]


async def test_only_integrations_with_the_scope_declare_fields(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    given = {"name": "size", "type": "TEXT", "labels": _labels()}
    tokens = {None: "UNAUTHENTICATED", ann.token: "FORBIDDEN"}
    tokens[await shop.integration(Scope.CUSTOMERS_WRITE)] = "FORBIDDEN"

    for token, code in tokens.items():
        assert (await shop.ask(CREATE, token=token, input=given)).codes == [code]
        assert (await shop.ask(UPDATE, token=token, input={"id": NOWHERE})).codes == [code]
        assert (await shop.ask(DELETE, token=token, id=NOWHERE)).codes == [code]
        assert (await shop.ask(LIST, token=token)).codes == [code]

    assert await shop.count("extra_fields") == 0


async def test_answers_are_checked_kept_and_shown(shop: Shop) -> None:
    await _declare(shop, "vatId", pattern="[A-Z]{3}[0-9]+", maxLength=6, required=True)
    await _declare(shop, "since", type="DATE")
    await _declare(shop, "discount", type="NUMBER")
    await _declare(shop, "vip", type="CHECKBOX")
    await _declare(shop, "size", type="SELECT", options=[{"value": "s"}, {"value": "l"}])
    before = await shop.counts()

    wrong = await _register(shop, vatId="che1", since="2026-02-30", discount="much", vip="yes", size="m", colour="red")
    long = await _register(shop, vatId="CHE12345")
    missing = await _register(shop)

    assert wrong.refusals("register") == [
        ("INVALID", ["attributes", name]) for name in ("vatId", "since", "discount", "vip", "size", "colour")
    ]
    assert long.refusals("register") == [("TOO_LONG", ["attributes", "vatId"])]
    assert missing.refusals("register") == [("REQUIRED", ["attributes", "vatId"])]
    assert await shop.counts() == before

    made = await _register(shop, vatId=" CHE1 ", since="2026-01-31", discount="12.50", vip="true", size="l")
    assert made.payload("register")["customer"]["attributes"] == [
        {"name": "discount", "value": "12.50"},
        {"name": "since", "value": "2026-01-31"},
        {"name": "size", "value": "l"},
        {"name": "vatId", "value": "CHE1"},
        {"name": "vip", "value": "true"},
    ]


async def test_answers_are_changed_one_by_one_and_a_required_one_stays(shop: Shop) -> None:
    await _declare(shop, "vatId", required=True)
    await _declare(shop, "size")
    token = (await _register(shop, vatId="CHE1", size="m")).payload("register")["tokens"]["accessToken"]

    changed = (await _answer(shop, token, size=None)).payload("updateCustomer")["customer"]
    same = (await _answer(shop, token, vatId="CHE1")).payload("updateCustomer")["customer"]
    refused = await _answer(shop, token, vatId=" ", size="x")
    twice = await shop.ask(
        ANSWER, token=token, input={"attributes": [{"name": "size", "value": "a"}, {"name": "size", "value": "b"}]}
    )
    null = await shop.ask(ANSWER, token=token, input={"attributes": None})

    assert changed == {"version": 2, "attributes": [{"name": "vatId", "value": "CHE1"}]}
    assert same["version"] == 2
    assert refused.refusals("updateCustomer") == [("REQUIRED", ["attributes", "vatId"])]
    assert twice.refusals("updateCustomer") == [("INVALID", ["attributes", "size"])]
    assert null.refusals("updateCustomer") == [("REQUIRED", ["attributes"])]
    assert (await _answer(shop, token, size="l")).payload("updateCustomer")["customer"]["version"] == 3


async def test_an_answer_whose_field_is_gone_can_still_be_cleared(shop: Shop) -> None:
    made = await _declare(shop, "size")
    token = (await _register(shop, size="m")).payload("register")["tokens"]["accessToken"]
    await shop.ask(DELETE, token=await shop.integration(), id=made["id"])

    kept = await _answer(shop, token, size="l")
    cleared = (await _answer(shop, token, size=None)).payload("updateCustomer")["customer"]

    assert kept.refusals("updateCustomer") == [("INVALID", ["attributes", "size"])]
    assert cleared["attributes"] == []


async def test_a_required_checkbox_must_be_checked(shop: Shop) -> None:
    await _declare(shop, "adult", type="CHECKBOX", required=True)

    assert (await _register(shop, adult="false")).refusals("register") == [("REQUIRED", ["attributes", "adult"])]
    assert (await _register(shop, adult="true")).payload("register")["customer"]


async def test_answers_are_sealed_with_the_profile(shop: Shop) -> None:
    await _declare(shop, "nickname")
    await _register(shop, nickname="Robin Hood")

    async with shop.runtime.store.database.engine.connect() as connection:
        raw = await connection.exec_driver_sql("SELECT sealed FROM customers")
        assert all(b"Robin" not in bytes(row.sealed) for row in raw)


async def test_a_card_number_is_refused_as_an_answer(shop: Shop) -> None:
    await _declare(shop, "note")

    assert (await _register(shop, note="4242 4242 4242 4242")).refusals("register") == [
        ("CARD_DATA_REFUSED", ["attributes", "note"])
    ]
