"""Builders of the tests about addresses."""

from typing import Any

from tests.shop import Answer, Person, SeededOrganization, Shop

FIELDS = """
    id version firstName lastName company isBusiness line1 line2 city postalCode phone phoneNational notes latitude
    longitude placeId formatted isDefaultShipping isDefaultBilling createdAt updatedAt
    zone { code name } country { code alpha3 name }
"""
ERRORS = "userErrors { __typename code field message }"
LIST = f"{{ me {{ addresses {{ {FIELDS} }} }} }}"
CREATE = f"""mutation ($input: AddressInput!) {{
    createAddress(input: $input) {{ address {{ {FIELDS} }} warnings {{ code field }} {ERRORS} }}
}}"""
UPDATE = f"""mutation ($id: ID!, $input: UpdateAddressInput!) {{
    updateAddress(id: $id, input: $input) {{ address {{ {FIELDS} }} warnings {{ code field }} {ERRORS} }}
}}"""
ANN = {
    "firstName": "Ann",
    "lastName": "Lee",
    "line1": "Limmatquai 1",
    "city": "Zürich",
    "postalCode": "8001",
    "country": "CH",
}
NOWHERE = "QWRkcmVzczowMThmMDAwMDAwMDA3MDAwODAwMDAwMDAwMDAwMDAwMA"
BOTH = {"SHIPPING", "BILLING"}


async def ask_to_create(shop: Shop, token: str, **fields: object) -> Answer:
    """Send `createAddress` with Ann's address and these fields; None omits a field."""
    given = {name: value for name, value in {**ANN, **fields}.items() if value is not None}
    return await shop.ask(CREATE, token=token, input=given)


async def create(shop: Shop, token: str, **fields: object) -> Any:
    """Create an address and return it."""
    return (await ask_to_create(shop, token, **fields)).payload("createAddress")["address"]


async def ask_to_update(shop: Shop, token: str, address_id: str, **fields: object) -> Answer:
    """Send `updateAddress` with these fields; None is an explicit null."""
    return await shop.ask(UPDATE, token=token, id=address_id, input=fields)


async def update(shop: Shop, token: str, address_id: str, **fields: object) -> Any:
    """Update an address and return it."""
    return (await ask_to_update(shop, token, address_id, **fields)).payload("updateAddress")["address"]


async def list_addresses(shop: Shop, token: str) -> Any:
    """The customer's addresses."""
    return (await shop.ask(LIST, token=token)).data["me"]["addresses"]


async def default_ids(shop: Shop, token: str) -> dict[str, list[str]]:
    """The ids of the default addresses of each type."""
    addresses = await list_addresses(shop, token)
    return {
        "SHIPPING": [one["id"] for one in addresses if one["isDefaultShipping"]],
        "BILLING": [one["id"] for one in addresses if one["isDefaultBilling"]],
    }


async def snapshot(shop: Shop, token: str) -> Any:
    """The number of rows of each table and the addresses: equal before and after a refusal."""
    return await shop.counts(), await list_addresses(shop, token)


async def register_person(shop: Shop, name: str = "ann", organization: SeededOrganization | None = None) -> Person:
    """Register and log in a customer without an address."""
    return await shop.register(f"{name}@example.org", organization=organization)
