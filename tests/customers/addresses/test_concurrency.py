"""Twenty concurrent clients that change addresses."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.customers.addresses.builders import (
    ask_to_create,
    ask_to_update,
    create,
    default_ids,
    list_addresses,
    register_person,
)
from tests.shop import Answer, Shop

CLIENTS = 20


async def refused(answers: list[Awaitable[Answer]], name: str) -> set[str]:
    """The codes of all refusals; fails the test on a top-level error."""
    return {code for answer in await asyncio.gather(*answers) for code, _ in answer.refusals(name)}


async def test_twenty_first_addresses_have_one_default_of_each_type(shop: Shop) -> None:
    ann = await register_person(shop)

    codes = await refused(
        [ask_to_create(shop, ann.token, isDefaultBilling=True) for _ in range(CLIENTS)], "createAddress"
    )

    after = await default_ids(shop, ann.token)
    assert codes == set()
    assert len(await list_addresses(shop, ann.token)) == CLIENTS
    assert [len(ids) for ids in after.values()] == [1, 1]


async def test_twenty_new_defaults_leave_one_of_each_type(shop: Shop) -> None:
    ann = await register_person(shop)
    addresses = [(await create(shop, ann.token))["id"] for _ in range(CLIENTS)]

    kinds = ["SHIPPING", "BILLING"]
    asked: list[Awaitable[Answer]] = [
        shop.ask("SetDefaultAddress", token=ann.token, id=one, type=kinds[number % 2])
        for number, one in enumerate(addresses)
    ]
    codes = await refused(asked, "setDefaultAddress")

    after = await default_ids(shop, ann.token)
    assert codes == set()
    assert [len(ids) for ids in after.values()] == [1, 1]
    assert after["SHIPPING"][0] in addresses[0::2]
    assert after["BILLING"][0] in addresses[1::2]


async def test_one_of_twenty_changes_of_the_same_version_wins(shop: Shop) -> None:
    ann = await register_person(shop)
    address = await create(shop, ann.token)

    answers = await asyncio.gather(
        *(
            ask_to_update(shop, ann.token, address["id"], line2=f"Floor {number}", expectedVersion=1)
            for number in range(CLIENTS)
        )
    )

    won = [answer.data["updateAddress"]["address"] for answer in answers if not answer.refusals("updateAddress")]
    lost = [answer.refusals("updateAddress") for answer in answers if answer.refusals("updateAddress")]
    assert len(won) == 1
    assert lost == [[("CONFLICT", ["expectedVersion"])]] * (CLIENTS - 1)
    assert await list_addresses(shop, ann.token) == won


async def test_everything_at_once_leaves_one_default_of_each_type_and_no_fault(shop: Shop) -> None:
    ann = await register_person(shop)
    addresses = [(await create(shop, ann.token))["id"] for _ in range(CLIENTS)]
    token = ann.token

    answers: list[Any] = []
    for number, one in enumerate(addresses):
        following = addresses[(number + 1) % CLIENTS]
        answers += [
            shop.ask("DeleteAddress", token=token, id=one, replacementId=following),
            shop.ask("SetDefaultAddress", token=token, id=following, type="SHIPPING"),
            ask_to_update(shop, token, one, isDefaultBilling=True, expectedVersion=1),
        ]
    names = ["deleteAddress", "setDefaultAddress", "updateAddress"] * CLIENTS
    done = await asyncio.gather(*answers)

    codes = {code for answer, name in zip(done, names, strict=True) for code, _ in answer.refusals(name)}
    after = await default_ids(shop, token)
    left = len(await list_addresses(shop, token))
    assert codes <= {"CONFLICT", "NOT_FOUND"}
    assert [len(ids) for ids in after.values()] == ([1, 1] if left else [0, 0])


async def test_the_database_itself_refuses_a_second_default(shop: Shop) -> None:
    ann = await register_person(shop)
    await create(shop, ann.token)
    await create(shop, ann.token)

    for flag in ("is_default_shipping", "is_default_billing"):
        with pytest.raises(IntegrityError):
            async with shop.runtime.store.database.engine.begin() as connection:
                await connection.execute(text(f"UPDATE addresses SET {flag} = true"))

    assert [len(ids) for ids in (await default_ids(shop, ann.token)).values()] == [1, 1]
