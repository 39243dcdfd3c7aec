"""Exactly one default address for each type while there are addresses."""

import pytest

from tests.customers.addresses.book import a_person, create, defaults, everything, listed, update
from tests.house import House


async def test_the_first_address_is_the_default_for_both_whatever_it_says(house: House) -> None:
    ann = await a_person(house)

    first = await create(house, ann.token, isDefaultShipping=False, isDefaultBilling=False)
    second = await create(house, ann.token)

    assert (first["isDefaultShipping"], first["isDefaultBilling"]) == (True, True)
    assert (second["isDefaultShipping"], second["isDefaultBilling"]) == (False, False)
    assert await defaults(house, ann.token) == {"SHIPPING": [first["id"]], "BILLING": [first["id"]]}


async def test_a_new_address_may_take_over(house: House) -> None:
    ann = await a_person(house)

    first = await create(house, ann.token)
    second = await create(house, ann.token, isDefaultBilling=True)
    third = await create(house, ann.token, isDefaultShipping=True, isDefaultBilling=True)
    fourth = await create(house, ann.token)

    assert [one["version"] for one in await listed(house, ann.token)] == [3, 2, 1, 1]
    assert [one["id"] for one in await listed(house, ann.token)] == [
        one["id"] for one in (first, second, third, fourth)
    ]
    assert await defaults(house, ann.token) == {"SHIPPING": [third["id"]], "BILLING": [third["id"]]}


@pytest.mark.parametrize(
    ("kind", "other", "flag"),
    [
        ("SHIPPING", "BILLING", "isDefaultShipping"),
        ("BILLING", "SHIPPING", "isDefaultBilling"),
    ],
)
async def test_making_one_the_default_takes_it_from_the_other(house: House, kind: str, other: str, flag: str) -> None:
    ann = await a_person(house)
    first, second = await create(house, ann.token), await create(house, ann.token)

    answer = await house.ask("SetDefaultAddress", token=ann.token, id=second["id"], type=kind)
    shown = answer.payload("setDefaultAddress")["address"]
    after = await defaults(house, ann.token)
    back = await update(house, ann.token, first["id"], **{flag: True})

    assert shown[flag] is True
    assert after == {kind: [second["id"]], other: [first["id"]]}
    assert back[flag] is True
    assert await defaults(house, ann.token) == {kind: [first["id"]], other: [first["id"]]}


async def test_making_the_default_the_default_again_writes_nothing(house: House) -> None:
    ann = await a_person(house)
    first = await create(house, ann.token)
    before = await everything(house, ann.token)

    again = await house.ask("SetDefaultAddress", token=ann.token, id=first["id"], type="SHIPPING")

    assert again.payload("setDefaultAddress")["address"]["isDefaultShipping"] is True
    assert await everything(house, ann.token) == before


async def test_false_is_no_change_where_the_address_is_no_default(house: House) -> None:
    ann = await a_person(house)
    first, second = await create(house, ann.token), await create(house, ann.token)

    await update(house, ann.token, second["id"], isDefaultShipping=False, isDefaultBilling=None, line2="3. Stock")

    assert await defaults(house, ann.token) == {"SHIPPING": [first["id"]], "BILLING": [first["id"]]}


async def test_a_successor_takes_over_only_what_the_deleted_address_was_the_default_for(house: House) -> None:
    ann = await a_person(house)
    first, second, third = [await create(house, ann.token) for _ in range(3)]
    await house.ask("SetDefaultAddress", token=ann.token, id=second["id"], type="BILLING")

    answer = await house.ask("DeleteAddress", token=ann.token, id=second["id"], replacementId=third["id"])

    answer.payload("deleteAddress")
    assert await defaults(house, ann.token) == {"SHIPPING": [first["id"]], "BILLING": [third["id"]]}


async def test_deleting_an_address_that_is_no_default_changes_no_default(house: House) -> None:
    ann = await a_person(house)
    first, second, third = [await create(house, ann.token) for _ in range(3)]

    answer = await house.ask("DeleteAddress", token=ann.token, id=second["id"], replacementId=third["id"])

    answer.payload("deleteAddress")
    assert await defaults(house, ann.token) == {"SHIPPING": [first["id"]], "BILLING": [first["id"]]}


async def test_after_the_last_address_has_gone_the_next_one_is_the_first(house: House) -> None:
    ann = await a_person(house)
    first = await create(house, ann.token)

    await house.ask("DeleteAddress", token=ann.token, id=first["id"])
    second = await create(house, ann.token)

    assert (second["isDefaultShipping"], second["isDefaultBilling"]) == (True, True)
