"""Exactly one default address for each type while there are addresses."""

import pytest

from tests.customers.addresses.builders import create, default_ids, list_addresses, register_person, snapshot, update
from tests.shop import Shop


async def test_the_first_address_is_the_default_for_both_types_whatever_its_flags(shop: Shop) -> None:
    ann = await register_person(shop)

    first = await create(shop, ann.token, isDefaultShipping=False, isDefaultBilling=False)
    second = await create(shop, ann.token)

    assert (first["isDefaultShipping"], first["isDefaultBilling"]) == (True, True)
    assert (second["isDefaultShipping"], second["isDefaultBilling"]) == (False, False)
    assert await default_ids(shop, ann.token) == {"SHIPPING": [first["id"]], "BILLING": [first["id"]]}


async def test_a_new_address_may_become_the_default(shop: Shop) -> None:
    ann = await register_person(shop)

    first = await create(shop, ann.token)
    second = await create(shop, ann.token, isDefaultBilling=True)
    third = await create(shop, ann.token, isDefaultShipping=True, isDefaultBilling=True)
    fourth = await create(shop, ann.token)

    assert [one["version"] for one in await list_addresses(shop, ann.token)] == [3, 2, 1, 1]
    assert [one["id"] for one in await list_addresses(shop, ann.token)] == [
        one["id"] for one in (first, second, third, fourth)
    ]
    assert await default_ids(shop, ann.token) == {"SHIPPING": [third["id"]], "BILLING": [third["id"]]}


@pytest.mark.parametrize(
    ("kind", "other", "flag"),
    [
        ("SHIPPING", "BILLING", "isDefaultShipping"),
        ("BILLING", "SHIPPING", "isDefaultBilling"),
    ],
)
async def test_making_one_the_default_takes_it_from_the_other(shop: Shop, kind: str, other: str, flag: str) -> None:
    ann = await register_person(shop)
    first, second = await create(shop, ann.token), await create(shop, ann.token)

    answer = await shop.ask("SetDefaultAddress", token=ann.token, id=second["id"], type=kind)
    shown = answer.payload("setDefaultAddress")["address"]
    after = await default_ids(shop, ann.token)
    back = await update(shop, ann.token, first["id"], **{flag: True})

    assert shown[flag] is True
    assert after == {kind: [second["id"]], other: [first["id"]]}
    assert back[flag] is True
    assert await default_ids(shop, ann.token) == {kind: [first["id"]], other: [first["id"]]}


async def test_making_the_default_the_default_again_writes_nothing(shop: Shop) -> None:
    ann = await register_person(shop)
    first = await create(shop, ann.token)
    before = await snapshot(shop, ann.token)

    again = await shop.ask("SetDefaultAddress", token=ann.token, id=first["id"], type="SHIPPING")

    assert again.payload("setDefaultAddress")["address"]["isDefaultShipping"] is True
    assert await snapshot(shop, ann.token) == before


async def test_false_is_no_change_where_the_address_is_no_default(shop: Shop) -> None:
    ann = await register_person(shop)
    first, second = await create(shop, ann.token), await create(shop, ann.token)

    await update(shop, ann.token, second["id"], isDefaultShipping=False, isDefaultBilling=None, line2="3. Stock")

    assert await default_ids(shop, ann.token) == {"SHIPPING": [first["id"]], "BILLING": [first["id"]]}


async def test_a_replacement_becomes_the_default_only_for_the_types_of_the_deleted_address(shop: Shop) -> None:
    ann = await register_person(shop)
    first, second, third = [await create(shop, ann.token) for _ in range(3)]
    await shop.ask("SetDefaultAddress", token=ann.token, id=second["id"], type="BILLING")

    answer = await shop.ask("DeleteAddress", token=ann.token, id=second["id"], replacementId=third["id"])

    answer.payload("deleteAddress")
    assert await default_ids(shop, ann.token) == {"SHIPPING": [first["id"]], "BILLING": [third["id"]]}


async def test_deleting_an_address_that_is_no_default_changes_no_default(shop: Shop) -> None:
    ann = await register_person(shop)
    first, second, third = [await create(shop, ann.token) for _ in range(3)]

    answer = await shop.ask("DeleteAddress", token=ann.token, id=second["id"], replacementId=third["id"])

    answer.payload("deleteAddress")
    assert await default_ids(shop, ann.token) == {"SHIPPING": [first["id"]], "BILLING": [first["id"]]}


async def test_the_next_address_after_the_last_was_deleted_is_the_default(shop: Shop) -> None:
    ann = await register_person(shop)
    first = await create(shop, ann.token)

    await shop.ask("DeleteAddress", token=ann.token, id=first["id"])
    second = await create(shop, ann.token)

    assert (second["isDefaultShipping"], second["isDefaultBilling"]) == (True, True)
