"""Login names: who may log in by one, and who may change it."""

from typing import Any

import pytest

from app.platform.principal import Scope
from tests.house import PASSWORD, Answer, House, Shop

BY_LOGIN_NAME = "query ($name: String!) { customer(by: { loginName: $name }) { id loginName } }"
RENAME = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
    customer { id loginName } userErrors { code field } } }"""


async def _login(house: House, identifier: str, *, shop: Shop | None = None, password: str = PASSWORD) -> Answer:
    return await house.ask("Login", shop=shop, identifier=identifier, password=password)


def _account(email: str, **fields: Any) -> dict[str, Any]:
    return {"email": email, "password": PASSWORD, "passwordConfirmation": PASSWORD, **fields}


async def test_a_customer_logs_in_by_email_or_login_name_in_any_case(house: House) -> None:
    ann = await house.register("ann@example.org", loginName="Ann.Archer")

    by_name = (await _login(house, "ANN.archer")).payload("login")
    by_email = (await _login(house, "ANN@example.org")).payload("login")

    assert by_name["customer"]["id"] == by_email["customer"]["id"] == ann.id
    assert (await house.ask("Me", token=ann.token)).data["me"]["loginName"] == "Ann.Archer"


async def test_where_login_names_are_required_an_email_does_not_log_in(house: House) -> None:
    shop = await house.open_shop("named", require_login_name=True)
    await house.register("ann@example.org", shop=shop, loginName="ann_archer")
    hashes = house.hashes()

    by_email = await _login(house, "ann@example.org", shop=shop)
    unknown = await _login(house, "nobody", shop=shop)
    nonsense = await _login(house, "?", shop=shop)

    refusals = [one.data["login"] for one in (by_email, unknown, nonsense)]
    assert refusals[0] == refusals[1] == refusals[2]
    assert by_email.refusals("login") == [("INVALID_CREDENTIALS", None)]
    assert house.hashes() - hashes == 3
    assert (await _login(house, "ann_archer", shop=shop)).payload("login")["customer"]["email"] == "ann@example.org"


async def test_a_login_name_is_required_exactly_where_the_organization_says_so(house: House) -> None:
    shop = await house.open_shop("named", require_login_name=True)
    before = await house.counts()

    refused = await house.ask("Register", shop=shop, input=_account("ann@example.org"))

    assert refused.refusals("register") == [("REQUIRED", ["loginName"])]
    assert await house.counts() == before
    assert (await house.ask("Register", input=_account("ann@example.org"))).payload("register")["customer"]


@pytest.mark.parametrize(
    ("name", "code"),
    [("anna", "TOO_SHORT"), ("a" * 65, "TOO_LONG"), ("ann archer", "INVALID"), ("änne.archer", "INVALID")],
)
async def test_a_login_name_of_another_form_is_refused(house: House, name: str, code: str) -> None:
    before = await house.counts()

    refused = await house.ask("Register", input=_account("ann@example.org", loginName=name))

    assert refused.refusals("register") == [(code, ["loginName"])]
    assert await house.counts() == before


async def test_a_login_name_is_unique_in_its_organization_whatever_its_case(house: House) -> None:
    other = await house.open_shop("other")
    await house.register("ann@example.org", loginName="archer")
    await house.register("bob@example.org")
    before = await house.counts()

    refused = await house.ask("Register", input=_account("joe@example.org", loginName="ARCHER"))
    both = await house.ask("Register", input=_account("bob@example.org", loginName="ARCHER"))

    assert refused.refusals("register") == [("TAKEN", ["loginName"])]
    assert both.refusals("register") == [("EMAIL_TAKEN", ["email"]), ("TAKEN", ["loginName"])]
    assert await house.counts() == before
    await house.register("joe@example.org", shop=other, loginName="archer")


async def test_customers_do_not_change_their_login_name_but_integrations_may(house: House) -> None:
    ann = await house.register("ann@example.org", loginName="archer")
    await house.register("bob@example.org", loginName="bobby")
    integration = await house.integration(Scope.CUSTOMERS_WRITE)

    own = await house.ask(RENAME, token=ann.token, input={"loginName": "fletcher"})
    taken = await house.ask(RENAME, token=integration, input={"customerId": ann.id, "loginName": "BOBBY"})
    cleared = await house.ask(RENAME, token=integration, input={"customerId": ann.id, "loginName": None})

    assert own.refusals("updateCustomer") == [("NOT_ALLOWED", ["loginName"])]
    assert taken.refusals("updateCustomer") == [("TAKEN", ["loginName"])]
    assert cleared.refusals("updateCustomer") == [("REQUIRED", ["loginName"])]
    assert (await _login(house, "archer")).payload("login")["customer"]["id"] == ann.id

    (await house.ask(RENAME, token=integration, input={"customerId": ann.id, "loginName": "fletcher"})).payload(
        "updateCustomer"
    )

    assert (await _login(house, "fletcher")).payload("login")["customer"]["id"] == ann.id
    assert (await _login(house, "archer")).refusals("login") == [("INVALID_CREDENTIALS", None)]


async def test_an_integration_finds_a_customer_by_login_name(house: House) -> None:
    ann = await house.register("ann@example.org", loginName="archer")
    integration = await house.integration(Scope.CUSTOMERS_READ)

    found = await house.ask(BY_LOGIN_NAME, token=integration, name="Archer")

    assert found.data["customer"] == {"id": ann.id, "loginName": "archer"}
    assert (await house.ask(BY_LOGIN_NAME, token=integration, name="nobody")).data["customer"] is None
    assert (await house.ask(BY_LOGIN_NAME, token=integration, name="!")).data["customer"] is None
