"""Every mutation of a customer answers the customer as it is afterwards: a cache then equals a reload."""

from typing import Any

import pytest
from graphql import GraphQLObjectType

from app.platform.principal import Scope
from app.server.schema import SCHEMA
from app.server.storefront_schema import storefront_sdl
from tests.customers.orders.builders import HOME
from tests.shop import PASSWORD, Person, Shop

SHOWN = """{ id email version firstName emailVerified pendingEmailChange { newEmail }
    addresses { id isDefaultShipping isDefaultBilling line1 } paymentMethods { id isDefault }
    sessions(active: true) { totalCount nodes { id } } }"""
ME = f"{{ me {SHOWN} }}"
NEW_PASSWORD = "amber lantern rests by noon"
PAYLOADS = {
    "acceptTerms",
    "addPaymentMethod",
    "changePassword",
    "confirmEmailChange",
    "createAddress",
    "deleteAddress",
    "deletePaymentMethod",
    "endSession",
    "logoutEverywhere",
    "requestDataExport",
    "requestEmailChange",
    "requestMyErasure",
    "setDefaultAddress",
    "setDefaultPaymentMethod",
    "updateAddress",
    "updateCustomer",
    "withdrawMyErasure",
}
# Nothing of the customer changes, or nobody is logged in any more.
NO_CUSTOMER = {"createPaymentSession", "logout"}
FOR_GUESTS = {
    "login",
    "refreshToken",
    "register",
    "requestEmailVerification",
    "requestLoginNameReminder",
    "requestPasswordReset",
    "resetPassword",
    "undoEmailChange",
    "unsubscribeNewsletter",
    "verifyEmail",
}


async def act(shop: Shop, person: Person, call: str, **variables: tuple[str, Any]) -> Any:
    """Send a mutation as the customer; what its payload shows is what `me` shows afterwards."""
    declared = ", ".join(f"${name}: {kind}" for name, (kind, _) in variables.items())
    operation = f"mutation ({declared})" if declared else "mutation"
    values: dict[str, Any] = {name: value for name, (_, value) in variables.items()}
    document = f"{operation} {{ {call} {{ customer {SHOWN} userErrors {{ code field }} }} }}"
    answer = await shop.ask(document, token=person.token, **values)
    payload = answer.payload(call.split("(", maxsplit=1)[0])
    reloaded = (await shop.ask(ME, token=person.token)).data["me"]
    assert payload["customer"] == reloaded
    return reloaded


async def test_after_each_mutation_the_cache_and_a_reload_are_equal(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", firstName="Ann")
    other = (await shop.ask("Login", identifier=ann.email, password=PASSWORD)).payload("login")["tokens"]

    await act(shop, ann, "updateCustomer(input: $input)", input=("UpdateCustomerInput!", {"firstName": "Anna"}))
    address = ("AddressInput!", HOME)
    first = (await act(shop, ann, "createAddress(input: $input)", input=address))["addresses"][0]
    # The second one takes the default away from the first, which only the customer's list tells.
    taking = ("AddressInput!", {**HOME, "isDefaultShipping": True, "isDefaultBilling": True})
    found = (await act(shop, ann, "createAddress(input: $input)", input=taking))["addresses"]
    assert [one["isDefaultShipping"] for one in found] == [False, True]
    given = {"id": ("ID!", first["id"])}
    await act(shop, ann, "setDefaultAddress(id: $id, type: SHIPPING)", **given)
    change = ("UpdateAddressInput!", {"line1": "Limmatquai 2"})
    await act(shop, ann, "updateAddress(id: $id, input: $input)", input=change, **given)
    taking_over = {"other": ("ID!", found[1]["id"]), **given}
    found = await act(shop, ann, "deleteAddress(id: $id, replacementId: $other)", **taking_over)
    assert [one["isDefaultShipping"] for one in found["addresses"]] == [True]

    for token in ("tok_visa", "tok_mastercard"):
        found = await act(shop, ann, f'addPaymentMethod(input: {{ token: "{token}", setDefault: true }})')
    assert [one["isDefault"] for one in found["paymentMethods"]] == [False, True]
    card = {"id": ("ID!", found["paymentMethods"][0]["id"])}
    await act(shop, ann, "setDefaultPaymentMethod(id: $id)", **card)
    found = await act(shop, ann, "deletePaymentMethod(id: $id)", **card)
    assert [one["isDefault"] for one in found["paymentMethods"]] == [True]

    await act(shop, ann, "requestDataExport(input: {})")
    await act(shop, ann, "requestMyErasure")
    await act(shop, ann, "withdrawMyErasure")
    asked = await shop.ask("{ me { sessions { nodes { id current } } } }", token=ann.token)
    foreign = next(one["id"] for one in asked.data["me"]["sessions"]["nodes"] if not one["current"])
    found = await act(shop, ann, "endSession(input: { id: $id })", id=("ID!", foreign))
    assert found["sessions"]["totalCount"] == 1
    assert (await shop.ask(ME, token=other["accessToken"])).status == 401
    passwords = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, "newPasswordConfirmation": NEW_PASSWORD}
    await act(shop, ann, "changePassword(input: $input)", input=("ChangePasswordInput!", passwords))
    moved = {"newEmail": "anna@example.org", "password": NEW_PASSWORD}
    found = await act(shop, ann, "requestEmailChange(input: $input)", input=("RequestEmailChangeInput!", moved))
    assert found["pendingEmailChange"] == {"newEmail": "anna@example.org"}


