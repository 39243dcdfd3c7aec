"""Countries and zones are named in the customer's language."""

from typing import Any

import pytest

from tests.customers.addresses.builders import create, list_addresses, update
from tests.customers.orders.builders import record
from tests.shop import Shop

CHOOSE = "mutation ($locale: String) { updateCustomer(input: { locale: $locale }) { userErrors { code } } }"
SEEN = """query ($order: OrderBy!, $address: ID!) {
    me { addresses { country { name zones { name } } zone { code name } formatted } }
    node(id: $address) { ... on Address { country { name } } }
    order(by: $order) { shippingAddress { country { name } zone { name } formatted } }
    country(code: "JP") { name }
    countries { code name }
}"""
OWN = "{ me { addresses { country { name } zone { name } } } }"
CHANGE = f"""mutation ($locale: String) {{ updateCustomer(input: {{ locale: $locale }}) {{
    customer {OWN[len("{ me ") : -2]} userErrors {{ code }} }} }}"""
GENEVA = {"line1": "Rue du Rhône 1", "city": "Genève", "postalCode": "1204", "zone": "GE"}


def _names(address: Any) -> tuple[str, str]:
    return address["country"]["name"], address["zone"]["name"]


@pytest.mark.parametrize(
    ("locale", "swiss", "geneva", "japan"),
    [
        (None, "Switzerland", "Geneva", "Japan"),
        ("en-GB", "Switzerland", "Geneva", "Japan"),
        ("de-CH", "Schweiz", "Genf", "Japan"),
        ("fr", "Suisse", "Genève", "Japon"),
        ("ja", "スイス", "Geneva", "日本"),
        ("xx", "Switzerland", "Geneva", "Japan"),
    ],
)
async def test_names_follow_the_locale_of_the_customer_who_reads(
    shop: Shop, locale: str | None, swiss: str, geneva: str, japan: str
) -> None:
    ann = await shop.register("ann@example.org")
    (await shop.ask(CHOOSE, token=ann.token, locale=locale)).payload("updateCustomer")
    address = await create(shop, ann.token, **GENEVA)
    home = {"firstName": "Ann", "lastName": "Lee", "country": "CH", **GENEVA}
    await record(shop, await shop.integration(), customerId=ann.id, shippingAddress=home)

    seen = (await shop.ask(SEEN, token=ann.token, order={"number": "1001"}, address=address["id"])).data

    mine, sent = seen["me"]["addresses"][0], seen["order"]["shippingAddress"]
    assert [_names(one) for one in (address, mine, sent)] == [(swiss, geneva)] * 3
    assert {"name": geneva} in mine["country"]["zones"]
    assert mine["zone"]["code"] == "GE"
    assert seen["node"] == {"country": {"name": swiss}}
    assert seen["country"]["name"] == japan
    assert {"code": "CH", "name": swiss} in seen["countries"]
    assert mine["formatted"] == sent["formatted"] == ["Ann Lee", "Rue du Rhône 1", "CH-1204 Genève", "SWITZERLAND"]


async def test_the_answer_to_a_change_of_the_locale_is_named_in_the_new_one(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", locale="de")
    await create(shop, ann.token, **GENEVA)

    changed = await shop.ask(CHANGE, token=ann.token, locale="fr")

    [address] = changed.payload("updateCustomer")["customer"]["addresses"]
    assert _names(address) == ("Suisse", "Genève")
    [reloaded] = (await shop.ask(OWN, token=ann.token)).data["me"]["addresses"]
    assert reloaded == address


async def test_integrations_read_english_names_whatever_the_customer_chose(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    (await shop.ask(CHOOSE, token=ann.token, locale="fr")).payload("updateCustomer")
    address = await create(shop, ann.token, **GENEVA)
    token = await shop.integration()

    changed = await update(shop, token, address["id"], notes="Ring twice")

    assert _names(changed) == ("Switzerland", "Geneva")
    assert _names((await list_addresses(shop, ann.token))[0]) == ("Suisse", "Genève")


async def test_a_zone_that_the_country_does_not_have_stays_as_it_was_typed(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    (await shop.ask(CHOOSE, token=ann.token, locale="de")).payload("updateCustomer")

    address = await create(shop, ann.token, country="FR", postalCode="75001", city="Paris", zone="Île-de-France")

    assert (address["country"]["name"], address["zone"]["name"]) == ("Frankreich", "Île-de-France")
