"""The whole story: from registration to being forgotten."""

from app.privacy.erasing import erase_due
from tests.house import PASSWORD, House, Urls, open_test_house

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


async def test_a_customer_registers_owns_things_and_is_forgotten(house: House) -> None:
    await story(house)


async def test_no_request_needs_a_second_connection_while_it_holds_one(urls: Urls) -> None:
    async with open_test_house(urls, database_pool_size=1) as house:
        await story(house)


async def story(house: House) -> None:
    """Everything a customer does, to the end."""
    ann = await house.register("Ann@example.org", firstName="Ann", lastName="Archer")
    home = (await house.ask("CreateAddress", token=ann.token, input=ADDRESS)).payload("createAddress")["address"]
    work = (await house.ask("CreateAddress", token=ann.token, input={**ADDRESS, "line1": "Limmatquai 2"})).payload(
        "createAddress"
    )["address"]
    (await house.ask("SetDefaultAddress", token=ann.token, id=work["id"], type="BILLING")).payload("setDefaultAddress")
    (await house.ask(ADD_CARD, token=ann.token)).payload("addPaymentMethod")
    (await house.ask("UpdateCustomer", token=ann.token, input={"phone": "+41 44 668 18 00"})).payload("updateCustomer")
    me = (await house.ask("Me", token=ann.token)).data["me"]
    assert me["email"] == "Ann@example.org"
    assert me["phone"] == "+41446681800"
    assert [one["isDefaultShipping"] for one in me["addresses"]] == [True, False]
    assert [one["isDefaultBilling"] for one in me["addresses"]] == [False, True]
    assert [one["last4"] for one in me["paymentMethods"]] == ["4242"]
    assert home["formatted"]

    staff = await house.staff()
    requested = await house.ask("RequestAnonymization", token=staff, customerId=ann.id)
    assert requested.payload("requestAnonymization")["anonymization"]["requester"]["email"] == house.shop.staff_email
    assert await erase_due(house.patron.store) == 1

    found = (await house.ask("Anonymization", token=staff, customerId=ann.id)).data["customer"]
    assert found["anonymization"]["status"] == "COMPLETED"
    assert (found["email"], found["firstName"], found["addresses"], found["paymentMethods"]) == (None, None, [], [])
    assert (await house.ask("Me", token=ann.token)).status == 401
    login = await house.ask("Login", identifier="ann@example.org", password=PASSWORD)
    assert login.refusals("login") == [("INVALID_CREDENTIALS", None)]
    again = await house.register("ann@example.org")
    assert again.id != ann.id
