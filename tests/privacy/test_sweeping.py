"""Keys without a person are swept; the key of a person never is."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text, update

from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.vault.tables import PersonKey
from app.platform.vault.vault import KeyDestroyed
from app.privacy.sweeping import AGE, sweep_keys
from tests.house import House


async def let_time_pass(house: House, age: timedelta = 2 * AGE) -> None:
    async with house.patron.store.vault.keystore.transaction() as session:
        await session.exec(update(PersonKey).values(created_at=now() - age))


async def keys(house: House) -> int:
    async with house.patron.store.vault.keystore.engine.connect() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM person_keys"))).scalar_one())


async def orphan(house: House, organization_id: UUID) -> UUID:
    person_id = new_id()
    await house.patron.store.vault.create_key(person_id, organization_id=organization_id)
    return person_id


async def test_the_key_of_a_refused_registration_is_swept_and_those_of_people_stay(house: House) -> None:
    ann = await house.register("ann@example.org", firstName="Ann")
    refused = await house.ask("Register", input={"email": "ANN@example.org"})
    assert refused.refusals("register") == [("EMAIL_TAKEN", ["email"])]
    assert await keys(house) == 3
    await let_time_pass(house)

    assert await sweep_keys(house.patron.store) == 1

    assert await keys(house) == 2
    assert (await house.ask("{ me { firstName } }", token=ann.token)).data["me"]["firstName"] == "Ann"
    assert (await house.ask("CustomerByEmail", token=await house.staff(), email=ann.email)).data["customer"][
        "id"
    ] == ann.id


async def test_a_young_key_is_kept_as_its_row_may_be_on_the_way(house: House) -> None:
    person_id = await orphan(house, house.shop.id)
    await let_time_pass(house, timedelta(minutes=59))

    assert await sweep_keys(house.patron.store) == 0

    await house.patron.store.vault.box(person_id)
    assert await keys(house) == 2


async def test_many_keys_are_swept_in_batches_and_the_last_one_too(house: House) -> None:
    vault = house.patron.store.vault
    async with vault.keystore.transaction() as session:
        for _ in range(1001):
            key_id = new_id()
            wrapped = vault.master.wrap(bytes(32), subject=key_id.hex)
            row = PersonKey(
                person_id=key_id, organization_id=house.shop.id, wrapped=wrapped, master_version=1, created_at=now()
            )
            session.add(row)
    await let_time_pass(house)

    assert await sweep_keys(house.patron.store) == 1001

    assert await keys(house) == 1


async def test_keys_of_an_organization_the_database_does_not_know_are_kept(house: House) -> None:
    await orphan(house, new_id())
    await let_time_pass(house)

    assert await sweep_keys(house.patron.store) == 0


async def test_a_swept_key_opens_nothing(house: House) -> None:
    person_id = await orphan(house, house.shop.id)
    await let_time_pass(house)
    vault = house.patron.store.vault

    await sweep_keys(house.patron.store)
    vault._boxes.clear()

    try:
        await vault.box(person_id)
    except KeyDestroyed:
        return
    raise AssertionError
