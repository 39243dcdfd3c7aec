"""Tests of the cleanup of orphaned keys."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text, update

from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.vault.tables import PersonKey
from app.platform.vault.vault import KeyDestroyed
from app.platform.vault.wrapping import wrap
from app.privacy.orphaned_keys import MIN_ORPHAN_AGE, sweep_orphaned_keys
from tests.shop import Shop


async def let_time_pass(shop: Shop, age: timedelta = 2 * MIN_ORPHAN_AGE) -> None:
    async with shop.runtime.store.vault.keystore.transaction() as session:
        await session.exec(update(PersonKey).values(created_at=now() - age))


async def keys(shop: Shop) -> int:
    async with shop.runtime.store.vault.keystore.engine.connect() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM person_keys"))).scalar_one())


async def orphan(shop: Shop, organization_id: UUID) -> UUID:
    person_id = new_id()
    await shop.runtime.store.vault.create_key(person_id, organization_id=organization_id)
    return person_id


@pytest.mark.alone("counts what is left in whole tables")
async def test_the_key_of_a_refused_registration_is_swept_and_those_of_people_stay(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", firstName="Ann")
    refused = await shop.ask("Register", input={"email": "ANN@example.org"})
    assert refused.refusals("register") == [("EMAIL_TAKEN", ["email"])]
    assert await keys(shop) == 3
    await let_time_pass(shop)

    assert await sweep_orphaned_keys(shop.runtime.store) == 1

    assert await keys(shop) == 2
    assert (await shop.ask("{ me { firstName } }", token=ann.token)).data["me"]["firstName"] == "Ann"
    assert (await shop.ask("CustomerByEmail", token=await shop.staff(), email=ann.email)).data["customer"][
        "id"
    ] == ann.id


@pytest.mark.alone("counts what is left in whole tables")
async def test_a_recent_key_is_kept_as_its_row_may_not_be_written_yet(shop: Shop) -> None:
    person_id = await orphan(shop, shop.organization.id)
    await let_time_pass(shop, timedelta(minutes=59))

    assert await sweep_orphaned_keys(shop.runtime.store) == 0

    await shop.runtime.store.vault.cipher(person_id)
    assert await keys(shop) == 2


@pytest.mark.alone("counts what is left in whole tables")
async def test_many_keys_are_swept_in_batches_and_the_last_one_too(shop: Shop) -> None:
    vault = shop.runtime.store.vault
    async with vault.keystore.transaction() as session:
        for _ in range(1001):
            key_id = new_id()
            wrapped = wrap(await vault.ring.cipher(1), bytes(32), subject=key_id.hex, version=1)
            row = PersonKey(
                person_id=key_id,
                organization_id=shop.organization.id,
                wrapped=wrapped,
                master_version=1,
                created_at=now(),
            )
            session.add(row)
    await let_time_pass(shop)

    assert await sweep_orphaned_keys(shop.runtime.store) == 1001

    assert await keys(shop) == 1


async def test_keys_of_an_organization_that_is_not_in_the_database_are_kept(shop: Shop) -> None:
    await orphan(shop, new_id())
    await let_time_pass(shop)

    assert await sweep_orphaned_keys(shop.runtime.store) == 0


async def test_a_swept_key_cannot_unseal_anything(shop: Shop) -> None:
    person_id = await orphan(shop, shop.organization.id)
    await let_time_pass(shop)
    vault = shop.runtime.store.vault

    await sweep_orphaned_keys(shop.runtime.store)
    vault._ciphers.clear()

    try:
        await vault.cipher(person_id)
    except KeyDestroyed:
        return
    raise AssertionError
