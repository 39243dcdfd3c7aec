"""The key store decides about erasures: a main database restored from a backup changes nothing."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text

from app.platform.vault import ledger
from app.privacy.erasure import erase_due
from tests.privacy.backups import Backups
from tests.privacy.builders import ask_to_cancel, ask_to_forget, cancel, customer, request
from tests.shop import Shop, Urls, open_shop


@pytest.fixture
async def backups(urls: Urls) -> AsyncIterator[Backups]:
    copies = Backups(urls)
    yield copies
    await copies.drop()


async def test_a_cancelled_request_stays_cancelled_when_the_main_database_is_restored(
    urls: Urls, backups: Backups
) -> None:
    async with open_shop(urls) as shop:
        ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
        await request(shop, customerId=ann.id)
        await request(shop, customerId=bob.id)
    await backups.make("main")
    async with open_shop(urls, shop.organization) as shop:
        await cancel(shop, customerId=ann.id)
    await backups.restore("main")

    async with open_shop(urls, shop.organization) as shop:
        assert await erase_due(shop.runtime.store) == 1

        found = await customer(shop, ann)
        assert (found["email"], found["anonymization"]["status"]) == (ann.email, "CANCELLED")
        assert found["anonymization"]["cancelledAt"]
        assert (await customer(shop, bob))["anonymization"]["status"] == "COMPLETED"
        assert (await shop.audit()).count("customer.erased") == 1
        assert await erase_due(shop.runtime.store) == 0


@pytest.mark.alone("looks at whole tables")
async def test_a_request_that_the_key_store_does_not_know_is_never_carried_out(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await request(shop, customerId=ann.id)
    async with shop.runtime.store.vault.keystore.transaction() as session:
        await (await session.connection()).execute(text("DELETE FROM erasures"))

    assert await erase_due(shop.runtime.store) == 0

    found = await customer(shop, ann)
    assert (found["email"], found["anonymization"]["status"]) == (ann.email, "FAILED")
    assert await shop.count("anonymization_requests", "failure = 'NotInLedger'") == 1


@pytest.mark.alone("looks at whole tables")
async def test_a_request_of_an_interrupted_call_is_taken_up_by_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await shop.register("ann@example.org")

    async def died(*_: object, **__: object) -> bool:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr("app.privacy.requests.add_from_ledger", died)
        assert (await ask_to_forget(shop, customerId=ann.id)).codes == ["INTERNAL_SERVER_ERROR"]
    assert await shop.count("anonymization_requests") == 0
    nothing = await ask_to_cancel(shop, customerId=ann.id)
    assert nothing.refusals("cancelAnonymization") == [("NOT_FOUND", ["customerId"])]

    assert (await request(shop, customerId=ann.id))["status"] == "REQUESTED"

    async with shop.runtime.store.vault.keystore.engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM erasures"))).scalar_one() == 1
    assert await erase_due(shop.runtime.store) == 1


async def test_a_cancellation_of_an_interrupted_call_stands(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await shop.register("ann@example.org")
    await request(shop, customerId=ann.id)

    def died(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr("app.privacy.requests.mark_cancelled", died)
        assert (await ask_to_cancel(shop, customerId=ann.id)).codes == ["INTERNAL_SERVER_ERROR"]
    assert (await customer(shop, ann))["anonymization"]["status"] == "REQUESTED"

    assert await erase_due(shop.runtime.store) == 0

    found = await customer(shop, ann)
    assert (found["email"], found["anonymization"]["status"]) == (ann.email, "CANCELLED")


@pytest.mark.alone("looks at whole tables")
async def test_an_erasure_that_has_started_is_not_cancelled_even_if_the_main_database_does_not_know(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await request(shop, customerId=ann.id)
    keystore = shop.runtime.store.vault.keystore
    async with keystore.engine.connect() as connection:
        raw = (await connection.execute(text("SELECT id FROM erasures"))).scalar_one()
    await ledger.start(keystore, raw if isinstance(raw, UUID) else UUID(raw))

    answer = await ask_to_cancel(shop, customerId=ann.id)

    assert answer.refusals("cancelAnonymization") == [("ALREADY_STARTED", ["customerId"])]
    assert await erase_due(shop.runtime.store) == 1
