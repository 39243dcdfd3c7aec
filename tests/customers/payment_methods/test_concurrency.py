"""Many at once: exactly one default, at most fifty, and nobody waits for the gateway in a lock."""

import asyncio

import anyio

from app.customers.payment_methods.addition import MOST
from app.customers.payment_methods.gateways.interface import Instrument
from tests.customers.payment_methods.gateway import Counter, FaultyGateway
from tests.house import Person

AT_ONCE = 20


async def test_twenty_added_at_once_leave_exactly_one_default(counter: Counter, ann: Person) -> None:
    added = await asyncio.gather(*(counter.added(ann, setDefault=number % 2 == 0) for number in range(AT_ONCE)))

    assert len({one["id"] for one in added}) == AT_ONCE
    assert len(await counter.wallet(ann)) == AT_ONCE
    assert len(await counter.defaults(ann)) == 1
    assert counter.gateway.asked.count("attach") == AT_ONCE
    assert len({one.gateway_customer for one in counter.gateway.instruments.values()}) == 1
    assert await counter.house.count("gateway_customers") == 1


async def test_setting_twenty_defaults_at_once_leaves_exactly_one(counter: Counter, ann: Person) -> None:
    methods = [await counter.added(ann) for _ in range(AT_ONCE)]

    answers = await asyncio.gather(*(counter.set_default(ann, one["id"]) for one in methods))

    assert [answer.refusals("setDefaultPaymentMethod") for answer in answers] == [[]] * AT_ONCE
    assert len(await counter.defaults(ann)) == 1


async def test_adding_and_deleting_at_once_leaves_exactly_one_default(counter: Counter, ann: Person) -> None:
    methods = [await counter.added(ann) for _ in range(AT_ONCE // 2)]

    await asyncio.gather(
        *(counter.delete(ann, one["id"]) for one in methods), *(counter.added(ann) for _ in range(AT_ONCE // 2))
    )

    assert len(await counter.wallet(ann)) == AT_ONCE // 2
    assert len(await counter.defaults(ann)) == 1


async def test_deleting_the_same_one_at_once_deletes_it_once(counter: Counter, ann: Person) -> None:
    hers = await counter.added(ann)

    answers = await asyncio.gather(*(counter.delete(ann, hers["id"]) for _ in range(5)))

    refusals = [answer.refusals("deletePaymentMethod") for answer in answers]
    assert sorted(refusals) == [[], *[[("NOT_FOUND", ["id"])]] * 4]
    assert await counter.attempts() == [("ATTACH", "DONE"), ("DETACH", "PENDING")]


async def test_the_limit_holds_in_a_race_and_the_gateway_forgets_who_came_too_late(
    counter: Counter, ann: Person
) -> None:
    for _ in range(MOST - 2):
        await counter.added(ann)

    answers = await asyncio.gather(*(counter.add(ann) for _ in range(8)))

    refusals = sorted(answer.refusals("addPaymentMethod") for answer in answers)
    assert refusals == [[], [], *[[("LIMIT_REACHED", None)]] * 6]
    assert len(await counter.wallet(ann)) == MOST
    await counter.settle()
    assert len(counter.gateway.instruments) == MOST
    assert await counter.open_seals() == 0


async def test_nobody_waits_in_a_lock_while_the_gateway_thinks(counter: Counter, ann: Person) -> None:
    slow = SlowGateway()
    patient = Counter(counter.house, slow)
    slow.ready.set()
    first = await patient.added(ann)
    slow.ready.clear()

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(patient.add(ann, setDefault=True))
        with anyio.fail_after(10):
            await slow.asking.wait()
            (await patient.set_default(ann, first["id"])).payload("setDefaultPaymentMethod")
            await counter.house.register("bob@example.org")
        slow.ready.set()

    assert waiting.result().payload("addPaymentMethod")["paymentMethod"]["isDefault"] is True


class SlowGateway(FaultyGateway):
    """Takes as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.asking = asyncio.Event()
        self.ready = asyncio.Event()

    async def attach(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        if not self.ready.is_set():
            self.asking.set()
        await self.ready.wait()
        return await super().attach(token, gateway_customer=gateway_customer, idempotency_key=idempotency_key)
