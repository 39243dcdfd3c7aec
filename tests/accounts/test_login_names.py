"""Tests of login names: login, uniqueness, and who may change them."""

from datetime import timedelta
from typing import Any

import pytest

from app.identity.sessions.tables import LoginSession
from app.platform.clock import now
from app.platform.principal import Scope
from tests.shop import PASSWORD, Answer, SeededOrganization, Shop

BY_LOGIN_NAME = "query ($name: String!) { customer(by: { loginName: $name }) { id loginName } }"
RENAME = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
    customer { id loginName } userErrors { code field } } }"""


async def _login(
    shop: Shop, identifier: str, *, organization: SeededOrganization | None = None, password: str = PASSWORD
) -> Answer:
    return await shop.ask("Login", organization=organization, identifier=identifier, password=password)


def _account(email: str, **fields: Any) -> dict[str, Any]:
    return {"email": email, "password": PASSWORD, "passwordConfirmation": PASSWORD, **fields}


async def test_a_customer_logs_in_by_email_or_login_name_in_any_case(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", loginName="Ann.Archer")

    by_name = (await _login(shop, "ANN.archer")).payload("login")
    by_email = (await _login(shop, "ANN@example.org")).payload("login")

    assert by_name["customer"]["id"] == by_email["customer"]["id"] == ann.id
    assert (await shop.ask("Me", token=ann.token)).data["me"]["loginName"] == "Ann.Archer"


async def test_where_login_names_are_required_an_email_does_not_log_in(shop: Shop) -> None:
    organization = await shop.create_organization("named", require_login_name=True)
    await shop.register("ann@example.org", organization=organization, loginName="ann_archer")
    hashes = shop.hashes()

    by_email = await _login(shop, "ann@example.org", organization=organization)
    unknown = await _login(shop, "nobody", organization=organization)
    nonsense = await _login(shop, "?", organization=organization)

    refusals = [one.data["login"] for one in (by_email, unknown, nonsense)]
    assert refusals[0] == refusals[1] == refusals[2]
    assert by_email.refusals("login") == [("INVALID_CREDENTIALS", None)]
    assert shop.hashes() - hashes == 3
    assert (await _login(shop, "ann_archer", organization=organization)).payload("login")["customer"][
        "email"
    ] == "ann@example.org"


async def test_a_login_name_is_required_exactly_where_the_organization_says_so(shop: Shop) -> None:
    organization = await shop.create_organization("named", require_login_name=True)
    before = await shop.counts()

    refused = await shop.ask("Register", organization=organization, input=_account("ann@example.org"))

    assert refused.refusals("register") == [("REQUIRED", ["loginName"])]
    assert await shop.counts() == before
    assert (await shop.ask("Register", input=_account("ann@example.org"))).payload("register")["customer"]


@pytest.mark.parametrize(
    ("name", "code"),
    [("anna", "TOO_SHORT"), ("a" * 65, "TOO_LONG"), ("ann archer", "INVALID"), ("änne.archer", "INVALID")],
)
async def test_a_login_name_of_another_form_is_refused(shop: Shop, name: str, code: str) -> None:
    before = await shop.counts()

    refused = await shop.ask("Register", input=_account("ann@example.org", loginName=name))

    assert refused.refusals("register") == [(code, ["loginName"])]
    assert await shop.counts() == before


async def test_a_login_name_is_unique_in_its_organization_whatever_its_case(shop: Shop) -> None:
    other = await shop.create_organization("other")
    await shop.register("ann@example.org", loginName="archer")
    await shop.register("bob@example.org")
    before = await shop.counts()

    refused = await shop.ask("Register", input=_account("joe@example.org", loginName="ARCHER"))
    both = await shop.ask("Register", input=_account("bob@example.org", loginName="ARCHER"))

    assert refused.refusals("register") == [("TAKEN", ["loginName"])]
    assert both.refusals("register") == [("EMAIL_TAKEN", ["email"]), ("TAKEN", ["loginName"])]
    assert await shop.counts() == before
    await shop.register("joe@example.org", organization=other, loginName="archer")


async def test_customers_do_not_change_their_login_name_but_integrations_may(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", loginName="archer")
    await shop.register("bob@example.org", loginName="bobby")
    integration = await shop.integration(Scope.CUSTOMERS_WRITE)

    own = await shop.ask(RENAME, token=ann.token, input={"loginName": "fletcher"})
    taken = await shop.ask(RENAME, token=integration, input={"customerId": ann.id, "loginName": "BOBBY"})
    cleared = await shop.ask(RENAME, token=integration, input={"customerId": ann.id, "loginName": None})

    assert own.refusals("updateCustomer") == [("NOT_ALLOWED", ["loginName"])]
    assert taken.refusals("updateCustomer") == [("TAKEN", ["loginName"])]
    assert cleared.refusals("updateCustomer") == [("REQUIRED", ["loginName"])]
    assert (await _login(shop, "archer")).payload("login")["customer"]["id"] == ann.id

    (await shop.ask(RENAME, token=integration, input={"customerId": ann.id, "loginName": "fletcher"})).payload(
        "updateCustomer"
    )

    assert (await _login(shop, "fletcher")).payload("login")["customer"]["id"] == ann.id
    assert (await _login(shop, "archer")).refusals("login") == [("INVALID_CREDENTIALS", None)]


async def test_an_integration_finds_a_customer_by_login_name(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", loginName="archer")
    integration = await shop.integration(Scope.CUSTOMERS_READ)

    found = await shop.ask(BY_LOGIN_NAME, token=integration, name="Archer")

    assert found.data["customer"] == {"id": ann.id, "loginName": "archer"}
    assert (await shop.ask(BY_LOGIN_NAME, token=integration, name="nobody")).data["customer"] is None
    assert (await shop.ask(BY_LOGIN_NAME, token=integration, name="!")).data["customer"] is None


SET = "mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { userErrors { code } } }"
NEXT = """mutation ($identifier: String!) {
    login(input: { identifier: $identifier, password: "a quiet green bicycle" }) {
        nextStep tokens { accessToken } userErrors { code field } } }"""


async def require_login_names(shop: Shop) -> None:
    """Turn it on for people who registered without one."""
    token = await shop.integration()
    (await shop.ask(SET, token=token, input={"settings": {"requireLoginName": True}})).payload("updateOrganization")


async def test_who_has_no_login_name_logs_in_by_email_until_one_was_chosen_once(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org", loginName="bobby")
    await require_login_names(shop)

    first = (await shop.ask(NEXT, identifier="Ann@example.org")).payload("login")
    assert first["nextStep"] == "CHOOSE_LOGIN_NAME"
    assert (await shop.ask(NEXT, identifier=bob.email)).refusals("login") == [("INVALID_CREDENTIALS", None)]
    token = first["tokens"]["accessToken"]
    assert (await shop.ask(RENAME, token=token, input={"loginName": "BOBBY"})).refusals("updateCustomer") == [
        ("TAKEN", ["loginName"])
    ]
    (await shop.ask(RENAME, token=token, input={"loginName": "archer"})).payload("updateCustomer")

    assert (await shop.ask(RENAME, token=token, input={"loginName": "fletcher"})).refusals("updateCustomer") == [
        ("NOT_ALLOWED", ["loginName"])
    ]
    assert (await shop.ask(NEXT, identifier=ann.email)).refusals("login") == [("INVALID_CREDENTIALS", None)]
    by_name = (await shop.ask(NEXT, identifier="archer")).payload("login")
    assert by_name["nextStep"] == "DONE"
    assert (await shop.ask(NEXT, identifier="bobby")).payload("login")["tokens"]


async def test_a_right_password_at_an_address_that_does_not_log_in_is_counted_as_wrong(shop: Shop) -> None:
    await shop.register("bob@example.org", loginName="bobby")
    await require_login_names(shop)

    await shop.ask(NEXT, identifier="bob@example.org")

    assert await shop.scalar("SELECT max(failures) FROM guess_counters") == 1


@pytest.mark.parametrize("taken_by", ["the owner of the address", "somebody else"])
async def test_a_taken_login_name_does_not_tell_who_has_it(shop: Shop, taken_by: str) -> None:
    own, other = ("archer", "bobby") if taken_by == "the owner of the address" else ("bobby", "archer")
    await shop.register("ann@example.org", loginName=own)
    await shop.register("bob@example.org", loginName=other)

    refused = await shop.ask("Register", input=_account("ann@example.org", loginName="archer"))

    assert refused.refusals("register") == [("EMAIL_TAKEN", ["email"]), ("TAKEN", ["loginName"])]


async def test_a_login_name_is_nothing_for_a_stolen_session(shop: Shop) -> None:
    organization = await shop.create_organization("named")
    ann = await shop.register("ann@example.org", organization=organization)
    await shop.change(LoginSession, created_at=now() - timedelta(minutes=6))

    taken = await shop.ask(RENAME, token=ann.token, organization=organization, input={"loginName": "eve_took_it"})

    assert taken.refusals("updateCustomer") == [("NOT_ALLOWED", ["loginName"])]
    fresh = (await _login(shop, "ann@example.org", organization=organization)).payload("login")["tokens"]["accessToken"]
    chosen = await shop.ask(RENAME, token=fresh, organization=organization, input={"loginName": "ann_archer"})
    assert chosen.payload("updateCustomer")["customer"]["loginName"] == "ann_archer"
