"""Tests of the creation of organizations: permission, first clients, isolation."""

from app.platform.principal import Scope
from tests.shop import Shop

CREATE = """mutation ($input: CreateOrganizationInput!) { createOrganization(input: $input) {
    organization { slug name settings { requireVerifiedEmail } } publishableKey clientId clientSecret
    userErrors { code field } } }"""
VIEWER = "{ viewer { kind scopes organization { slug } } }"
SECOND = {"slug": "second-shop", "name": "Second shop"}


async def test_a_new_organization_has_a_storefront_and_an_integration_of_its_own(shop: Shop) -> None:
    creator = await shop.integration(Scope.ORGANIZATION_WRITE, Scope.CUSTOMERS_READ)

    made = (await shop.ask(CREATE, token=creator, input=SECOND)).payload("createOrganization")

    assert made["organization"] == {**SECOND, "settings": {"requireVerifiedEmail": True}}
    guest = await shop.post({"query": VIEWER}, **{"x-api-key": made["publishableKey"]})
    assert guest.data["viewer"] == {"kind": "GUEST", "scopes": [], "organization": {"slug": "second-shop"}}
    form = {"grant_type": "client_credentials", "client_id": made["clientId"], "client_secret": made["clientSecret"]}
    token = (await shop.client.post("/oauth/token", data=form)).json()["access_token"]
    viewer = (await shop.ask(VIEWER, token=token)).data["viewer"]
    assert viewer["scopes"] == ["CUSTOMERS_READ", "ORGANIZATION_WRITE"]
    assert viewer["organization"] == {"slug": "second-shop"}
    assert (await shop.audit())[-2:] == ["organization.created", "client.token_issued"]


async def test_a_taken_or_malformed_name_is_refused_and_makes_nothing(shop: Shop) -> None:
    token = await shop.integration()
    (await shop.ask(CREATE, token=token, input=SECOND)).payload("createOrganization")
    before = await shop.counts()

    taken = await shop.ask(CREATE, token=token, input=SECOND)
    malformed = await shop.ask(CREATE, token=token, input={"slug": "Second Shop!", "name": " "})

    assert taken.refusals("createOrganization") == [("TAKEN", ["slug"])]
    assert malformed.refusals("createOrganization") == [("INVALID", ["slug"]), ("REQUIRED", ["name"])]
    assert await shop.counts() == before


async def test_only_the_default_organization_makes_others(shop: Shop) -> None:
    elsewhere = await shop.integration(organization=await shop.create_organization("other"))
    before = await shop.counts()

    assert (await shop.ask(CREATE, token=elsewhere, input=SECOND)).codes == ["FORBIDDEN"]

    assert await shop.counts() == before
