"""Refusals of address mutations: code, field, and that nothing was written."""

import asyncio

import pytest

from app.customers.addresses.editing import MAX_ADDRESSES
from tests.customers.addresses.builders import (
    ANN,
    NOWHERE,
    ask_to_create,
    ask_to_update,
    create,
    default_ids,
    list_addresses,
    register_person,
    snapshot,
    update,
)
from tests.shop import Shop

CARD = "4111 1111 1111 1111"
WRONG = [
    ({"firstName": "x" * 33}, ("TOO_LONG", ["firstName"])),
    ({"lastName": " "}, ("REQUIRED", ["lastName"])),
    ({"isBusiness": True}, ("REQUIRED", ["company"])),
    ({"company": "x" * 256}, ("TOO_LONG", ["company"])),
    ({"line1": ""}, ("REQUIRED", ["line1"])),
    ({"line2": "x" * 129}, ("TOO_LONG", ["line2"])),
    ({"city": " "}, ("REQUIRED", ["city"])),
    ({"postalCode": "80001"}, ("INVALID_POSTAL_CODE", ["postalCode"])),
    ({"zone": "Bavaria"}, ("INVALID_ZONE", ["zone"])),
    ({"country": "UK"}, ("INVALID", ["country"])),
    ({"phone": "044 668"}, ("INVALID_PHONE", ["phone"])),
    ({"notes": CARD}, ("CARD_DATA_REFUSED", ["notes"])),
    ({"latitude": 90.1, "longitude": 0}, ("INVALID", ["latitude"])),
    ({"latitude": 0, "longitude": -180.1}, ("INVALID", ["longitude"])),
    ({"latitude": 0}, ("REQUIRED", ["longitude"])),
    ({"placeId": "x" * 256}, ("TOO_LONG", ["placeId"])),
]


@pytest.mark.parametrize(("fields", "refusal"), WRONG)
async def test_a_wrong_field_is_refused_alike_when_creating_and_when_changing(
    shop: Shop, fields: dict[str, object], refusal: tuple[str, list[str]]
) -> None:
    ann = await register_person(shop)
    address = await create(shop, ann.token)
    before = await snapshot(shop, ann.token)

    created = await ask_to_create(shop, ann.token, **fields)
    changed = await ask_to_update(shop, ann.token, address["id"], **fields)

    assert created.refusals("createAddress") == changed.refusals("updateAddress") == [refusal]
    assert created.data["createAddress"]["address"] is changed.data["updateAddress"]["address"] is None
    assert await snapshot(shop, ann.token) == before


async def test_all_wrong_fields_are_reported_at_once(shop: Shop) -> None:
    ann = await register_person(shop)
    before = await snapshot(shop, ann.token)

    answer = await ask_to_create(
        shop, ann.token, firstName=CARD, lastName=None, line1=None, city=None, postalCode="1", zone="?", phone="12"
    )

    assert sorted(answer.refusals("createAddress")) == [
        ("CARD_DATA_REFUSED", ["firstName"]),
        ("INVALID_POSTAL_CODE", ["postalCode"]),
        ("INVALID_ZONE", ["zone"]),
        ("REQUIRED", ["city"]),
        ("REQUIRED", ["lastName"]),
        ("REQUIRED", ["line1"]),
        ("TOO_SHORT", ["phone"]),
    ]
    assert await snapshot(shop, ann.token) == before


async def test_a_change_of_one_field_must_leave_a_valid_address(shop: Shop) -> None:
    ann = await register_person(shop)
    address = await create(shop, ann.token)
    before = await snapshot(shop, ann.token)

    streetless = await ask_to_update(shop, ann.token, address["id"], line1=None)
    emigrated = await ask_to_update(shop, ann.token, address["id"], country="US")
    defaultless = await ask_to_update(shop, ann.token, address["id"], isDefaultBilling=False, phone="12")

    assert streetless.refusals("updateAddress") == [("REQUIRED", ["line1"])]
    assert emigrated.refusals("updateAddress") == [("INVALID_POSTAL_CODE", ["postalCode"]), ("REQUIRED", ["zone"])]
    assert defaultless.refusals("updateAddress") == [("TOO_SHORT", ["phone"]), ("IS_DEFAULT", ["isDefaultBilling"])]
    assert await snapshot(shop, ann.token) == before


async def test_coordinates_alone_are_an_address(shop: Shop) -> None:
    ann = await register_person(shop)
    point = {"line1": None, "city": None, "postalCode": None}

    at_null_island = await create(shop, ann.token, **point, latitude=0, longitude=0)
    at_a_place = await create(shop, ann.token, **point, placeId="ChIJGaK-SZcLkEcRA9wf5_GNbuY")
    nowhere = await ask_to_create(shop, ann.token, **point)
    lifted = await ask_to_update(shop, ann.token, at_a_place["id"], placeId=None)

    assert (at_null_island["latitude"], at_null_island["longitude"]) == (0, 0)
    assert at_null_island["formatted"] == ["Ann Lee", "SWITZERLAND"]
    lacking = [("REQUIRED", ["line1"]), ("REQUIRED", ["city"]), ("REQUIRED", ["postalCode"])]
    assert nowhere.refusals("createAddress") == lifted.refusals("updateAddress") == lacking
    assert len(await list_addresses(shop, ann.token)) == 2


