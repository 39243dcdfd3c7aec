"""The lifecycle of a customer: from registration to erasure."""

from app.privacy.erasure import erase_due
from tests.shop import PASSWORD, Shop, Urls, open_shop

ADD_CARD = """mutation { addPaymentMethod(input: { token: "tok_visa" }) {
    paymentMethod { id } userErrors { code field message } } }"""

ADDRESS = {
    "firstName": "Ann",
    "lastName": "Archer",
    "line1": "Bahnhofstrasse 1",
    "city": "Zürich",
    "postalCode": "8001",
    "country": "CH",
}


async def test_a_customer_registers_owns_things_and_is_erased(shop: Shop) -> None:
    await customer_lifecycle(shop)


async def test_no_request_needs_a_second_connection_while_it_holds_one(urls: Urls) -> None:
    async with open_shop(urls, database_connections=4) as shop:
        await customer_lifecycle(shop)


async def customer_lifecycle(shop: Shop) -> None:
    """A customer registers, owns things, and is erased."""
    ann = await shop.register("Ann@example.org", firstName="Ann", lastName="Archer")
    home = (await shop.ask("CreateAddress", token=ann.token, input=ADDRESS)).payload("createAddress")["address"]
    work = (await shop.ask("CreateAddress", token=ann.token, input={**ADDRESS, "line1": "Limmatquai 2"})).payload(
        "createAddress"
    )["address"]
    (await shop.ask("SetDefaultAddress", token=ann.token, id=work["id"], type="BILLING")).payload("setDefaultAddress")
    (await shop.ask(ADD_CARD, token=ann.token)).payload("addPaymentMethod")
    (await shop.ask("UpdateCustomer", token=ann.token, input={"phone": "+41 44 668 18 00"})).payload("updateCustomer")
    me = (await shop.ask("Me", token=ann.token)).data["me"]
    assert me["email"] == "Ann@example.org"
    assert me["phone"] == "+41446681800"
    assert [one["isDefaultShipping"] for one in me["addresses"]] == [True, False]
    assert [one["isDefaultBilling"] for one in me["addresses"]] == [False, True]
    assert [one["last4"] for one in me["paymentMethods"]] == ["4242"]
    assert home["formatted"]

    staff = await shop.staff()
    requested = await shop.ask("RequestAnonymization", token=staff, customerId=ann.id)
    assert (
        requested.payload("requestAnonymization")["anonymization"]["requester"]["email"]
        == shop.organization.staff_email
    )
    assert await erase_due(shop.runtime.store) == 1

    found = (await shop.ask("Anonymization", token=staff, customerId=ann.id)).data["customer"]
    assert found["anonymization"]["status"] == "COMPLETED"
    assert (found["email"], found["firstName"], found["addresses"], found["paymentMethods"]) == (None, None, [], [])
    assert (await shop.ask("Me", token=ann.token)).status == 401
    login = await shop.ask("Login", identifier="ann@example.org", password=PASSWORD)
    assert login.refusals("login") == [("INVALID_CREDENTIALS", None)]
    again = await shop.register("ann@example.org")
    assert again.id != ann.id