OWN = """{ id locale emailVerified pendingEmailChange { newEmail } sessions(first: 5) { nodes { current } }
    accessLog(first: 5) { nodes { action } } addresses { country { name } zone { name } } }"""


async def test_who_has_just_logged_in_sees_what_the_next_request_would_show(shop: Shop) -> None:
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD, "locale": "de"}
    given = {**account, "address": {**HOME, "zone": "ZH"}}
    register = f"""mutation ($input: RegisterInput!) {{ register(input: $input) {{
        customer {OWN} tokens {{ accessToken }} userErrors {{ code field }} }} }}"""
    login = f"""mutation ($input: LoginInput!) {{ login(input: $input) {{
        customer {OWN} tokens {{ accessToken }} userErrors {{ code field }} }} }}"""
    names = {"identifier": "ann@example.org", "password": PASSWORD}
    bob = await shop.register("bob@example.org")

    for document, name, sent, token in [
        (register, "register", given, None),
        (login, "login", names, None),
        (login, "login", names, bob.token),
    ]:
        payload = (await shop.ask(document, token=token, input=sent)).payload(name)
        reloaded = (await shop.ask(f"{{ me {OWN} }}", token=payload["tokens"]["accessToken"])).data["me"]

        assert payload["customer"] == reloaded
        [address] = payload["customer"]["addresses"]
        assert address["country"]["name"] == "Schweiz"


