"""Tests of anonymization: failure and retry, concurrent workers, cancellation."""

import asyncio
from typing import Any

import pytest

from app.customers import repository as customers
from app.customers.addresses import repository as addresses
from app.customers.payment_methods import repository as payment_methods
from app.identity.sessions import service as sessions
from app.platform.vault.vault import Vault
from app.privacy import erasure
from app.privacy.erasure import erase_due
from app.server.runtime import open_runtime
from tests.privacy.builders import make_due
from tests.shop import Person, Shop, Urls, open_shop

STEPS = {
    "payment methods": (payment_methods, "erase"),
    "addresses": (addresses, "erase"),
    "sessions": (sessions, "erase"),
    "customers": (customers, "erase"),
    "key": (Vault, "destroy_key"),
    "completion": (erasure, "record_system_event"),
}
STATUS = """query ($customerId: ID!) { customer(by: { id: $customerId }) { email anonymization {
    status requestedAt startedAt completedAt failedAt cancelledAt requester { email } cancelledBy { email } } } }"""


async def status(shop: Shop, person: Person) -> Any:
    answer = await shop.ask(STATUS, token=await shop.staff(), customerId=person.id)
    return answer.data["customer"]


async def request(shop: Shop, person: Person) -> None:
    answer = await shop.ask("RequestAnonymization", token=await shop.staff(), customerId=person.id)
    answer.payload("requestAnonymization")


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_fails_is_visible_and_repeated_until_it_is_done(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ann = await shop.register("ann@example.org")
    await request(shop, ann)

    async def broken(*_: object, **__: object) -> None:
        raise ConnectionError(ann.email)

    def broken_now(*_: object, **__: object) -> None:
        raise ConnectionError(ann.email)

    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], broken_now if step == "completion" else broken)
        assert await erase_due(shop.runtime.store) == 0
        failed = (await status(shop, ann))["anonymization"]
        assert (failed["status"], failed["completedAt"]) == ("FAILED", None)
        assert failed["failedAt"]
        assert await erase_due(shop.runtime.store) == 0
        await make_due(shop)
        assert await erase_due(shop.runtime.store) == 0
    assert await shop.count("anonymization_requests", "failure = 'ConnectionError' AND attempts = 2") == 1
    assert await shop.count("anonymization_requests", "failure LIKE '%ann%'") == 0
    await make_due(shop)

    assert await erase_due(shop.runtime.store) == 1

    found = await status(shop, ann)
    assert (found["email"], found["anonymization"]["status"]) == (None, "COMPLETED")
    assert (await shop.audit()).count("customer.erased") == 1
    assert await shop.count("anonymization_requests", "failure IS NOT NULL") == 0


async def test_a_failure_in_a_package_erases_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await shop.register("ann@example.org")
    await request(shop, ann)

    async def broken(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(customers, "erase", broken)
    assert await erase_due(shop.runtime.store) == 0

    assert (await shop.ask("Me", token=ann.token)).data["me"]["email"] == ann.email


async def test_two_workers_at_once_complete_each_request_once(postgres_urls: Urls) -> None:
    async with open_shop(postgres_urls) as shop, open_runtime(postgres_urls.settings()) as second:
        people = [await shop.register(f"ann{number}@example.org") for number in range(12)]
        for person in people:
            await request(shop, person)

        done = await asyncio.gather(
            *(erase_due(store) for store in (shop.runtime.store, second.store) for _ in range(2))
        )

        assert sum(done) == len(people)
        assert (await shop.audit()).count("customer.erased") == len(people)
        assert await shop.count("anonymization_requests", "status = 'COMPLETED' AND attempts = 1") == len(people)


async def test_a_request_can_be_cancelled_until_it_starts_and_made_again(shop: Shop) -> None:
    ann, staff = await shop.register("ann@example.org"), await shop.staff()
    await request(shop, ann)
    again = await shop.ask("RequestAnonymization", token=staff, customerId=ann.id)
    assert again.refusals("requestAnonymization") == [("ALREADY_REQUESTED", ["customerId"])]

    cancelled = await shop.ask("CancelAnonymization", token=staff, customerId=ann.id)

    shown = cancelled.payload("cancelAnonymization")["anonymization"]
    assert (shown["status"], shown["cancelledBy"]["email"]) == ("CANCELLED", shop.organization.staff_email)
    assert shown["cancelledAt"]
    assert await erase_due(shop.runtime.store) == 0
    twice = await shop.ask("CancelAnonymization", token=staff, customerId=ann.id)
    assert twice.refusals("cancelAnonymization") == [("NOT_FOUND", ["customerId"])]
    await request(shop, ann)
    assert await erase_due(shop.runtime.store) == 1
    late = await shop.ask("CancelAnonymization", token=staff, customerId=ann.id)
    assert late.refusals("cancelAnonymization") == [("ALREADY_STARTED", ["customerId"])]
    assert "is completed" in late.data["cancelAnonymization"]["userErrors"][0]["message"]
    once_more = await shop.ask("RequestAnonymization", token=staff, customerId=ann.id)
    assert once_more.refusals("requestAnonymization") == [("ALREADY_REQUESTED", ["customerId"])]
    assert "was anonymized" in once_more.data["requestAnonymization"]["userErrors"][0]["message"]
    assert await shop.count("anonymization_requests") == 2


async def test_a_failed_anonymization_has_started_and_cannot_be_cancelled(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await shop.register("ann@example.org")
    await request(shop, ann)

    async def broken(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(Vault, "destroy_key", broken)
    await erase_due(shop.runtime.store)

    answer = await shop.ask("CancelAnonymization", token=await shop.staff(), customerId=ann.id)

    assert answer.refusals("cancelAnonymization") == [("ALREADY_STARTED", ["customerId"])]
    assert (await status(shop, ann))["anonymization"]["status"] == "FAILED"


async def test_ten_requests_at_once_are_one(shop: Shop) -> None:
    ann, staff = await shop.register("ann@example.org"), await shop.staff()

    answers = await asyncio.gather(
        *(shop.ask("RequestAnonymization", token=staff, customerId=ann.id) for _ in range(10))
    )

    refusals = sorted(answer.refusals("requestAnonymization") for answer in answers)
    assert refusals == [[], *[[("ALREADY_REQUESTED", ["customerId"])]] * 9]
    assert await shop.count("anonymization_requests") == 1
