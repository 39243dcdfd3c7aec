"""Concurrent changes: exactly one default, at most fifty, and no lock is held during a gateway call."""

import asyncio

import anyio

from app.customers.payment_methods.addition import MAX_PAYMENT_METHODS
from app.customers.payment_methods.gateways.interface import Instrument
from tests.customers.payment_methods.payments import FaultyGateway, SandboxPayments
from tests.shop import Person

AT_ONCE = 20


async def test_twenty_added_at_once_leave_exactly_one_default(payments: SandboxPayments, ann: Person) -> None:
    added = await asyncio.gather(*(payments.add_method(ann, setDefault=number % 2 == 0) for number in range(AT_ONCE)))

    assert len({one["id"] for one in added}) == AT_ONCE
    assert len(await payments.saved_methods(ann)) == AT_ONCE
    assert len(await payments.defaults(ann)) == 1
    assert payments.gateway.calls.count("attach") == AT_ONCE
    assert len({one.gateway_customer for one in payments.gateway.instruments.values()}) == 1
    assert await payments.shop.count("gateway_customers") == 1


async def test_setting_twenty_defaults_at_once_leaves_exactly_one(payments: SandboxPayments, ann: Person) -> None:
    methods = [await payments.add_method(ann) for _ in range(AT_ONCE)]

    answers = await asyncio.gather(*(payments.set_default(ann, one["id"]) for one in methods))

    assert [answer.refusals("setDefaultPaymentMethod") for answer in answers] == [[]] * AT_ONCE
    assert len(await payments.defaults(ann)) == 1


async def test_adding_and_deleting_at_once_leaves_exactly_one_default(payments: SandboxPayments, ann: Person) -> None:
    methods = [await payments.add_method(ann) for _ in range(AT_ONCE // 2)]

    await asyncio.gather(
        *(payments.delete(ann, one["id"]) for one in methods), *(payments.add_method(ann) for _ in range(AT_ONCE // 2))
    )

    assert len(await payments.saved_methods(ann)) == AT_ONCE // 2
    assert len(await payments.defaults(ann)) == 1


async def test_deleting_the_same_one_at_once_deletes_it_once(payments: SandboxPayments, ann: Person) -> None:
    hers = await payments.add_method(ann)

    answers = await asyncio.gather(*(payments.delete(ann, hers["id"]) for _ in range(5)))

    refusals = [answer.refusals("deletePaymentMethod") for answer in answers]
    assert sorted(refusals) == [[], *[[("NOT_FOUND", ["id"])]] * 4]
    assert await payments.attempts() == [("ATTACH", "DONE"), ("DETACH", "PENDING")]


async def test_the_limit_holds_under_concurrency_and_the_gateway_detaches_the_rest(
    payments: SandboxPayments, ann: Person
) -> None:
    for _ in range(MAX_PAYMENT_METHODS - 2):
        await payments.add_method(ann)

    answers = await asyncio.gather(*(payments.try_to_add(ann) for _ in range(8)))

    refusals = sorted(answer.refusals("addPaymentMethod") for answer in answers)
    assert refusals == [[], [], *[[("LIMIT_REACHED", None)]] * 6]
    assert len(await payments.saved_methods(ann)) == MAX_PAYMENT_METHODS
    await payments.reconcile_all()
    assert len(payments.gateway.instruments) == MAX_PAYMENT_METHODS
    assert await payments.attempts_with_secrets() == 0


async def test_no_lock_is_held_during_a_gateway_call(payments: SandboxPayments, ann: Person) -> None:
    slow = SlowGateway()
    patient = SandboxPayments(payments.shop, slow)
    slow.ready.set()
    first = await patient.add_method(ann)
    slow.ready.clear()

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(patient.try_to_add(ann, setDefault=True))
        with anyio.fail_after(10):
            await slow.asking.wait()
            (await patient.set_default(ann, first["id"])).payload("setDefaultPaymentMethod")
            await payments.shop.register("bob@example.org")
        slow.ready.set()

    assert waiting.result().payload("addPaymentMethod")["paymentMethod"]["isDefault"] is True


class SlowGateway(FaultyGateway):
    """A gateway whose attach waits for the test."""

    def __init__(self) -> None:
        super().__init__()
        self.asking = asyncio.Event()
        self.ready = asyncio.Event()

    async def attach(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        if not self.ready.is_set():
            self.asking.set()
        await self.ready.wait()
        return await super().attach(token, gateway_customer=gateway_customer, idempotency_key=idempotency_key)
