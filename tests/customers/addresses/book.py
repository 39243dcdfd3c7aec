"""The words of the tests about addresses."""

from typing import Any

from tests.house import Answer, House, Person, Shop

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


async def ask_to_create(house: House, token: str, **fields: object) -> Answer:
    """Send Ann's address with these fields instead; a field that is None is left away."""
    given = {name: value for name, value in {**ANN, **fields}.items() if value is not None}
    return await house.ask(CREATE, token=token, input=given)


async def create(house: House, token: str, **fields: object) -> Any:
    """The address that was created."""
    return (await ask_to_create(house, token, **fields)).payload("createAddress")["address"]


async def ask_to_update(house: House, token: str, address_id: str, **fields: object) -> Answer:
    """Send these fields; None is an explicit null."""
    return await house.ask(UPDATE, token=token, id=address_id, input=fields)


async def update(house: House, token: str, address_id: str, **fields: object) -> Any:
    """The address that was changed."""
    return (await ask_to_update(house, token, address_id, **fields)).payload("updateAddress")["address"]


async def listed(house: House, token: str) -> Any:
    """The customer's addresses."""
    return (await house.ask(LIST, token=token)).data["me"]["addresses"]


async def defaults(house: House, token: str) -> dict[str, list[str]]:
    """The ids of the default addresses of each type."""
    addresses = await listed(house, token)
    return {
        "SHIPPING": [one["id"] for one in addresses if one["isDefaultShipping"]],
        "BILLING": [one["id"] for one in addresses if one["isDefaultBilling"]],
    }


async def everything(house: House, token: str) -> Any:
    """What must be equal before and after a refusal: the number of rows of each table, and the addresses."""
    return await house.counts(), await listed(house, token)


async def a_person(house: House, name: str = "ann", shop: Shop | None = None) -> Person:
    """A customer who is logged in and has no address yet."""
    return await house.register(f"{name}@example.org", shop=shop)
