"""An undone email change: what came to the account since leaves it, as it is somebody else's."""

from typing import Any

from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.shop import PASSWORD, Shop

EVE, VERA, BOB = "eve@example.org", "vera@example.org", "bob@example.org"
ORDER: dict[str, Any] = {"total": {"amount": "10.00", "currencyCode": "CHF"}, "itemCount": 1}
HOME = {
    "firstName": "Vera",
    "lastName": "Vogel",
    "line1": "Limmatquai 1",
    "postalCode": "8001",
    "city": "Zürich",
    "country": "CH",
}
SHOWN = """{ me { email firstName addresses { line1 } paymentMethods { last4 } orders { nodes { number } } } }"""
UPDATE = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { userErrors { code } } }"""
ADDRESS = """mutation ($input: AddressInput!) { createAddress(input: $input) { userErrors { code } } }"""
CARD = 'mutation { addPaymentMethod(input: { token: "tok_visa" }) { userErrors { code } } }'


async def shown(storefront: Storefront, token: str) -> dict[str, Any]:
    answer = await storefront.shop.ask(SHOWN, organization=storefront.organization, token=token)
    me: dict[str, Any] = answer.data["me"]
    return {**me, "orders": sorted(one["number"] for one in me["orders"]["nodes"])}


async def fill(storefront: Storefront, token: str, first_name: str, street: str) -> None:
    async def ask(document: str, name: str, **variables: Any) -> None:
        answer = await storefront.shop.ask(document, organization=storefront.organization, token=token, **variables)
        answer.payload(name)

    await ask(UPDATE, "updateCustomer", input={"firstName": first_name})
    await ask(ADDRESS, "createAddress", input={**HOME, "line1": street})
    await ask(CARD, "addPaymentMethod")


async def test_what_somebody_added_who_was_led_to_confirm_is_not_the_first_owner_s(shop: Shop) -> None:
    storefront = Storefront(shop, await shop.create_organization("careful", require_verified_email=True))
    staff = await shop.integration(organization=storefront.organization)
    for email, number in ((VERA, "V-1"), (BOB, "B-1")):
        (await shop.ask("RecordOrder", token=staff, input={**ORDER, "email": email, "number": number})).payload(
            "recordOrder"
        )
    bob = await storefront.elsewhere().register_verified(BOB)
    await fill(storefront, bob, "Bob", "Bachweg 1")
    bystander = await shown(storefront, bob)
    eve = await storefront.elsewhere().register_verified(EVE)
    await fill(storefront, eve, "Eve", "Hehlergasse 2")
    before = await shown(storefront, eve)
    await storefront.succeed("requestEmailChange", bearer=eve, newEmail=VERA, password=PASSWORD)
    # Vera clicks on what she was mailed, resets the password and uses the account.
    await storefront.succeed(
        "confirmEmailChange", token=(await storefront.mail_values("CONFIRM_NEW_EMAIL", VERA))["token"]
    )
    await storefront.succeed("requestPasswordReset", email=VERA)
    reset = (await storefront.mail_values("RESET_PASSWORD", VERA))["token"]
    new = {"password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
    await storefront.succeed("resetPassword", token=reset, **new)
    vera = await storefront.token(VERA, NEW_PASSWORD)
    await fill(storefront, vera, "Vera", "Limmatquai 1")
    assert (await shown(storefront, vera))["orders"] == ["V-1"]

    await storefront.succeed("undoEmailChange", token=(await storefront.mail_values("EMAIL_CHANGED", EVE))["token"])

    back = (await storefront.mail_values("RESET_PASSWORD", EVE))["token"]
    await storefront.elsewhere().succeed("resetPassword", token=back, **new)
    assert await shown(storefront, await storefront.token(EVE, NEW_PASSWORD)) == before
    assert await shown(storefront, bob) == bystander
    # The order waits for whoever proves Vera's address.
    owner = await storefront.elsewhere().register_verified(VERA)
    assert (await shown(storefront, owner))["orders"] == ["V-1"]
