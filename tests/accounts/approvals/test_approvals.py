"""Tests of approvals: nobody logs in before the organization has approved them."""

from typing import Any

import pytest
from sqlmodel import select

from app.platform.mail import outbox
from app.platform.mail.tables import OutgoingMail
from app.platform.principal import Scope
from tests.shop import PASSWORD, SeededOrganization, Shop

DECIDE = """mutation ($id: ID!) {{ {name}(input: {{ customerId: $id }}) {{
    customer {{ id approval }} userErrors {{ code field }} }} }}"""
APPROVE, REJECT = DECIDE.format(name="approveCustomer"), DECIDE.format(name="rejectCustomer")
CHANGE_EMAIL = """mutation ($input: RequestEmailChangeInput!) {
    requestEmailChange(input: $input) { userErrors { code field } } }"""
CONFIRM_EMAIL = """mutation ($input: ConfirmEmailChangeInput!) {
    confirmEmailChange(input: $input) { userErrors { code field } } }"""
EMAIL = "query ($id: ID!) { customer(by: { id: $id }) { email } }"
ACCOUNT = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}


async def _organization(shop: Shop) -> SeededOrganization:
    return await shop.create_organization("choosy", approval=True, notification_email="desk@choosy.example")


async def _register(shop: Shop, organization: SeededOrganization) -> Any:
    return (await shop.ask("Register", organization=organization, input=ACCOUNT)).payload("register")


async def _login(shop: Shop, organization: SeededOrganization, password: str = PASSWORD) -> Any:
    return await shop.ask("Login", organization=organization, identifier="ann@example.org", password=password)


async def _token_of(shop: Shop, template: str) -> str:
    """The token of the only mail of this kind."""
    async with shop.runtime.store.database.transaction() as session:
        [row] = (await session.exec(select(OutgoingMail).where(OutgoingMail.template == template))).all()
    content = (await shop.runtime.store.vault.cipher(row.customer_id)).open(outbox.TABLE, row.id, row.sealed or b"")
    token: str = content["values"]["token"]
    return token


async def _mails(shop: Shop) -> list[tuple[str, str]]:
    vault = shop.runtime.store.vault
    async with shop.runtime.store.database.transaction() as session:
        rows = (await session.exec(select(OutgoingMail).order_by(OutgoingMail.id))).all()  # type: ignore[arg-type]
    return [
        (row.template, (await vault.cipher(row.customer_id)).open(outbox.TABLE, row.id, row.sealed)["to"])
        for row in rows
        if row.sealed and row.template != "VERIFY_EMAIL"
    ]


async def test_a_new_customer_waits_and_logs_in_once_approved_and_both_sides_are_notified(shop: Shop) -> None:
    organization = await _organization(shop)
    integration = await shop.integration(Scope.CUSTOMERS_WRITE, organization=organization)

    registered = await _register(shop, organization)
    assert (registered["nextStep"], registered["tokens"]) == ("AWAIT_APPROVAL", None)
    assert (await _login(shop, organization)).refusals("login") == [("NOT_APPROVED", None)]

    approved = await shop.ask(APPROVE, token=integration, id=registered["customer"]["id"])

    assert approved.payload("approveCustomer")["customer"]["approval"] == "APPROVED"
    assert (await _login(shop, organization)).payload("login")["tokens"]
    assert await _mails(shop) == [("APPROVAL_REQUESTED", "desk@choosy.example"), ("APPROVED", "ann@example.org")]
    assert "customer.approved" in await shop.audit()


async def test_a_wrong_password_does_not_learn_that_an_approval_is_missing(shop: Shop) -> None:
    organization = await _organization(shop)
    await _register(shop, organization)

    assert (await _login(shop, organization, "wrong")).refusals("login") == [("INVALID_CREDENTIALS", None)]


async def test_a_rejected_customer_cannot_log_in_and_loses_every_session(shop: Shop) -> None:
    organization = await _organization(shop)
    integration = await shop.integration(organization=organization)
    customer_id = (await _register(shop, organization))["customer"]["id"]
    await shop.ask(APPROVE, token=integration, id=customer_id)
    token = (await _login(shop, organization)).payload("login")["tokens"]["accessToken"]

    rejected = await shop.ask(REJECT, token=integration, id=customer_id)

    assert rejected.payload("rejectCustomer")["customer"]["approval"] == "REJECTED"
    assert (await shop.ask("{ me { id } }", token=token)).status == 401
    assert (await _login(shop, organization)).refusals("login") == [("NOT_APPROVED", None)]


async def test_a_rejected_customer_does_not_move_to_the_address_it_asked_for(shop: Shop) -> None:
    organization = await _organization(shop)
    integration = await shop.integration(organization=organization)
    customer_id = (await _register(shop, organization))["customer"]["id"]
    await shop.ask(APPROVE, token=integration, id=customer_id)
    token = (await _login(shop, organization)).payload("login")["tokens"]["accessToken"]
    change = {"newEmail": "new@example.org", "password": PASSWORD}
    (await shop.ask(CHANGE_EMAIL, token=token, organization=organization, input=change)).payload("requestEmailChange")
    link = await _token_of(shop, "CONFIRM_NEW_EMAIL")

    (await shop.ask(REJECT, token=integration, id=customer_id)).payload("rejectCustomer")

    confirmed = await shop.ask(CONFIRM_EMAIL, organization=organization, input={"token": link})
    assert confirmed.refusals("confirmEmailChange") == [("TOKEN_INVALID", ["token"])]
    assert (await shop.ask(EMAIL, token=integration, id=customer_id)).data["customer"] == {"email": "ann@example.org"}