async def test_a_login_says_nothing_about_who_sends_the_next_mutation_of_the_document(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    login = 'login(input: { identifier: "ann@example.org", password: "a quiet green bicycle" })'
    document = f"""mutation {{
        login: {login} {{ customer {{ email sessions(first: 1) {{ totalCount }} }} userErrors {{ code }} }}
        updateCustomer(input: {{ firstName: "Bo" }}) {{ customer {{ email firstName }} userErrors {{ code }} }} }}"""

    as_bob, as_guest = await shop.ask(document, token=bob.token), await shop.ask(document)

    assert as_bob.data["login"]["customer"]["email"] == ann.email
    assert as_bob.data["updateCustomer"]["customer"] == {"email": bob.email, "firstName": "Bo"}
    assert as_guest.codes == ["UNAUTHENTICATED"]
    assert (await shop.ask("{ me { firstName } }", token=ann.token)).data["me"] == {"firstName": None}


async def test_a_change_to_an_address_that_is_taken_looks_like_any_other(shop: Shop) -> None:
    shown = "{ me { pendingEmailChange { newEmail } } }"
    ask = """mutation ($input: RequestEmailChangeInput!) { requestEmailChange(input: $input) {
        customer { pendingEmailChange { newEmail } } userErrors { code } } }"""
    update = """mutation { updateOrganization(input: { settings: { requireVerifiedEmail: true } }) {
        userErrors { code } } }"""
    bob, ann = await shop.register("bob@example.org"), await shop.register("ann@example.org")
    await shop.execute("UPDATE customers SET email_verified_at = created_at")
    (await shop.ask(update, token=await shop.integration())).payload("updateOrganization")

    for email in ("free@example.org", bob.email):
        answer = await shop.ask(ask, token=ann.token, input={"newEmail": email, "password": PASSWORD})

        assert answer.payload("requestEmailChange")["customer"] == {"pendingEmailChange": {"newEmail": email}}
        assert (await shop.ask(shown, token=ann.token)).data["me"] == {"pendingEmailChange": {"newEmail": email}}
    assert (await shop.ask(shown, token=bob.token)).data["me"] == {"pendingEmailChange": None}


async def test_a_confirmed_change_is_not_pending_any_more(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    ask = (
        """mutation ($input: RequestEmailChangeInput!) { requestEmailChange(input: $input) { userErrors { code } } }"""
    )
    given = {"newEmail": "new@example.org", "password": PASSWORD}
    (await shop.ask(ask, token=ann.token, input=given)).payload("requestEmailChange")
    shown = "{ me { email pendingEmailChange { newEmail expiresAt } } }"
    assert (await shop.ask(shown, token=ann.token)).data["me"]["pendingEmailChange"]

    await shop.execute("UPDATE proofs SET expires_at = '2026-01-01 00:00:00.000000' WHERE purpose = 'CHANGE_EMAIL'")

    assert (await shop.ask(shown, token=ann.token)).data["me"] == {"email": ann.email, "pendingEmailChange": None}


async def test_an_integration_that_may_not_read_customers_sees_no_more_than_before(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    document = """mutation ($input: AddressInput!) { createAddress(input: $input) {
        customer { id %s } userErrors { code } } }"""
    given = {**HOME, "customerId": ann.id}
    writer = await shop.integration(Scope.CUSTOMERS_WRITE)

    allowed = await shop.ask(document % "version", token=writer, input=given)
    refused = await shop.ask(document % "email", token=writer, input=given)
    both = await shop.integration(Scope.CUSTOMERS_WRITE, Scope.CUSTOMERS_READ)
    read = await shop.ask(document % "email", token=both, input=given)

    assert allowed.payload("createAddress")["customer"]["id"] == ann.id
    assert refused.codes == ["FORBIDDEN"]
    assert read.payload("createAddress")["customer"]["email"] == ann.email


async def test_a_refused_mutation_answers_no_customer(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    document = (
        "mutation ($input: AddressInput!) { createAddress(input: $input) { customer { id } userErrors { code } } }"
    )

    answer = await shop.ask(document, token=ann.token, input={"country": "CH"})

    assert answer.data["createAddress"]["customer"] is None
    assert answer.refusals("createAddress")


def test_every_payload_that_a_customer_may_get_has_the_customer() -> None:
    mutations = SCHEMA._schema.mutation_type
    assert isinstance(mutations, GraphQLObjectType)
    has = {
        name
        for name, field in mutations.fields.items()
        if "customer" in getattr(getattr(field.type, "of_type", field.type), "fields", {})
    }
    shown = storefront_sdl()
    storefront = {name for name in mutations.fields if f"  {name}(" in shown or f"  {name}:" in shown}

    assert has >= PAYLOADS
    assert storefront - FOR_GUESTS == PAYLOADS | NO_CUSTOMER


@pytest.mark.parametrize(("active", "number"), [(None, 3), (True, 2), (False, 1)])
async def test_sessions_are_listed_by_whether_they_live(shop: Shop, *, active: bool | None, number: int) -> None:
    ann = await shop.register("ann@example.org")
    tokens = [
        (await shop.ask("Login", identifier=ann.email, password=PASSWORD)).payload("login")["tokens"] for _ in range(2)
    ]
    (await shop.ask("Logout", token=tokens[0]["accessToken"])).payload("logout")
    document = "query ($active: Boolean) { me { sessions(active: $active) { totalCount nodes { endedAt } } } }"

    found = (await shop.ask(document, token=ann.token, active=active)).data["me"]["sessions"]

    assert (found["totalCount"], len(found["nodes"])) == (number, number)
    if active is not None:
        assert {one["endedAt"] is None for one in found["nodes"]} == {active}


async def test_tokens_say_for_how_long_they_are_good(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    document = """mutation ($given: String!) { refreshToken(input: { refreshToken: $given }) {
        tokens { accessTokenExpiresIn } userErrors { code } } }"""

    refreshed = await shop.ask(document, given=ann.refresh_token)

    assert 890 <= refreshed.payload("refreshToken")["tokens"]["accessTokenExpiresIn"] <= 900


async def test_a_guest_learns_the_rules_of_a_shop_and_not_its_settings(shop: Shop) -> None:
    rules = """{ organization { name accountRules { requireVerifiedEmail requireLoginName passwordMinLength termsUrl
        termsVersion approval keepLastAddress apiKeyRequired } } }"""

    found = (await shop.ask(rules)).data["organization"]
    refused = await shop.ask("{ organization { settings { notificationEmail } } }")

    assert found["accountRules"]["passwordMinLength"] == 8
    assert found["accountRules"]["requireVerifiedEmail"] is False
    assert refused.codes == ["UNAUTHENTICATED"]
