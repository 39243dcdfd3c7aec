"""Our rows and the gateway agree in the end, whatever got lost in between."""

import asyncio
import logging

import pytest
from structlog.testing import capture_logs

from app.customers.payment_methods import attempts
from app.customers.payment_methods.gateways import Gateways
from app.customers.payment_methods.gateways.interface import GatewayDeclined, GatewayUnavailable, Instrument
from app.customers.payment_methods.reconcile import LONGEST_PAUSE, MOST_ATTEMPTS, given_up, pause
from tests.customers.payment_methods.gateway import Counter, FaultyGateway
from tests.house import Person


async def test_a_gateway_that_is_down_is_a_retryable_refusal_and_nothing_is_saved(
    counter: Counter, ann: Person
) -> None:
    counter.gateway.down = True
    added = await counter.add(ann)
    opened = await counter.open_session(ann)

    assert added.refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert "try again" in added.data["addPaymentMethod"]["userErrors"][0]["message"]
    assert opened.refusals("createPaymentSession") == [("GATEWAY_UNAVAILABLE", None)]
    assert await counter.wallet(ann) == []

    counter.gateway.down = False
    assert (await counter.added(ann))["isDefault"] is True


async def test_nothing_is_due_before_a_minute_has_passed(counter: Counter, ann: Person) -> None:
    await counter.open_session(ann)
    counter.gateway.answers_to_lose = 1
    await counter.add(ann)

    assert await counter.reconcile() == 0
    assert await counter.attempts() == [("ATTACH", "PENDING")]


@pytest.mark.parametrize("fault", [GatewayUnavailable(), RuntimeError("the process dies")])
async def test_what_the_gateway_did_although_its_answer_was_lost_is_undone(
    counter: Counter, ann: Person, fault: Exception
) -> None:
    await counter.open_session(ann)
    counter.gateway.fault = fault
    counter.gateway.answers_to_lose = 1
    lost = await counter.add(ann)
    assert "errors" in lost.body or lost.refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert len(counter.gateway.instruments) == 1
    assert await counter.wallet(ann) == []

    await counter.settle()

    assert counter.gateway.instruments == {}
    assert await counter.wallet(ann) == []
    assert await counter.attempts() == [("ATTACH", "DONE"), ("DETACH", "DONE")]
    assert await counter.open_seals() == 0


async def test_what_never_reached_the_gateway_is_simply_closed(counter: Counter, ann: Person) -> None:
    await counter.open_session(ann)
    counter.gateway.down = True
    await counter.add(ann)
    counter.gateway.down = False

    await counter.settle()

    assert await counter.attempts() == [("ATTACH", "DONE")]
    assert await counter.open_seals() == 0


async def test_a_lost_answer_to_the_making_of_the_customer_makes_no_second_one(counter: Counter, ann: Person) -> None:
    counter.gateway.answers_to_lose = 1
    assert (await counter.add(ann)).refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert await counter.attempts() == []

    await counter.added(ann)

    assert await counter.house.count("gateway_customers") == 1


async def test_a_lost_answer_to_a_finished_session_is_undone(counter: Counter, ann: Person) -> None:
    opened = (await counter.open_session(ann)).payload("createPaymentSession")["paymentSession"]
    counter.gateway.answers_to_lose = 1
    await counter.add(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]
    assert len(counter.gateway.instruments) == 1

    await counter.settle()

    assert counter.gateway.instruments == {}


async def test_asking_again_after_a_lost_answer_keeps_what_is_owned(counter: Counter, ann: Person) -> None:
    opened = (await counter.open_session(ann)).payload("createPaymentSession")["paymentSession"]
    counter.gateway.answers_to_lose = 1
    await counter.add(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]
    await counter.added(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]

    await counter.settle()

    assert len(counter.gateway.instruments) == 1
    assert len(await counter.wallet(ann)) == 1
    assert await counter.attempts() == [("ATTACH", "DONE"), ("ATTACH", "DONE")]


async def test_what_is_being_detached_is_not_saved_again(counter: Counter, ann: Person) -> None:
    opened = (await counter.open_session(ann)).payload("createPaymentSession")["paymentSession"]
    saved = await counter.added(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]
    await counter.delete(ann, saved["id"])

    again = await counter.add(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]

    assert again.refusals("addPaymentMethod") == [("CONFLICT", ["sessionId"])]
    assert "Try again in a minute" in again.data["addPaymentMethod"]["userErrors"][0]["message"]
    assert await counter.wallet(ann) == []


