"""The functions of the address repository that other packages use: batch reads, by id, export, erasure."""

import json
from uuid import UUID

from app.customers.addresses import repository
from app.platform.db.columns import new_id
from app.platform.graphql import ids
from tests.customers.addresses.builders import ANN, create, list_addresses, register_person
from tests.shop import Person, SeededOrganization, Shop


def row_id(person: Person) -> UUID:
    return ids.decode("Customer", person.id)


async def address_id(shop: Shop, person: Person, **fields: object) -> UUID:
    return ids.decode_owned("Address", (await create(shop, person.token, **fields))["id"]).row_id


async def test_the_addresses_of_many_customers_come_in_the_order_that_was_asked_for(shop: Shop) -> None:
    ann, bob, zoe = [await register_person(shop, name) for name in ("ann", "bob", "zoe")]
    hers = [await address_id(shop, ann, line1=f"Limmatquai {number}") for number in range(3)]
    his = [await address_id(shop, bob)]
    store, asked = shop.runtime.store, [row_id(one) for one in (zoe, bob, ann)]

    found = await repository.of_customers(store, shop.organization.id, [*asked, new_id()])

    assert [[one.row.id for one in records] for records in found] == [[], his, hers, []]
    assert [one.details.line1 for one in found[2]] == ["Limmatquai 0", "Limmatquai 1", "Limmatquai 2"]


async def test_an_address_is_found_in_its_own_organization_only(shop: Shop) -> None:
    ann, other = await register_person(shop), await shop.create_organization("other")
    hers, store = await address_id(shop, ann), shop.runtime.store

    ((found,),) = await repository.of_customers(store, shop.organization.id, [row_id(ann)])

    assert (found.row.id, found.row.customer_id, found.details.city) == (hers, row_id(ann), "Zürich")
    assert await repository.of_customers(store, other.id, [row_id(ann)]) == [[]]


async def test_an_address_whose_key_was_destroyed_is_not_read(shop: Shop) -> None:
    ann = await register_person(shop)
    await address_id(shop, ann)
    store = shop.runtime.store

    await store.vault.destroy_key(row_id(ann), organization_id=shop.organization.id, anonymization_id=new_id())

    assert await repository.of_customers(store, shop.organization.id, [row_id(ann)]) == [[]]


async def export(shop: Shop, organization: SeededOrganization, person: Person) -> list[dict[str, object]]:
    return await repository.export(shop.runtime.store, organization_id=organization.id, customer_id=row_id(person))


async def test_the_export_has_every_field_under_the_name_of_the_input(shop: Shop) -> None:
    ann = await register_person(shop)
    extra = {"company": "Migros", "line2": "x", "zone": "ZH", "phone": "+41446681800", "notes": "Ring", "placeId": "p"}
    shown = await create(shop, ann.token, **extra, isBusiness=True, latitude=0, longitude=1.5)

    (exported,) = await export(shop, shop.organization, ann)

    typed = {**ANN, **extra, "isBusiness": True, "latitude": 0, "longitude": 1.5}
    assert typed.items() <= exported.items()
    assert set(exported) - set(typed) == {"id", "isDefaultShipping", "isDefaultBilling", "createdAt", "updatedAt"}
    assert ids.decode_owned("Address", shown["id"]) == (row_id(ann), UUID(str(exported["id"])))
    assert json.loads(json.dumps(exported)) == exported
    assert await export(shop, await shop.create_organization("other"), ann) == []


async def test_erasing_deletes_the_addresses_of_one_customer_and_may_be_repeated(shop: Shop) -> None:
    ann, bob = await register_person(shop), await register_person(shop, "bob")
    for person in (ann, ann, bob):
        await create(shop, person.token)

    erased = []
    for _ in range(2):
        async with shop.runtime.store.database.transaction() as session:
            erased.append(await repository.erase(session, customer_id=row_id(ann)))

    assert erased == [2, 0]
    assert (len(await list_addresses(shop, ann.token)), len(await list_addresses(shop, bob.token))) == (0, 1)
