"""Tests of pending registrations: their data is written after verification and reveals nothing before."""

from typing import Any

import pytest

from app.platform.values import text_parser
from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.shop import Shop

HOME = {
    "firstName": "Ann",
    "lastName": "Lee",
    "line1": "Limmatquai 1",
    "city": "Zürich",
    "postalCode": "8001",
    "country": "CH",
}
SET = "mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { userErrors { code } } }"
VERIFY = """mutation ($input: VerifyEmailInput!) {
    verifyEmail(input: $input) { warnings { code field } userErrors { code } }
}"""
ME = "{ me { loginName termsAcceptance { version } newsletterConsentedAt addresses { line1 isDefaultBilling } } }"


async def _storefront(shop: Shop, **settings: Any) -> Storefront:
    organization = await shop.create_organization("careful", require_verified_email=True, terms_version="3", **settings)
    return Storefront(shop, organization)


async def _prove(storefront: Storefront, email: str) -> list[tuple[str, Any]]:
    token = (await storefront.mail_values("VERIFY_EMAIL", email))["token"]
    return (await storefront.mutate("verifyEmail", token=token)).refusals("verifyEmail")


async def test_login_name_terms_consent_and_address_are_written_once_the_address_is_proven(shop: Shop) -> None:
    storefront = await _storefront(shop)
    extra: dict[str, Any] = {"loginName": "archer", "acceptTerms": True, "newsletter": True, "address": HOME}
    (await storefront.register("ann@example.org", **extra)).payload("register")
    assert await shop.count("addresses") == 0
    assert await shop.count("login_identifiers", "kind = 'LOGIN_NAME'") == 0

    assert await _prove(storefront, "ann@example.org") == []

    me = (await shop.ask(ME, token=await storefront.token("archer"), organization=storefront.organization)).data["me"]
    assert me["newsletterConsentedAt"]
    assert (me["loginName"], me["termsAcceptance"]) == ("archer", {"version": "3"})
    assert me["addresses"] == [{"line1": "Limmatquai 1", "isDefaultBilling": True}]


async def test_an_address_accepted_before_the_shop_became_strict_does_not_block_the_account(shop: Shop) -> None:
    storefront = await _storefront(shop, address_strictness="warn")
    odd = {**HOME, "postalCode": "99"}
    (await storefront.register("ann@example.org", loginName="archer", acceptTerms=True, address=odd)).payload(
        "register"
    )
    token = await shop.integration(organization=storefront.organization)
    strict = {"settings": {"addressStrictness": "STRICT"}}
    (await shop.ask(SET, token=token, input=strict)).payload("updateOrganization")

    assert await _prove(storefront, "ann@example.org") == []

    me = (await shop.ask(ME, token=await storefront.token("archer"), organization=storefront.organization)).data["me"]
    assert me["addresses"] == [{"line1": "Limmatquai 1", "isDefaultBilling": True}]


