"""Whose addresses somebody may touch."""

from typing import Any

import pytest

from app.platform.principal import Scope
from tests.customers.addresses.book import (
    ANN,
    CREATE,
    NOWHERE,
    a_person,
    ask_to_create,
    ask_to_update,
    create,
    everything,
    listed,
)
from tests.house import House


async def refusals(house: House, token: str, address_id: str, mine: str | None = None) -> list[Any]:
    """What is said to somebody who tries everything with this address."""
    answers = [
        (await ask_to_update(house, token, address_id, line2="x")).data["updateAddress"],
        (await house.ask("SetDefaultAddress", token=token, id=address_id, type="BILLING")).data["setDefaultAddress"],
        (await house.ask("DeleteAddress", token=token, id=address_id)).data["deleteAddress"],
    ]
    if mine:
        replaced = await house.ask("DeleteAddress", token=token, id=mine, replacementId=address_id)
        answers.append(replaced.data["deleteAddress"])
    return [[(error["code"], error["field"], error["message"]) for error in one["userErrors"]] for one in answers]


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_an_address_of_somebody_else_looks_like_no_address(house: House, *, elsewhere: bool) -> None:
    other = await house.open_shop("other") if elsewhere else None
    ann, bob = await a_person(house), await a_person(house, "bob", other)
    hers, mine = await create(house, ann.token), await create(house, bob.token)
    before = await everything(house, ann.token), await everything(house, bob.token)

    tried = await refusals(house, bob.token, hers["id"], mine["id"])

    assert tried == await refusals(house, bob.token, NOWHERE, mine["id"])
    assert [(code, field) for ((code, field, _),) in tried] == [
        *[("NOT_FOUND", ["id"])] * 3,
        ("NOT_FOUND", ["replacementId"]),
    ]
    assert (await everything(house, ann.token), await everything(house, bob.token)) == before


async def test_a_customer_cannot_name_another_customer(house: House) -> None:
    ann, bob = await a_person(house), await a_person(house, "bob")
    before = await everything(house, ann.token)

    answer = await ask_to_create(house, bob.token, customerId=ann.id)

    assert answer.refusals("createAddress") == [("NOT_ALLOWED", ["customerId"])]
    assert await everything(house, ann.token) == before
    assert (await create(house, bob.token, customerId=bob.id))["isDefaultBilling"] is True


async def test_an_integration_names_the_customer_once_and_later_only_the_address(house: House) -> None:
    ann = await a_person(house)
    for token in (await house.integration(Scope.CUSTOMERS_WRITE), await house.staff(Scope.CUSTOMERS_WRITE)):
        first = await create(house, token, customerId=ann.id)
        second = await create(house, token, customerId=ann.id)
        assert [one["id"] for one in await listed(house, ann.token)] == [first["id"], second["id"]]

        (await ask_to_update(house, token, second["id"], line2="3. Stock")).payload("updateAddress")
        preferred = await house.ask("SetDefaultAddress", token=token, id=second["id"], type="BILLING")
        preferred.payload("setDefaultAddress")
        (await house.ask("DeleteAddress", token=token, id=first["id"], replacementId=second["id"])).payload(
            "deleteAddress"
        )
        (await house.ask("DeleteAddress", token=token, id=second["id"])).payload("deleteAddress")

    assert await listed(house, ann.token) == []


async def test_an_integration_must_name_a_customer_of_its_organization(house: House) -> None:
    other = await house.open_shop("other")
    ann, zoe = await a_person(house), await a_person(house, "zoe", other)
    hers = await create(house, zoe.token)
    token = await house.integration()
    before = await everything(house, ann.token), await everything(house, zoe.token)

    nobody = await ask_to_create(house, token)
    stranger = await ask_to_create(house, token, customerId=zoe.id)
    nonsense = await ask_to_create(house, token, customerId="x")

    assert nobody.refusals("createAddress") == [("REQUIRED", ["customerId"])]
    assert stranger.data == nonsense.data
    assert stranger.refusals("createAddress") == [("NOT_FOUND", ["customerId"])]
    assert [(code, field) for ((code, field, _),) in await refusals(house, token, hers["id"])] == [
        *[("NOT_FOUND", ["id"])] * 3,
    ]
    assert (await everything(house, ann.token), await everything(house, zoe.token)) == before


async def test_guests_and_integrations_without_the_scope_are_turned_away(house: House) -> None:
    ann = await a_person(house)
    address = await create(house, ann.token)
    reading = await house.integration(Scope.CUSTOMERS_READ)

    for token, code in ((None, "UNAUTHENTICATED"), (reading, "FORBIDDEN")):
        created = await house.ask(CREATE, token=token, input={**ANN, "customerId": ann.id})
        changed = await house.ask("UpdateAddress", token=token, id=address["id"], input={"line2": "x"})
        preferred = await house.ask("SetDefaultAddress", token=token, id=address["id"], type="BILLING")
        deleted = await house.ask("DeleteAddress", token=token, id=address["id"])
        assert [one.codes for one in (created, changed, preferred, deleted)] == [[code]] * 4

    assert await listed(house, ann.token) == [address]