async def test_a_mutation_slower_than_the_reconciler_saves_nothing(counter: Counter, ann: Person) -> None:
    class Overtaken(FaultyGateway):
        async def attach(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
            made = await super().attach(token, gateway_customer=gateway_customer, idempotency_key=idempotency_key)
            await late.wait()
            await late.reconcile()
            return made

    late = Counter(counter.house, Overtaken())
    answer = await late.add(ann)

    assert answer.refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert await late.wallet(ann) == []
    await late.settle()
    assert late.gateway.instruments == {}


async def test_a_deletion_is_repeated_with_growing_pauses_until_the_gateway_answers(
    counter: Counter, ann: Person
) -> None:
    hers = await counter.added(ann)
    counter.gateway.down = True
    (await counter.delete(ann, hers["id"])).payload("deletePaymentMethod")
    assert await counter.wallet(ann) == []

    assert await counter.reconcile() == 1
    assert await counter.reconcile() == 0
    await counter.wait()
    assert await counter.reconcile() == 1
    assert len(counter.gateway.instruments) == 1

    counter.gateway.down = False
    await counter.settle()
    assert counter.gateway.instruments == {}
    assert counter.gateway.asked.count("detach") == 3


async def test_a_lost_answer_to_a_detach_is_asked_again_with_a_new_key(counter: Counter, ann: Person) -> None:
    hers = await counter.added(ann)
    await counter.delete(ann, hers["id"])
    counter.gateway.answers_to_lose = 1

    await counter.settle()
    await counter.settle()

    assert counter.gateway.instruments == {}
    assert await counter.attempts() == [("ATTACH", "DONE"), ("DETACH", "DONE")]


@pytest.mark.parametrize("fault", [GatewayUnavailable(), GatewayDeclined(), RuntimeError("pm_secret")])
async def test_what_never_works_is_given_up_visibly_and_stops_nobody_else(
    counter: Counter, ann: Person, bob: Person, fault: Exception
) -> None:
    hers = await counter.added(ann)
    await counter.delete(ann, hers["id"])
    counter.gateway.fault = fault
    counter.gateway.down = True

    with capture_logs() as logs:
        for _ in range(MOST_ATTEMPTS):
            await counter.wait()
            assert await counter.reconcile() == 1

    await counter.wait()
    assert await counter.reconcile() == 0
    assert await given_up(counter.house.patron.store) == 1
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["gateway_attempt_given_up"]
    assert "pm_" not in str(logs)

    counter.gateway.down = False
    his = await counter.added(bob)
    await counter.delete(bob, his["id"])
    assert await counter.reconcile() == 1


async def test_a_gateway_the_house_no_longer_has_is_waited_for(counter: Counter, ann: Person) -> None:
    hers = await counter.added(ann)
    await counter.delete(ann, hers["id"])
    kept, counter.gateways = counter.gateways, Gateways([])

    assert await counter.reconcile() == 1
    counter.gateways = kept
    await counter.settle()

    assert counter.gateway.instruments == {}


async def test_a_house_without_a_gateway_refuses_clearly(counter: Counter, ann: Person) -> None:
    counter.house.patron.services.add(Gateways, Gateways([]))

    assert (await counter.add(ann)).refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert (await counter.open_session(ann)).refusals("createPaymentSession") == [("GATEWAY_UNAVAILABLE", None)]


async def test_several_reconcilers_share_the_work(counter: Counter, ann: Person) -> None:
    for hers in [await counter.added(ann) for _ in range(12)]:
        await counter.delete(ann, hers["id"])

    counts = await asyncio.gather(*(counter.reconcile() for _ in range(4)))

    assert sum(counts) == 12
    assert counter.gateway.asked.count("detach") == 12
    assert counter.gateway.instruments == {}


async def test_no_token_is_in_any_log(counter: Counter, ann: Person, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with capture_logs() as logs:
        hers = await counter.added(ann)
        (token,) = counter.gateway.instruments
        counter.gateway.answers_to_lose = 3
        await counter.add(ann)
        await counter.delete(ann, hers["id"])
        await counter.settle()
        await counter.settle()

    told = str(logs) + "".join(caplog.messages)
    for secret in (token, "pm_sandbox", "tok_visa", "cus_sandbox"):
        assert secret not in told


async def test_attempts_done_long_ago_are_swept_and_others_stay(counter: Counter, ann: Person) -> None:
    hers = await counter.added(ann)
    await counter.delete(ann, hers["id"])
    store = counter.house.patron.store
    assert await attempts.sweep(store) == 0

    await counter.house.execute("UPDATE gateway_attempts SET updated_at = '2020-01-01 00:00:00.000000'")

    assert await attempts.sweep(store) == 1
    assert await counter.attempts() == [("DETACH", "PENDING")]


def test_pauses_double_up_to_an_hour() -> None:
    assert [pause(tries).seconds for tries in (1, 2, 3, 11)] == [2, 4, 8, 2048]
    assert {pause(tries) for tries in (12, 24, 1000)} == {LONGEST_PAUSE}
