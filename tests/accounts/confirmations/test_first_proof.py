"""The first proof of an address takes from an unproven holder everything that could take the account back."""

from typing import Any

import pytest

from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.shop import PASSWORD, Shop

VERA, EVE, BOB, BOB_NEW = "vera@example.org", "eve@example.org", "bob@example.org", "bob.new@example.org"
STRANGERS = "the stranger's own words"
ORDER = {"total": {"amount": "10.00", "currencyCode": "CHF"}, "itemCount": 1}
VERIFY = """mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) {
    nextStep passwordToken tokens { accessToken } userErrors { code field } } }"""
SHOWN = """query ($email: String!) { customer(by: { email: $email }) { hasPassword orders { nodes { number } } } }"""


@pytest.fixture
async def open_storefront(shop: Shop) -> Storefront:
    """Of an organization that requires no verified address."""
    return Storefront(shop, await shop.create_organization("open"))


async def with_pending_change(storefront: Storefront, email: str, new_email: str, password: str) -> dict[str, str]:
    """Register an address without proving it, ask for its change; the link and the code mailed for that."""
    (await storefront.register(email, password)).payload("register")
    token = await storefront.token(email, password)
    await storefront.succeed("requestEmailChange", bearer=token, newEmail=new_email, password=password)
    values = await storefront.mail_values("CONFIRM_NEW_EMAIL", new_email)
    return {**values, "bearer": token}


async def prove(storefront: Storefront, by: str, **more: Any) -> dict[str, Any]:
    mailed = await storefront.mail_values("VERIFY_EMAIL", VERA)
    given = {"token": mailed["token"]} if by == "link" else {"email": VERA, "code": mailed["code"]}
    answer = await storefront.shop.ask(VERIFY, organization=storefront.organization, input={**given, **more})
    payload: dict[str, Any] = answer.payload("verifyEmail")
    return payload


@pytest.mark.parametrize("by", ["link", "code"])
async def test_a_change_that_a_stranger_requested_is_void_once_the_owner_proves_the_address(
    open_storefront: Storefront, by: str
) -> None:
    shop, organization = open_storefront.shop, open_storefront.organization
    staff = await shop.integration(organization=organization)
    (await shop.ask("RecordOrder", token=staff, input={**ORDER, "email": VERA, "number": "V-1"})).payload("recordOrder")
    bystander = await with_pending_change(open_storefront.elsewhere(), BOB, BOB_NEW, PASSWORD)
    stranger = await with_pending_change(open_storefront.elsewhere(), VERA, EVE, STRANGERS)

    proven = await prove(open_storefront, by)

    assert (proven["nextStep"], proven["tokens"]) == ("CHOOSE_PASSWORD", None)
    refused = await open_storefront.refusals_of("confirmEmailChange", token=stranger["token"])
    assert refused == [("TOKEN_INVALID", ["token"])]
    code = await open_storefront.mutate("confirmEmailChange", bearer=stranger["bearer"], code=stranger["code"])
    assert code.codes == ["UNAUTHENTICATED"]
    assert (await open_storefront.login(EVE, STRANGERS)).refusals("login") == [("INVALID_CREDENTIALS", None)]
    assert await shown(open_storefront, staff, EVE) is None
    owned = {"hasPassword": False, "orders": {"nodes": [{"number": "V-1"}]}}
    assert await shown(open_storefront, staff, VERA) == owned
    new = {"password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
    await open_storefront.elsewhere().succeed("resetPassword", token=proven["passwordToken"], **new)
    await open_storefront.token(VERA, NEW_PASSWORD)
    # Of the bystander nothing is void.
    await open_storefront.succeed("confirmEmailChange", token=bystander["token"])
    await open_storefront.token(BOB_NEW)


async def test_password_links_from_before_the_proof_are_void(open_storefront: Storefront) -> None:
    await with_pending_change(open_storefront.elsewhere(), BOB, BOB_NEW, PASSWORD)
    await with_pending_change(open_storefront.elsewhere(), VERA, EVE, STRANGERS)
    for email in (VERA, BOB):
        await open_storefront.succeed("requestPasswordReset", email=email)
    before = {email: (await open_storefront.mail_values("RESET_PASSWORD", email))["token"] for email in (VERA, BOB)}

    proven = await prove(open_storefront, "link")

    new = {"password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
    assert await open_storefront.refusals_of("resetPassword", token=before[VERA], **new) == [
        ("TOKEN_INVALID", ["token"])
    ]
    await open_storefront.elsewhere().succeed("resetPassword", token=proven["passwordToken"], **new)
    await open_storefront.elsewhere().succeed("resetPassword", token=before[BOB], **new)


async def test_the_browser_that_registered_keeps_the_change_that_it_requested(open_storefront: Storefront) -> None:
    browser = open_storefront.elsewhere()
    change = await with_pending_change(browser, VERA, EVE, PASSWORD)

    await prove(open_storefront, "link", registrationToken=browser.registration_tokens[VERA])

    await open_storefront.succeed("confirmEmailChange", token=change["token"])
    await open_storefront.token(EVE)


async def shown(storefront: Storefront, staff: str, email: str) -> Any:
    return (await storefront.shop.ask(SHOWN, token=staff, email=email)).data["customer"]
