"""Tests of `acceptTerms`: existing customers accept new terms, and the back office finds who has not."""

from typing import Any

import pytest

from tests.shop import PASSWORD, SeededOrganization, Shop

SET = "mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { userErrors { code } } }"
ACCEPT = """mutation ($input: AcceptTermsInput!) { acceptTerms(input: $input) {
    nextStep customer { termsAcceptance { version acceptedAt } version } userErrors { code field } } }"""
LOGIN = """mutation ($email: String!) { login(input: { identifier: $email, password: "a quiet green bicycle" }) {
    nextStep tokens { accessToken } userErrors { code } } }"""
FIND = "query ($where: CustomerWhere!) { customers(where: $where) { nodes { email } } }"


async def set_version(shop: Shop, organization: SeededOrganization, version: str | None) -> None:
    token = await shop.integration(organization=organization)
    given = {"settings": {"termsVersion": version}}
    (await shop.ask(SET, token=token, input=given)).payload("updateOrganization")


async def find(shop: Shop, organization: SeededOrganization, **where: Any) -> list[str]:
    token = await shop.integration(organization=organization)
    nodes = (await shop.ask(FIND, token=token, where=where)).data["customers"]["nodes"]
    return sorted(node["email"] for node in nodes)


@pytest.fixture
async def organization(shop: Shop) -> SeededOrganization:
    return await shop.create_organization("termed", terms_version="1")


async def test_a_customer_accepts_new_terms_and_nobody_else_does(shop: Shop, organization: SeededOrganization) -> None:
    ann, bob = [
        await shop.register(f"{name}@example.org", organization=organization, acceptTerms=True)
        for name in ("ann", "bob")
    ]
    await set_version(shop, organization, "2")
    login = await shop.ask(LOGIN, organization=organization, email=ann.email)
    assert login.payload("login")["nextStep"] == "ACCEPT_TERMS"
    assert await find(shop, organization, **{"not": {"termsVersion": {"eq": "2"}}}) == [ann.email, bob.email]

    accepted = (await shop.ask(ACCEPT, token=ann.token, input={"version": "2"})).payload("acceptTerms")

    assert accepted["nextStep"] == "DONE"
    assert accepted["customer"]["termsAcceptance"]["version"] == "2"
    assert accepted["customer"]["version"] == 2
    login = await shop.ask(LOGIN, organization=organization, email=ann.email)
    assert login.payload("login")["nextStep"] == "DONE"
    assert await find(shop, organization, termsVersion={"eq": "2"}) == [ann.email]
    assert await find(shop, organization, termsVersion={"oneOf": ["1", "7"]}) == [bob.email]
    assert await find(shop, organization, **{"not": {"termsVersion": {"eq": "2"}}}) == [bob.email]
    assert (await shop.audit()).count("customer.terms_accepted") == 1


async def test_what_cannot_be_accepted_writes_nothing(shop: Shop, organization: SeededOrganization) -> None:
    ann = await shop.register("ann@example.org", organization=organization, acceptTerms=True)
    await set_version(shop, organization, "2")
    before = await shop.counts()

    stale = await shop.ask(ACCEPT, token=ann.token, input={"version": "1"})
    assert stale.refusals("acceptTerms") == [("INVALID", ["version"])]
    await set_version(shop, organization, None)
    without = await shop.ask(ACCEPT, token=ann.token, input={})
    assert without.refusals("acceptTerms") == [("NOT_ALLOWED", None)]
    assert (await shop.ask(ACCEPT, organization=organization, input={})).codes == ["UNAUTHENTICATED"]

    after = await shop.counts()
    assert {**after, "audit_events": 0, "login_sessions": 0} == {**before, "audit_events": 0, "login_sessions": 0}


async def test_a_guest_of_the_shop_has_accepted_none(shop: Shop, organization: SeededOrganization) -> None:
    token = await shop.integration(organization=organization)
    upsert = "mutation ($input: UpsertCustomerInput!) { upsertCustomer(input: $input) { userErrors { code } } }"
    (await shop.ask(upsert, token=token, input={"email": "guest@example.org"})).payload("upsertCustomer")
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD, "acceptTerms": True}
    (await shop.ask("Register", organization=organization, input=account)).payload("register")

    assert await find(shop, organization, termsVersion={"eq": "1"}) == ["ann@example.org"]
    assert await find(shop, organization, **{"not": {"termsVersion": {"eq": "1"}}}) == ["guest@example.org"]
