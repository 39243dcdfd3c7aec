"""Anonymizations that fail, race or are called off: visible, repeated, and done once."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from app.customers import repository as customers
from app.customers.addresses import repository as addresses
from app.customers.payment_methods import repository as payment_methods
from app.identity.sessions import service as sessions
from app.platform.vault.vault import Vault
from app.privacy import erasing
from app.privacy.erasing import erase_due
from app.server.house import open_house
from tests.house import House, Person, Urls, open_test_house

STEPS = {
    "payment methods": (payment_methods, "erase"),
    "addresses": (addresses, "erase"),
    "sessions": (sessions, "erase"),
    "customers": (customers, "erase"),
    "key": (Vault, "destroy_key"),
    "completion": (erasing, "record_of_house"),
}
STATUS = """query ($customerId: ID!) { customer(by: { id: $customerId }) { email anonymization {
    status requestedAt startedAt completedAt failedAt cancelledAt requester { email } cancelledBy { email } } } }"""


async def status(house: House, person: Person) -> Any:
    answer = await house.ask(STATUS, token=await house.staff(), customerId=person.id)
    return answer.data["customer"]


async def request(house: House, person: Person) -> None:
    answer = await house.ask("RequestAnonymization", token=await house.staff(), customerId=person.id)
    answer.payload("requestAnonymization")


async def make_due(house: House) -> None:
    async with house.patron.store.database.transaction() as session:
        statement = text("UPDATE anonymization_requests SET due_at = '2020-01-01 00:00:00.000000'")
        await (await session.connection()).execute(statement)


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_fails_is_visible_and_repeated_until_it_is_done(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ann = await house.register("ann@example.org")
    await request(house, ann)

    async def broken(*_: object, **__: object) -> None:
        raise ConnectionError(ann.email)

    def broken_now(*_: object, **__: object) -> None:
        raise ConnectionError(ann.email)

    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], broken_now if step == "completion" else broken)
        assert await erase_due(house.patron.store) == 0
        failed = (await status(house, ann))["anonymization"]
        assert (failed["status"], failed["completedAt"]) == ("FAILED", None)
        assert failed["failedAt"]
        assert await erase_due(house.patron.store) == 0
        await make_due(house)
        assert await erase_due(house.patron.store) == 0
    assert await house.count("anonymization_requests", "failure = 'ConnectionError' AND attempts = 2") == 1
    assert await house.count("anonymization_requests", "failure LIKE '%ann%'") == 0
    await make_due(house)

    assert await erase_due(house.patron.store) == 1

    found = await status(house, ann)
    assert (found["email"], found["anonymization"]["status"]) == (None, "COMPLETED")
    assert (await house.audit()).count("customer.erased") == 1
    assert await house.count("anonymization_requests", "failure IS NOT NULL") == 0


async def test_a_failure_in_a_room_leaves_the_customer_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await house.register("ann@example.org")
    await request(house, ann)

    async def broken(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(customers, "erase", broken)
    assert await erase_due(house.patron.store) == 0

    assert (await house.ask("Me", token=ann.token)).data["me"]["email"] == ann.email


async def test_two_workers_at_once_complete_each_request_once(postgres_urls: Urls) -> None:
    async with open_test_house(postgres_urls) as house, open_house(postgres_urls.settings()) as second:
        people = [await house.register(f"ann{number}@example.org") for number in range(12)]
        for person in people:
            await request(house, person)

        done = await asyncio.gather(
            *(erase_due(store) for store in (house.patron.store, second.store) for _ in range(2))
        )

        assert sum(done) == len(people)
        assert (await house.audit()).count("customer.erased") == len(people)
        assert await house.count("anonymization_requests", "status = 'COMPLETED' AND attempts = 1") == len(people)


async def test_a_request_can_be_taken_back_until_it_starts_and_made_again(house: House) -> None:
    ann, staff = await house.register("ann@example.org"), await house.staff()
    await request(house, ann)
    again = await house.ask("RequestAnonymization", token=staff, customerId=ann.id)
    assert again.refusals("requestAnonymization") == [("ALREADY_REQUESTED", ["customerId"])]

    cancelled = await house.ask("CancelAnonymization", token=staff, customerId=ann.id)

    shown = cancelled.payload("cancelAnonymization")["anonymization"]
    assert (shown["status"], shown["cancelledBy"]["email"]) == ("CANCELLED", house.shop.staff_email)
    assert shown["cancelledAt"]
    assert await erase_due(house.patron.store) == 0
    twice = await house.ask("CancelAnonymization", token=staff, customerId=ann.id)
    assert twice.refusals("cancelAnonymization") == [("NOT_FOUND", ["customerId"])]
    await request(house, ann)
    assert await erase_due(house.patron.store) == 1
    late = await house.ask("CancelAnonymization", token=staff, customerId=ann.id)
    assert late.refusals("cancelAnonymization") == [("ALREADY_STARTED", ["customerId"])]


async def test_a_failed_anonymization_has_started_and_cannot_be_cancelled(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await house.register("ann@example.org")
    await request(house, ann)

    async def broken(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(Vault, "destroy_key", broken)
    await erase_due(house.patron.store)

    answer = await house.ask("CancelAnonymization", token=await house.staff(), customerId=ann.id)

    assert answer.refusals("cancelAnonymization") == [("ALREADY_STARTED", ["customerId"])]
    assert (await status(house, ann))["anonymization"]["status"] == "FAILED"


async def test_ten_requests_at_once_are_one(house: House) -> None:
    ann, staff = await house.register("ann@example.org"), await house.staff()

    answers = await asyncio.gather(
        *(house.ask("RequestAnonymization", token=staff, customerId=ann.id) for _ in range(10))
    )

    refusals = sorted(answer.refusals("requestAnonymization") for answer in answers)
    assert refusals == [[], *[[("ALREADY_REQUESTED", ["customerId"])]] * 9]
    assert await house.count("anonymization_requests") == 1
