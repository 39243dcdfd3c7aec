"""Two mailboxes are two people, and one mailbox is one person however it is typed."""

import pytest

from tests.customers.orders.builders import HOME, prove_email, record
from tests.shop import PASSWORD, Shop

HISTORY = "{ me { email orders(first: 5) { totalCount nodes { shippingAddress { line1 } } } } }"
FIND = "query ($email: String!) { customer(by: { email: $email }) { id email } }"
UPSERT = """mutation ($email: String!) {
    upsertCustomer(input: { email: $email }) { created customer { id email } userErrors { code field } } }"""
ZERO_WIDTH = "\u200b{}\ufeff"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("info@strasse.example", "info@straße.example"),
        ("weiss@example.org", "weiß@example.org"),
        ("finn@example.org", "ﬁnn@example.org"),
        ("ann@example.org", "ａnn@example.org"),
    ],
)
async def test_an_order_of_another_mailbox_goes_to_nobody(shop: Shop, one: str, other: str) -> None:
    person = await shop.register(one)
    bystander = await shop.register("bob@example.org")
    await prove_email(shop, person)

    recorded = await record(
        shop, await shop.integration(), email=other, shippingAddress={**HOME, "line1": "Geheimweg 1"}
    )

    assert recorded["customer"] is None
    for each in (person, bystander):
        found = (await shop.ask(HISTORY, token=each.token)).data["me"]
        assert found == {"email": each.email, "orders": {"totalCount": 0, "nodes": []}}


async def test_the_owner_of_the_other_mailbox_registers_and_gets_its_orders(shop: Shop) -> None:
    first = await shop.register("info@strasse.example")
    await record(shop, await shop.integration(), email="info@straße.example", shippingAddress=HOME)

    second = await shop.register("info@xn--strae-oqa.example")
    await prove_email(shop, second)

    assert second.id != first.id
    found = [(await shop.ask(HISTORY, token=each.token)).data["me"]["orders"]["totalCount"] for each in (first, second)]
    assert found == [0, 1]


@pytest.mark.parametrize(
    "spelling",
    [
        "Ann@Bücher.Example",
        "ANN@XN--BCHER-KVA.EXAMPLE",
        "ann@bu\u0308cher.example",
        ZERO_WIDTH.format("ann@bücher.example"),
        "\u202aann@bücher.example\u202c",
        " ann@bücher.example\u00a0",
    ],
)
async def test_one_mailbox_is_one_account_however_it_is_typed(shop: Shop, spelling: str) -> None:
    ann = await shop.register("ann@bücher.example")
    await shop.register("bob@bücher.example")
    token = await shop.integration()

    login = (await shop.ask("Login", identifier=spelling, password=PASSWORD)).payload("login")
    account = {"email": spelling, "password": PASSWORD, "passwordConfirmation": PASSWORD}
    again = await shop.ask("Register", input=account)
    upserted = (await shop.ask(UPSERT, token=token, email=spelling)).payload("upsertCustomer")
    found = (await shop.ask(FIND, token=token, email=spelling)).data["customer"]

    assert login["customer"]["id"] == found["id"] == upserted["customer"]["id"] == ann.id
    assert (again.refusals("register"), upserted["created"]) == ([("EMAIL_TAKEN", ["email"])], False)


@pytest.mark.parametrize("typed", [ZERO_WIDTH, "\u202a{}\u202c", "\u00ad{}", "{}\u2060"])
async def test_an_account_registered_with_invisible_characters_is_logged_in_to_without_them(
    shop: Shop, typed: str
) -> None:
    pasted = await shop.register(typed.format("ann@example.org"), loginName=typed.format("ann.archer"))

    for identifier in ("ann@example.org", typed.format("ann@example.org"), "ann.archer", typed.format("Ann.Archer")):
        login = (await shop.ask("Login", identifier=identifier, password=PASSWORD)).payload("login")
        assert login["customer"]["id"] == pasted.id
    assert (await shop.ask("{ me { email loginName } }", token=pasted.token)).data["me"] == {
        "email": "ann@example.org",
        "loginName": "ann.archer",
    }


async def test_an_invisible_character_inside_the_address_is_refused(shop: Shop) -> None:
    before = await shop.counts()

    answer = await shop.ask(
        "Register", input={"email": "a\u200bnn@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}
    )

    assert answer.refusals("register") == [("INVALID", ["email"])]
    assert await shop.counts() == before


async def test_addresses_below_test_register_as_others_do(shop: Shop) -> None:
    ann = await shop.register("ann@shop.test")

    assert (await shop.ask("{ me { email } }", token=ann.token)).data["me"] == {"email": "ann@shop.test"}


async def test_what_is_invisible_is_blank(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", firstName="Ann", company="Archers")
    document = """mutation { updateCustomer(input: { company: "\u200b \ufeff", firstName: "\u200eAnn\u200f" }) {
        customer { company firstName } userErrors { code field } } }"""

    answer = await shop.ask(document, token=ann.token)

    assert answer.payload("updateCustomer")["customer"] == {"company": None, "firstName": "Ann"}