async def test_deciding_the_same_again_changes_and_sends_nothing(shop: Shop) -> None:
    organization = await _organization(shop)
    integration = await shop.integration(organization=organization)
    customer_id = (await _register(shop, organization))["customer"]["id"]
    first = (await shop.ask(APPROVE, token=integration, id=customer_id)).payload("approveCustomer")
    before = await shop.counts()

    assert (await shop.ask(APPROVE, token=integration, id=customer_id)).payload("approveCustomer") == first

    assert await shop.counts() == {**before, "audit_events": before["audit_events"] + 1}
    assert (await shop.audit())[-1] == "customer.read"


@pytest.mark.parametrize(("operation", "name"), [(APPROVE, "approveCustomer"), (REJECT, "rejectCustomer")])
async def test_only_an_integration_of_the_same_organization_decides(shop: Shop, operation: str, name: str) -> None:
    organization = await _organization(shop)
    customer_id = (await _register(shop, organization))["customer"]["id"]
    bob = await shop.register("bob@example.org")
    elsewhere, unscoped = (
        await shop.integration(),
        await shop.integration(Scope.CUSTOMERS_READ, organization=organization),
    )
    before = await shop.counts()

    assert (await shop.ask(operation, organization=organization, id=customer_id)).codes == ["UNAUTHENTICATED"]
    assert (await shop.ask(operation, token=bob.token, id=customer_id)).codes == ["FORBIDDEN"]
    assert (await shop.ask(operation, token=unscoped, id=customer_id)).codes == ["FORBIDDEN"]
    for one in (customer_id, "nonsense"):
        refused = await shop.ask(operation, token=elsewhere, id=one)
        assert refused.refusals(name) == [("NOT_FOUND", ["customerId"])]

    assert await shop.counts() == before
    assert (await _login(shop, organization)).refusals("login") == [("NOT_APPROVED", None)]


async def test_without_approval_nobody_waits(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")

    assert (await shop.ask("{ me { approval } }", token=ann.token)).data["me"]["approval"] is None


async def test_nobody_waits_any_more_once_the_shop_stops_approving(shop: Shop) -> None:
    organization = await shop.create_organization("picky", approval=True)
    account = {"password": PASSWORD, "passwordConfirmation": PASSWORD}
    people = {}
    for name in ("waiting", "rejected"):
        answer = await shop.ask(
            "Register", organization=organization, input={"email": f"{name}@example.org", **account}
        )
        people[name] = answer.payload("register")["customer"]["id"]
    staff = await shop.integration(organization=organization)
    reject = "mutation ($id: ID!) { rejectCustomer(input: { customerId: $id }) { userErrors { code } } }"
    (await shop.ask(reject, token=staff, id=people["rejected"])).payload("rejectCustomer")
    stop = """mutation { updateOrganization(input: { settings: { approval: false } }) { userErrors { code } } }"""
    (await shop.ask(stop, token=staff)).payload("updateOrganization")

    waited, refused = [
        await shop.ask("Login", organization=organization, identifier=f"{name}@example.org", password=PASSWORD)
        for name in ("waiting", "rejected")
    ]

    assert waited.payload("login")["tokens"]
    assert refused.refusals("login") == [("NOT_APPROVED", None)]
    assert "mail" not in refused.data["login"]["userErrors"][0]["message"]


WAITING = "query ($where: CustomerWhere) { customers(where: $where) { totalCount nodes { email approval } } }"


async def test_the_back_office_finds_who_waits_and_how_it_decided_about_others(shop: Shop) -> None:
    organization = await _organization(shop)
    integration = await shop.integration(organization=organization)
    found = {}
    for name in ("ann", "bob", "cid"):
        account = {**ACCOUNT, "email": f"{name}@example.org"}
        registered = await shop.ask("Register", organization=organization, input=account)
        found[name] = registered.payload("register")["customer"]["id"]
    guest = 'mutation { upsertCustomer(input: { email: "gus@example.org" }) { userErrors { code } } }'
    (await shop.ask(guest, token=integration)).payload("upsertCustomer")
    (await shop.ask(APPROVE, token=integration, id=found["bob"])).payload("approveCustomer")
    (await shop.ask(REJECT, token=integration, id=found["cid"])).payload("rejectCustomer")
    # Elsewhere somebody waits, too.
    other = await shop.create_organization("another", approval=True)
    await shop.ask("Register", organization=other, input={**ACCOUNT, "email": "eve@example.org"})
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"approval": {"eq": "PENDING"}}, ["ann"]),
        ({"approval": {"eq": "APPROVED"}}, ["bob"]),
        ({"approval": {"oneOf": ["PENDING", "REJECTED"]}}, ["ann", "cid"]),
        ({"approval": {"eq": "PENDING", "oneOf": ["REJECTED"]}}, []),
        ({"approval": {"oneOf": []}}, []),
        ({"approval": {}}, ["ann", "bob", "cid", "gus"]),
        ({"not": {"approval": {"eq": "PENDING"}}}, ["bob", "cid", "gus"]),
        ({"approval": {"eq": "PENDING"}, "registered": False}, []),
    ]

    for where, expected in cases:
        answer = (await shop.ask(WAITING, token=integration, where=where)).data["customers"]
        assert sorted(one["email"].split("@")[0] for one in answer["nodes"]) == expected, where
        assert answer["totalCount"] == len(expected), where
