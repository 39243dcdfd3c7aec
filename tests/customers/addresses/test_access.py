"""Access to addresses: the owner, integrations, and nobody else."""

from typing import Any

import pytest

from app.platform.principal import Scope
from tests.customers.addresses.builders import (
    ANN,
    CREATE,
    NOWHERE,
    ask_to_create,
    ask_to_update,
    create,
    list_addresses,
    register_person,
    snapshot,
)
from tests.shop import Shop


async def refusals(shop: Shop, token: str, address_id: str, mine: str | None = None) -> list[Any]:
    """The refusals of every mutation with this address."""
    answers = [
        (await ask_to_update(shop, token, address_id, line2="x")).data["updateAddress"],
        (await shop.ask("SetDefaultAddress", token=token, id=address_id, type="BILLING")).data["setDefaultAddress"],
        (await shop.ask("DeleteAddress", token=token, id=address_id)).data["deleteAddress"],
    ]
    if mine:
        replaced = await shop.ask("DeleteAddress", token=token, id=mine, replacementId=address_id)
        answers.append(replaced.data["deleteAddress"])
    return [[(error["code"], error["field"], error["message"]) for error in one["userErrors"]] for one in answers]


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_an_address_of_somebody_else_looks_like_no_address(shop: Shop, *, elsewhere: bool) -> None:
    other = await shop.create_organization("other") if elsewhere else None
    ann, bob = await register_person(shop), await register_person(shop, "bob", other)
    hers, mine = await create(shop, ann.token), await create(shop, bob.token)
    before = await snapshot(shop, ann.token), await snapshot(shop, bob.token)

    tried = await refusals(shop, bob.token, hers["id"], mine["id"])

    assert tried == await refusals(shop, bob.token, NOWHERE, mine["id"])
    assert [(code, field) for ((code, field, _),) in tried] == [
        *[("NOT_FOUND", ["id"])] * 3,
        ("NOT_FOUND", ["replacementId"]),
    ]
    assert (await snapshot(shop, ann.token), await snapshot(shop, bob.token)) == before


async def test_a_customer_cannot_name_another_customer(shop: Shop) -> None:
    ann, bob = await register_person(shop), await register_person(shop, "bob")
    before = await snapshot(shop, ann.token)

    answer = await ask_to_create(shop, bob.token, customerId=ann.id)

    assert answer.refusals("createAddress") == [("NOT_ALLOWED", ["customerId"])]
    assert await snapshot(shop, ann.token) == before
    assert (await create(shop, bob.token, customerId=bob.id))["isDefaultBilling"] is True


async def test_an_integration_names_the_customer_once_and_later_only_the_address(shop: Shop) -> None:
    ann = await register_person(shop)
    for token in (await shop.integration(Scope.CUSTOMERS_WRITE), await shop.staff(Scope.CUSTOMERS_WRITE)):
        first = await create(shop, token, customerId=ann.id)
        second = await create(shop, token, customerId=ann.id)
        assert [one["id"] for one in await list_addresses(shop, ann.token)] == [first["id"], second["id"]]

        (await ask_to_update(shop, token, second["id"], line2="3. Stock")).payload("updateAddress")
        preferred = await shop.ask("SetDefaultAddress", token=token, id=second["id"], type="BILLING")
        preferred.payload("setDefaultAddress")
        (await shop.ask("DeleteAddress", token=token, id=first["id"], replacementId=second["id"])).payload(
            "deleteAddress"
        )
        (await shop.ask("DeleteAddress", token=token, id=second["id"])).payload("deleteAddress")

    assert await list_addresses(shop, ann.token) == []


async def test_an_integration_must_name_a_customer_of_its_organization(shop: Shop) -> None:
    other = await shop.create_organization("other")
    ann, zoe = await register_person(shop), await register_person(shop, "zoe", other)
    hers = await create(shop, zoe.token)
    token = await shop.integration()
    before = await snapshot(shop, ann.token), await snapshot(shop, zoe.token)

    nobody = await ask_to_create(shop, token)
    stranger = await ask_to_create(shop, token, customerId=zoe.id)
    nonsense = await ask_to_create(shop, token, customerId="x")

    assert nobody.refusals("createAddress") == [("REQUIRED", ["customerId"])]
    assert stranger.data == nonsense.data
    assert stranger.refusals("createAddress") == [("NOT_FOUND", ["customerId"])]
    assert [(code, field) for ((code, field, _),) in await refusals(shop, token, hers["id"])] == [
        *[("NOT_FOUND", ["id"])] * 3,
    ]
    assert (await snapshot(shop, ann.token), await snapshot(shop, zoe.token)) == before


async def test_guests_and_integrations_without_the_scope_are_refused(shop: Shop) -> None:
    ann = await register_person(shop)
    address = await create(shop, ann.token)
    reading = await shop.integration(Scope.CUSTOMERS_READ)

    for token, code in ((None, "UNAUTHENTICATED"), (reading, "FORBIDDEN")):
        created = await shop.ask(CREATE, token=token, input={**ANN, "customerId": ann.id})
        changed = await shop.ask("UpdateAddress", token=token, id=address["id"], input={"line2": "x"})
        preferred = await shop.ask("SetDefaultAddress", token=token, id=address["id"], type="BILLING")
        deleted = await shop.ask("DeleteAddress", token=token, id=address["id"])
        assert [one.codes for one in (created, changed, preferred, deleted)] == [[code]] * 4

    assert await list_addresses(shop, ann.token) == [address]
