"""Tests of email addresses that the back office replaces: mails to both addresses, ended sessions, void links."""

from typing import Any

import pytest

from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.shop import PASSWORD, Person, Shop

UPDATE = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
    customer { email version } userErrors { code field } } }"""
UPSERT = """mutation ($input: UpsertCustomerInput!) { upsertCustomer(input: $input) {
    customer { id email version } userErrors { code field } } }"""
BY_SHOP = "EMAIL_CHANGED_BY_SHOP"


async def _replace(shop: Shop, way: str, customer_id: str, email: str) -> Any:
    token = await shop.integration()
    if way == "updateCustomer":
        answer = await shop.ask(UPDATE, token=token, input={"customerId": customer_id, "email": email})
    else:
        answer = await shop.ask(UPSERT, token=token, input={"id": customer_id, "email": email})
    return answer.payload(way)["customer"]


async def _is_logged_in(shop: Shop, person: Person) -> bool:
    return (await shop.ask("{ me { id } }", token=person.token)).status == 200


@pytest.mark.parametrize("way", ["updateCustomer", "upsertCustomer"])
async def test_both_addresses_get_a_mail_and_only_the_sessions_of_this_customer_end(shop: Shop, way: str) -> None:
    browser = Storefront(shop, shop.organization)
    ann, bob = await shop.register("ann@example.org", locale="de-CH"), await shop.register("bob@example.org")
    before = await browser.mail_kinds()

    changed = await _replace(shop, way, ann.id, "anna@example.org")

    assert changed["email"] == "anna@example.org"
    sent = (await browser.mail_kinds())[len(before) :]
    assert sent == [(BY_SHOP, "ann@example.org"), (BY_SHOP, "anna@example.org")]
    assert (await browser.mail_values(BY_SHOP, "ann@example.org"))["new_email"] == "anna@example.org"
    assert [await _is_logged_in(shop, one) for one in (ann, bob)] == [False, True]
    assert await shop.count("login_sessions", "ended_reason = 'EMAIL_CHANGED_BY_SHOP'") == 1
    refresh = await shop.ask("RefreshToken", refreshToken=ann.refresh_token)
    assert refresh.refusals("refreshToken") == [("TOKEN_INVALID", ["refreshToken"])]
    login = await shop.ask("Login", identifier="anna@example.org", password=PASSWORD)
    assert login.payload("login")["customer"]["id"] == ann.id


async def test_links_mailed_to_the_old_address_are_void_and_those_of_others_good(shop: Shop) -> None:
    browser = Storefront(shop, shop.organization)
    ann, _ = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    await browser.succeed("requestEmailChange", bearer=ann.token, newEmail="eve@example.org", password=PASSWORD)
    change = (await browser.mail_values("CONFIRM_NEW_EMAIL", "eve@example.org"))["token"]
    resets = {}
    for email in ("ann@example.org", "bob@example.org"):
        await browser.succeed("requestPasswordReset", email=email)
        resets[email] = (await browser.mail_values("RESET_PASSWORD", email))["token"]
    verification = (await browser.mail_values("VERIFY_EMAIL", "ann@example.org"))["token"]
    new = {"password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}

    await _replace(shop, "updateCustomer", ann.id, "anna@example.org")

    invalid = [("TOKEN_INVALID", ["token"])]
    assert await browser.refusals_of("resetPassword", token=resets["ann@example.org"], **new) == invalid
    assert await browser.refusals_of("verifyEmail", token=verification) == invalid
    assert await browser.refusals_of("confirmEmailChange", token=change) == invalid
    await browser.succeed("resetPassword", token=resets["bob@example.org"], **new)
    assert (await browser.login("anna@example.org")).payload("login")["customer"]["id"] == ann.id


async def test_another_spelling_of_a_proven_address_ends_and_unproves_nothing(shop: Shop) -> None:
    browser = Storefront(shop, shop.organization)
    ann = await shop.register("ann@example.org")
    await browser.succeed(
        "verifyEmail", token=(await browser.mail_values("VERIFY_EMAIL", ann.email))["token"], bearer=ann.token
    )
    mails = await browser.mail_kinds()

    changed = await _replace(shop, "updateCustomer", ann.id, "Ann@Example.org")

    assert changed["email"].startswith("Ann@")
    assert await browser.mail_kinds() == mails
    assert await _is_logged_in(shop, ann)
    assert await shop.count("customers", "email_verified_at IS NOT NULL") == 1


async def test_a_refused_change_mails_and_ends_nothing(shop: Shop) -> None:
    browser = Storefront(shop, shop.organization)
    ann, _ = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    token, before = await shop.integration(), await shop.counts()

    refused = await shop.ask(UPDATE, token=token, input={"customerId": ann.id, "email": "bob@example.org"})

    assert refused.refusals("updateCustomer") == [("EMAIL_TAKEN", ["email"])]
    assert await shop.counts() == {**before, "login_sessions": before["login_sessions"]}
    assert BY_SHOP not in [kind for kind, _ in await browser.mail_kinds()]
    assert await _is_logged_in(shop, ann)


async def test_a_guest_that_the_shop_entered_gets_no_mail_about_an_account(shop: Shop) -> None:
    token = await shop.integration()
    made = (await shop.ask(UPSERT, token=token, input={"email": "gus@example.org"})).payload("upsertCustomer")

    await _replace(shop, "upsertCustomer", made["customer"]["id"], "gustav@example.org")

    assert await Storefront(shop, shop.organization).mail_kinds() == []
