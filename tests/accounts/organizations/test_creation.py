"""Making another organization: who may, what it starts with, and what it does not see."""

from app.platform.principal import Scope
from tests.house import House

CREATE = """mutation ($input: CreateOrganizationInput!) { createOrganization(input: $input) {
    organization { slug name settings { requireVerifiedEmail } } publishableKey clientId clientSecret
    userErrors { code field } } }"""
VIEWER = "{ viewer { kind scopes organization { slug } } }"
TWO = {"slug": "second-shop", "name": "Second shop"}


async def test_a_new_organization_has_a_storefront_and_an_integration_of_its_own(house: House) -> None:
    creator = await house.integration(Scope.ORGANIZATION_WRITE, Scope.CUSTOMERS_READ)

    made = (await house.ask(CREATE, token=creator, input=TWO)).payload("createOrganization")

    assert made["organization"] == {**TWO, "settings": {"requireVerifiedEmail": True}}
    guest = await house.post({"query": VIEWER}, **{"x-api-key": made["publishableKey"]})
    assert guest.data["viewer"] == {"kind": "GUEST", "scopes": [], "organization": {"slug": "second-shop"}}
    form = {"grant_type": "client_credentials", "client_id": made["clientId"], "client_secret": made["clientSecret"]}
    token = (await house.client.post("/oauth/token", data=form)).json()["access_token"]
    viewer = (await house.ask(VIEWER, token=token)).data["viewer"]
    assert viewer["scopes"] == ["customers:read", "organization:write"]
    assert viewer["organization"] == {"slug": "second-shop"}
    assert (await house.audit())[-2:] == ["organization.created", "client.token_issued"]


async def test_a_taken_or_malformed_name_is_refused_and_makes_nothing(house: House) -> None:
    token = await house.integration()
    (await house.ask(CREATE, token=token, input=TWO)).payload("createOrganization")
    before = await house.counts()

    taken = await house.ask(CREATE, token=token, input=TWO)
    malformed = await house.ask(CREATE, token=token, input={"slug": "Second Shop!", "name": " "})

    assert taken.refusals("createOrganization") == [("TAKEN", ["slug"])]
    assert malformed.refusals("createOrganization") == [("INVALID", ["slug"]), ("REQUIRED", ["name"])]
    assert await house.counts() == before


async def test_only_the_default_organization_makes_others(house: House) -> None:
    elsewhere = await house.integration(shop=await house.open_shop("other"))
    before = await house.counts()

    assert (await house.ask(CREATE, token=elsewhere, input=TWO)).codes == ["FORBIDDEN"]

    assert await house.counts() == before
