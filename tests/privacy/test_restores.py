"""Restores of either database: no erasure is lost, none is made that was cancelled, no living key is destroyed."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.platform.clock import now
from app.platform.vault import epochs
from app.platform.vault.epochs import NotOfOneMoment, PairState
from app.platform.vault.tables import PersonKey
from app.privacy import restores
from app.privacy.deletion import finish_deletions
from app.privacy.erasure import erase_due
from app.privacy.orphaned_keys import sweep_orphaned_keys
from app.privacy.restores import RestoreUnconfirmed, keep_pair
from app.server.runtime import open_runtime
from tests.customers.orders.builders import HOME
from tests.privacy.backups import Backups
from tests.privacy.builders import cancel, customer, guest_order, keys, request, status, street
from tests.privacy.test_whom import ADD_STAFF, DELETE_STAFF
from tests.shop import PASSWORD, Shop, Urls, open_shop


@pytest.fixture
async def backups(urls: Urls) -> AsyncIterator[Backups]:
    copies = Backups(urls)
    yield copies
    await copies.drop()


async def let_epochs_pass(shop: Shop, number: int) -> None:
    for _ in range(number):
        assert await keep_pair(shop.runtime.store) == 1


async def readiness(shop: Shop) -> tuple[int, dict[str, object]]:
    response = await shop.client.get("/readyz")
    return response.status_code, response.json()


async def test_a_worker_that_dies_again_and_again_while_it_advances_the_epochs_does_not_look_like_a_restore(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = shop.runtime.store

    def dies(*_: object) -> None:
        raise ConnectionError

    for _ in range(3):
        with monkeypatch.context() as patch:
            # Between the key store and the main database.
            patch.setattr(store.database, "transaction", dies)
            with pytest.raises(ConnectionError):
                await epochs.advance(store.database, store.vault.keystore)

    pair = await epochs.read(store.database, store.vault.keystore)
    assert pair.state is PairState.SAME
    assert pair.main is not None
    assert pair.keystore is not None
    assert pair.keystore.epoch - pair.main.epoch == 1
    await keep_pair(store)
    after = await epochs.read(store.database, store.vault.keystore)
    assert after.main is not None
    assert after.keystore is not None
    assert after.keystore.epoch == after.main.epoch == pair.keystore.epoch


@pytest.mark.parametrize("passed", [0, 5])
async def test_an_older_main_database_catches_up_before_the_first_request(
    urls: Urls, backups: Backups, passed: int
) -> None:
    async with open_shop(urls) as shop:
        ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
        eve = await shop.register("eve@example.org")
        await guest_order(shop, "guest@example.org", "G-1")
        await guest_order(shop, "other@example.org", "G-2")
        await request(shop, customerId=bob.id)
    await backups.make("main")
    async with open_shop(urls, shop.organization) as shop:
        await cancel(shop, customerId=bob.id)
        await let_epochs_pass(shop, passed)
        await request(shop, customerId=ann.id)
        guest = await request(shop, email="guest@example.org")
        assert await erase_due(shop.runtime.store) == 2
        await request(shop, customerId=eve.id)
        new = await shop.register("new@example.org")
        before = await keys(shop)
    await backups.restore("main")

    async with open_shop(urls, shop.organization) as shop:
        found = await customer(shop, ann)
        assert (found["email"], found["anonymization"]["status"]) == (None, "COMPLETED")
        login = await shop.ask("Login", identifier=ann.email, password=PASSWORD)
        assert login.refusals("login") == [("INVALID_CREDENTIALS", None)]
        assert (await customer(shop, bob))["anonymization"]["status"] == "CANCELLED"
        assert (await customer(shop, eve))["anonymization"]["status"] == "REQUESTED"
        assert (await status(shop, guest["id"]))["status"] == "COMPLETED"
        assert [await street(shop, number) for number in ("G-1", "G-2")] == [None, HOME["line1"]]
        assert await customer(shop, new) is None

        async with shop.runtime.store.vault.keystore.transaction() as session:
            await session.exec(update(PersonKey).values(created_at=now() - timedelta(days=30)))
        unconfirmed = passed > 1
        assert (await readiness(shop))[1].get("restore") == ("unconfirmed" if unconfirmed else None)
        if unconfirmed:
            with pytest.raises(NotOfOneMoment):
                await sweep_orphaned_keys(shop.runtime.store)
            assert await erase_due(shop.runtime.store) == 0
            assert await keys(shop) == before
            assert await keep_pair(shop.runtime.store) == 0
            await restores.confirm(shop.runtime.store)
            assert "restore" not in (await readiness(shop))[1]
        assert (await customer(shop, bob))["email"] == bob.email
        assert await sweep_orphaned_keys(shop.runtime.store) == 1


async def test_an_older_key_store_is_brought_up_to_date_and_serves_only_once_confirmed(
    urls: Urls, backups: Backups
) -> None:
    async with open_shop(urls) as shop:
        ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
        await guest_order(shop, "guest@example.org", "G-1")
        await request(shop, customerId=bob.id)
    await backups.make("keystore")
    async with open_shop(urls, shop.organization) as shop:
        await let_epochs_pass(shop, 3)
        await cancel(shop, customerId=bob.id)
        await request(shop, customerId=ann.id)
        await request(shop, email="guest@example.org")
        assert await erase_due(shop.runtime.store) == 2
        new = await shop.register("new@example.org")
        left = await keys(shop)
    await backups.restore("keystore")

    with pytest.raises(RestoreUnconfirmed, match="restore confirm"):
        async with open_runtime(urls.settings()):
            pass

    async with open_runtime(urls.settings(), restoring=True) as runtime:
        stakes = await restores.check(runtime.store)
        assert stakes.pair.state is PairState.KEYSTORE_OLDER
        assert (stakes.erasures, stakes.unopenable) == (2, {"customers": 1, "staff members": 0, "guest orders": 0})
        await restores.confirm(runtime.store)
    async with open_shop(urls, shop.organization) as shop:
        assert await keys(shop) == left - 1
        assert (await readiness(shop))[0] == 200
        assert (await customer(shop, bob))["email"] == bob.email
        assert (await customer(shop, bob))["anonymization"]["status"] == "CANCELLED"
        assert await erase_due(shop.runtime.store) == 0
        assert (await customer(shop, ann))["email"] is None
        assert (await customer(shop, new))["email"] is None


async def test_a_removed_staff_member_does_not_come_back_with_an_older_main_database(
    urls: Urls, backups: Backups
) -> None:
    async with open_shop(urls) as shop:
        made = await shop.ask(ADD_STAFF, token=await shop.integration(), email="tom@example.org")
        tom = made.payload("createStaffMember")["staffMember"]["id"]
    await backups.make("main")
    async with open_shop(urls, shop.organization) as shop:
        (await shop.ask(DELETE_STAFF, token=await shop.integration(), id=tom)).payload("deleteStaffMember")
        assert await finish_deletions(shop.runtime.store) == 1
    await backups.restore("main")

    async with open_shop(urls, shop.organization) as shop:
        found = (await shop.ask("{ staff { email } }", token=await shop.integration())).data["staff"]
        assert found == [{"email": shop.organization.staff_email}]
        assert await shop.count("staff_members", "sealed IS NOT NULL") == 1


async def test_databases_that_do_not_belong_together_are_refused(urls: Urls, backups: Backups) -> None:
    await backups.make("keystore", name="empty")
    async with open_shop(urls) as shop:
        ann = await shop.register("ann@example.org")
    await backups.make("keystore")
    await backups.restore("keystore", name="empty")

    with pytest.raises(RestoreUnconfirmed, match="do not belong together"):
        async with open_runtime(urls.settings(), restoring=True):
            pass

    await backups.restore("keystore")
    async with open_shop(urls, shop.organization) as shop:
        assert (await customer(shop, ann))["email"] == ann.email


async def test_readiness_notices_a_key_store_that_was_restored_underneath(shop: Shop) -> None:
    assert (await readiness(shop))[0] == 200
    await shop.execute("UPDATE main_epoch SET epoch = epoch + 1")

    assert await readiness(shop) == (503, {"status": "restored", "databases": "KEYSTORE_OLDER"})

    await restores.confirm(shop.runtime.store)
    assert (await readiness(shop))[0] == 200