async def test_there_are_a_hundred_addresses_and_no_more_even_when_asked_for_at_once(shop: Shop) -> None:
    ann = await register_person(shop)
    for _ in range(MAX_ADDRESSES - 2):
        await create(shop, ann.token)

    answers = await asyncio.gather(*(ask_to_create(shop, ann.token) for _ in range(6)))

    refusals = [answer.refusals("createAddress") for answer in answers]
    assert sorted(refusals) == [[], [], *[[("LIMIT_REACHED", None)]] * 4]
    assert len(await list_addresses(shop, ann.token)) == MAX_ADDRESSES
    some = (await list_addresses(shop, ann.token))[50]["id"]
    await shop.ask("DeleteAddress", token=ann.token, id=some)
    await create(shop, ann.token)


@pytest.mark.parametrize(
    "address_id", ["", "x", "ß", NOWHERE, "Q3VzdG9tZXI6MDE4ZjAwMDAwMDAwNzAwMDgwMDAwMDAwMDAwMDAwMDA"]
)
async def test_an_id_of_no_address_is_not_found(shop: Shop, address_id: str) -> None:
    ann = await register_person(shop)
    mine = await create(shop, ann.token)
    before = await snapshot(shop, ann.token)

    changed = await ask_to_update(shop, ann.token, address_id, line2="x")
    preferred = await shop.ask("SetDefaultAddress", token=ann.token, id=address_id, type="BILLING")
    deleted = await shop.ask("DeleteAddress", token=ann.token, id=address_id)
    replaced = await shop.ask("DeleteAddress", token=ann.token, id=mine["id"], replacementId=address_id or "x")

    assert changed.refusals("updateAddress") == [("NOT_FOUND", ["id"])]
    assert preferred.refusals("setDefaultAddress") == [("NOT_FOUND", ["id"])]
    assert deleted.refusals("deleteAddress") == [("NOT_FOUND", ["id"])]
    assert replaced.refusals("deleteAddress") == [("NOT_FOUND", ["replacementId"])]
    assert await snapshot(shop, ann.token) == before


async def test_a_deleted_address_is_not_found(shop: Shop) -> None:
    ann = await register_person(shop)
    address = await create(shop, ann.token)
    await shop.ask("DeleteAddress", token=ann.token, id=address["id"])

    again = await shop.ask("DeleteAddress", token=ann.token, id=address["id"])

    assert again.refusals("deleteAddress") == [("NOT_FOUND", ["id"])]


async def test_a_default_needs_a_replacement_while_there_are_others(shop: Shop) -> None:
    ann = await register_person(shop)
    first, second = await create(shop, ann.token), await create(shop, ann.token)
    before = await snapshot(shop, ann.token)

    unnamed = await shop.ask("DeleteAddress", token=ann.token, id=first["id"])
    itself = await shop.ask("DeleteAddress", token=ann.token, id=first["id"], replacementId=first["id"])

    assert unnamed.refusals("deleteAddress") == [("IS_DEFAULT", ["replacementId"])]
    assert itself.refusals("deleteAddress") == [("INVALID", ["replacementId"])]
    assert await snapshot(shop, ann.token) == before
    gone = await shop.ask("DeleteAddress", token=ann.token, id=second["id"])
    assert gone.payload("deleteAddress")["deletedAddressId"] == second["id"]


async def test_the_last_address_can_be_deleted_unless_the_organization_keeps_it(shop: Shop) -> None:
    keeping = await shop.create_organization("keeping", keep_last_address=True)
    ann, bob = await register_person(shop), await register_person(shop, "bob", keeping)
    free, kept = await create(shop, ann.token), await create(shop, bob.token)
    before = await snapshot(shop, bob.token)

    refused = await shop.ask("DeleteAddress", token=bob.token, id=kept["id"])

    assert refused.refusals("deleteAddress") == [("LAST_ADDRESS", ["id"])]
    assert await snapshot(shop, bob.token) == before
    (await shop.ask("DeleteAddress", token=ann.token, id=free["id"])).payload("deleteAddress")
    assert await list_addresses(shop, ann.token) == []


async def test_one_of_two_can_be_deleted_where_the_organization_keeps_the_last(shop: Shop) -> None:
    keeping = await shop.create_organization("keeping", keep_last_address=True)
    ann = await register_person(shop, organization=keeping)
    first, second = await create(shop, ann.token), await create(shop, ann.token)

    answer = await shop.ask("DeleteAddress", token=ann.token, id=first["id"], replacementId=second["id"])

    answer.payload("deleteAddress")
    assert await default_ids(shop, ann.token) == {"SHIPPING": [second["id"]], "BILLING": [second["id"]]}


async def test_a_refused_change_leaves_the_version_for_the_next(shop: Shop) -> None:
    ann = await register_person(shop)
    address = await create(shop, ann.token)

    await ask_to_update(shop, ann.token, address["id"], postalCode="1", expectedVersion=1)

    changed = await update(shop, ann.token, address["id"], line2="3. Stock", expectedVersion=1)
    assert (changed["version"], changed["postalCode"]) == (2, ANN["postalCode"])