async def test_an_address_that_can_no_longer_be_written_does_not_block_the_account(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    storefront = await _storefront(shop)
    for email in ("ann@example.org", "bob@example.org"):
        await storefront.register(email, loginName=email[:3] + "-archer", acceptTerms=True, address=HOME)
    shorter_names, no_more = ("checks.NAME", text_parser(1, 2)), ("editing.MAX_ADDRESSES", 0)

    warnings = []
    for email, (rule, today) in {"ann@example.org": shorter_names, "bob@example.org": no_more}.items():
        with monkeypatch.context() as changed:
            changed.setattr(f"app.customers.addresses.{rule}", today)
            token = (await storefront.mail_values("VERIFY_EMAIL", email))["token"]
            given = {"token": token, "registrationToken": storefront.registration_tokens[email]}
            answer = await shop.ask(VERIFY, organization=storefront.organization, input=given)
        warnings.append([(one["code"], one["field"]) for one in answer.payload("verifyEmail")["warnings"]])

    assert warnings == [
        [("TOO_LONG", ["address", "firstName"]), ("TOO_LONG", ["address", "lastName"])],
        [("LIMIT_REACHED", ["address"])],
    ]
    assert await shop.count("addresses") == 0
    for name in ("ann-archer", "bob-archer"):
        me = (await shop.ask(ME, token=await storefront.token(name), organization=storefront.organization)).data["me"]
        assert (me["loginName"], me["addresses"]) == (name, [])


async def test_a_login_name_does_not_reveal_whether_an_address_is_taken(shop: Shop) -> None:
    storefront = await _storefront(shop)
    await storefront.register("owner@example.org", acceptTerms=True, loginName="archer")
    await _prove(storefront, "owner@example.org")

    taken = await storefront.register("owner@example.org", acceptTerms=True, loginName="fletcher")
    free = await storefront.register("free@example.org", acceptTerms=True, loginName="bowyer")
    assert taken.body == free.body

    after_taken = await storefront.register("me@example.org", acceptTerms=True, loginName="fletcher")
    after_free = await storefront.register("me@example.org", acceptTerms=True, loginName="bowyer")
    assert after_taken.body == after_free.body == taken.body
    refused = await storefront.register("other@example.org", acceptTerms=True, loginName="ARCHER")
    assert refused.refusals("register") == [("TAKEN", ["loginName"])]


async def test_the_shop_is_asked_for_its_approval_once_the_address_is_proven(shop: Shop) -> None:
    storefront = await _storefront(shop, approval=True, notification_email="desk@careful.example")
    await storefront.register("ann@example.org", acceptTerms=True)
    assert [kind for kind, _ in await storefront.mail_kinds()] == ["VERIFY_EMAIL"]

    await _prove(storefront, "ann@example.org")

    assert ("APPROVAL_REQUESTED", "desk@careful.example") in await storefront.mail_kinds()
    assert (await storefront.login("ann@example.org")).refusals("login") == [("NOT_APPROVED", None)]


PROVE = """mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) {
    nextStep passwordToken tokens { accessToken } warnings { code field } userErrors { code } } }"""
CHOOSE = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { userErrors { code field } } }"""


@pytest.mark.parametrize(("required", "next_step"), [(True, "CHOOSE_LOGIN_NAME"), (False, "DONE")])
async def test_a_login_name_that_was_taken_meanwhile_does_not_keep_the_address_from_being_proven(
    shop: Shop, *, required: bool, next_step: str
) -> None:
    storefront = await _storefront(shop, require_login_name=required)
    for email in ("ann@example.org", "bob@example.org"):
        (await storefront.register(email, loginName="archer", acceptTerms=True)).payload("register")
    assert await _prove(storefront, "bob@example.org") == []

    mailed = await storefront.mail_values("VERIFY_EMAIL", "ann@example.org")
    given = {"token": mailed["token"], "registrationToken": storefront.registration_tokens["ann@example.org"]}
    proven = (await shop.ask(PROVE, organization=storefront.organization, input=given)).payload("verifyEmail")

    assert (proven["nextStep"], proven["warnings"]) == (next_step, [{"code": "TAKEN", "field": ["loginName"]}])
    token = await storefront.token("ann@example.org")
    chosen = await shop.ask(CHOOSE, token=token, organization=storefront.organization, input={"loginName": "fletcher"})
    chosen.payload("updateCustomer")
    bob = await shop.ask(ME, token=await storefront.token("archer"), organization=storefront.organization)
    assert bob.data["me"]["loginName"] == "archer"
    ann = await shop.ask(ME, token=await storefront.token("fletcher"), organization=storefront.organization)
    assert ann.data["me"]["loginName"] == "fletcher"
    assert proven["tokens"]["accessToken"]


async def test_a_login_name_that_was_taken_meanwhile_is_left_out_in_another_browser(shop: Shop) -> None:
    storefront = await _storefront(shop, require_login_name=True)
    for email in ("ann@example.org", "bob@example.org"):
        (await storefront.register(email, loginName="archer", acceptTerms=True)).payload("register")
    assert await _prove(storefront, "bob@example.org") == []

    mailed = await storefront.mail_values("VERIFY_EMAIL", "ann@example.org")
    given = {"token": mailed["token"]}
    proven = (await shop.ask(PROVE, organization=storefront.organization, input=given)).payload("verifyEmail")

    assert (proven["nextStep"], proven["tokens"]) == ("CHOOSE_PASSWORD", None)
    assert proven["warnings"] == [{"code": "TAKEN", "field": ["loginName"]}]
    new = {"password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD, "loginName": "fletcher"}
    await storefront.elsewhere().succeed("resetPassword", token=proven["passwordToken"], **new)
    await storefront.token("fletcher", NEW_PASSWORD)
    await storefront.token("archer")
