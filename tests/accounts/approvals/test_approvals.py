"""Approval: nobody logs in before the shop has let them in."""

from typing import Any

import pytest
from sqlmodel import select

from app.platform.mail import outbox
from app.platform.mail.tables import OutgoingMail
from app.platform.principal import Scope
from tests.house import PASSWORD, House, Shop

DECIDE = """mutation ($id: ID!) {{ {name}(input: {{ customerId: $id }}) {{
    customer {{ id approval }} userErrors {{ code field }} }} }}"""
APPROVE, REJECT = DECIDE.format(name="approveCustomer"), DECIDE.format(name="rejectCustomer")
ACCOUNT = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}


async def _shop(house: House) -> Shop:
    return await house.open_shop("choosy", approval=True, notification_email="desk@choosy.example")


async def _register(house: House, shop: Shop) -> Any:
    return (await house.ask("Register", shop=shop, input=ACCOUNT)).payload("register")


async def _login(house: House, shop: Shop, password: str = PASSWORD) -> Any:
    return await house.ask("Login", shop=shop, identifier="ann@example.org", password=password)


async def _mails(house: House) -> list[tuple[str, str]]:
    vault = house.patron.store.vault
    async with house.patron.store.database.transaction() as session:
        rows = (await session.exec(select(OutgoingMail).order_by(OutgoingMail.id))).all()  # type: ignore[arg-type]
    return [
        (row.template, (await vault.box(row.customer_id)).open(outbox.TABLE, row.id, row.sealed)["to"])
        for row in rows
        if row.sealed and row.template != "VERIFY_EMAIL"
    ]


async def test_a_new_customer_waits_and_logs_in_once_approved_and_both_sides_are_told(house: House) -> None:
    shop = await _shop(house)
    integration = await house.integration(Scope.CUSTOMERS_WRITE, shop=shop)

    registered = await _register(house, shop)
    assert (registered["nextStep"], registered["tokens"]) == ("AWAIT_APPROVAL", None)
    assert (await _login(house, shop)).refusals("login") == [("NOT_APPROVED", None)]

    approved = await house.ask(APPROVE, token=integration, id=registered["customer"]["id"])

    assert approved.payload("approveCustomer")["customer"]["approval"] == "APPROVED"
    assert (await _login(house, shop)).payload("login")["tokens"]
    assert await _mails(house) == [("APPROVAL_REQUESTED", "desk@choosy.example"), ("APPROVED", "ann@example.org")]
    assert "customer.approved" in await house.audit()


async def test_a_wrong_password_does_not_learn_that_an_approval_is_missing(house: House) -> None:
    shop = await _shop(house)
    await _register(house, shop)

    assert (await _login(house, shop, "wrong")).refusals("login") == [("INVALID_CREDENTIALS", None)]


async def test_a_rejected_customer_stays_out_and_loses_every_session(house: House) -> None:
    shop = await _shop(house)
    integration = await house.integration(shop=shop)
    customer_id = (await _register(house, shop))["customer"]["id"]
    await house.ask(APPROVE, token=integration, id=customer_id)
    token = (await _login(house, shop)).payload("login")["tokens"]["accessToken"]

    rejected = await house.ask(REJECT, token=integration, id=customer_id)

    assert rejected.payload("rejectCustomer")["customer"]["approval"] == "REJECTED"
    assert (await house.ask("{ me { id } }", token=token)).status == 401
    assert (await _login(house, shop)).refusals("login") == [("NOT_APPROVED", None)]


async def test_deciding_the_same_again_changes_and_sends_nothing(house: House) -> None:
    shop = await _shop(house)
    integration = await house.integration(shop=shop)
    customer_id = (await _register(house, shop))["customer"]["id"]
    first = (await house.ask(APPROVE, token=integration, id=customer_id)).payload("approveCustomer")
    before = await house.counts()

    assert (await house.ask(APPROVE, token=integration, id=customer_id)).payload("approveCustomer") == first

    assert await house.counts() == {**before, "audit_events": before["audit_events"] + 1}
    assert (await house.audit())[-1] == "customer.read"


@pytest.mark.parametrize(("operation", "name"), [(APPROVE, "approveCustomer"), (REJECT, "rejectCustomer")])
async def test_only_an_integration_of_the_same_organization_decides(house: House, operation: str, name: str) -> None:
    shop = await _shop(house)
    customer_id = (await _register(house, shop))["customer"]["id"]
    bob = await house.register("bob@example.org")
    elsewhere, unscoped = await house.integration(), await house.integration(Scope.CUSTOMERS_READ, shop=shop)
    before = await house.counts()

    assert (await house.ask(operation, shop=shop, id=customer_id)).codes == ["UNAUTHENTICATED"]
    assert (await house.ask(operation, token=bob.token, id=customer_id)).codes == ["FORBIDDEN"]
    assert (await house.ask(operation, token=unscoped, id=customer_id)).codes == ["FORBIDDEN"]
    for one in (customer_id, "nonsense"):
        refused = await house.ask(operation, token=elsewhere, id=one)
        assert refused.refusals(name) == [("NOT_FOUND", ["customerId"])]

    assert await house.counts() == before
    assert (await _login(house, shop)).refusals("login") == [("NOT_APPROVED", None)]


async def test_without_approval_nobody_waits(house: House) -> None:
    ann = await house.register("ann@example.org")

    assert (await house.ask("{ me { approval } }", token=ann.token)).data["me"]["approval"] is None
