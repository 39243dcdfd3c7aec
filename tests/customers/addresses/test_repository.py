"""What other rooms ask of addresses: many at once, one by its id, all for the owner, none any more."""

import json
from uuid import UUID

from app.customers.addresses import repository
from app.platform.db.columns import new_id
from app.platform.graphql import ids
from tests.customers.addresses.book import ANN, a_person, create, listed
from tests.house import House, Person, Shop


def row_id(person: Person) -> UUID:
    return ids.decode("Customer", person.id)


async def address_id(house: House, person: Person, **fields: object) -> UUID:
    return ids.decode("Address", (await create(house, person.token, **fields))["id"])


async def test_the_addresses_of_many_customers_come_in_the_order_that_was_asked_for(house: House) -> None:
    ann, bob, zoe = [await a_person(house, name) for name in ("ann", "bob", "zoe")]
    hers = [await address_id(house, ann, line1=f"Limmatquai {number}") for number in range(3)]
    his = [await address_id(house, bob)]
    store, asked = house.patron.store, [row_id(one) for one in (zoe, bob, ann)]

    found = await repository.of_customers(store, house.shop.id, [*asked, new_id()])

    assert [[one.row.id for one in records] for records in found] == [[], his, hers, []]
    assert [one.personal.line1 for one in found[2]] == ["Limmatquai 0", "Limmatquai 1", "Limmatquai 2"]


async def test_an_address_is_found_by_its_id_in_its_own_organization_only(house: House) -> None:
    ann, other = await a_person(house), await house.open_shop("other")
    hers, store = await address_id(house, ann), house.patron.store

    (found, nothing) = await repository.by_ids(store, house.shop.id, [hers, new_id()])
    (elsewhere,) = await repository.by_ids(store, other.id, [hers])

    assert found is not None
    assert (found.row.customer_id, found.personal.city) == (row_id(ann), "Zürich")
    assert nothing is elsewhere is None
    assert await repository.of_customers(store, other.id, [row_id(ann)]) == [[]]


async def test_an_address_whose_key_was_destroyed_is_no_address_any_more(house: House) -> None:
    ann = await a_person(house)
    hers, store = await address_id(house, ann), house.patron.store

    await store.vault.destroy_key(row_id(ann), organization_id=house.shop.id, anonymization_id=new_id())

    assert await repository.by_ids(store, house.shop.id, [hers]) == [None]
    assert await repository.of_customers(store, house.shop.id, [row_id(ann)]) == [[]]


async def export(house: House, shop: Shop, person: Person) -> list[dict[str, object]]:
    return await repository.export(house.patron.store, organization_id=shop.id, customer_id=row_id(person))


async def test_the_export_has_every_field_under_the_name_of_the_input(house: House) -> None:
    ann = await a_person(house)
    extra = {"company": "Migros", "line2": "x", "zone": "ZH", "phone": "+41446681800", "notes": "Ring", "placeId": "p"}
    shown = await create(house, ann.token, **extra, isBusiness=True, latitude=0, longitude=1.5)

    (exported,) = await export(house, house.shop, ann)

    typed = {**ANN, **extra, "isBusiness": True, "latitude": 0, "longitude": 1.5}
    assert typed.items() <= exported.items()
    assert set(exported) - set(typed) == {"id", "isDefaultShipping", "isDefaultBilling", "createdAt", "updatedAt"}
    assert UUID(str(exported["id"])) == ids.decode("Address", shown["id"])
    assert json.loads(json.dumps(exported)) == exported
    assert await export(house, await house.open_shop("other"), ann) == []


async def test_erasing_deletes_the_addresses_of_one_customer_and_may_be_repeated(house: House) -> None:
    ann, bob = await a_person(house), await a_person(house, "bob")
    for person in (ann, ann, bob):
        await create(house, person.token)

    erased = []
    for _ in range(2):
        async with house.patron.store.database.transaction() as session:
            erased.append(await repository.erase(session, customer_id=row_id(ann)))

    assert erased == [2, 0]
    assert (len(await listed(house, ann.token)), len(await listed(house, bob.token))) == (0, 1)
