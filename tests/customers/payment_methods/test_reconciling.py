"""The reconciler: rows and gateway agree in the end, whatever was lost."""

import asyncio
import logging

import pytest
from structlog.testing import capture_logs

from app.customers.payment_methods import attempts
from app.customers.payment_methods.gateways import Gateways
from app.customers.payment_methods.gateways.interface import GatewayDeclined, GatewayUnavailable, Instrument
from app.customers.payment_methods.reconciliation import MAX_BACKOFF, MAX_TRIES, backoff, count_failed
from tests.customers.payment_methods.payments import FaultyGateway, SandboxPayments
from tests.shop import Person


async def test_a_gateway_that_is_down_is_a_retryable_refusal_and_nothing_is_saved(
    payments: SandboxPayments, ann: Person
) -> None:
    payments.gateway.down = True
    added = await payments.try_to_add(ann)
    opened = await payments.open_session(ann)

    assert added.refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert "try again" in added.data["addPaymentMethod"]["userErrors"][0]["message"]
    assert opened.refusals("createPaymentSession") == [("GATEWAY_UNAVAILABLE", None)]
    assert await payments.saved_methods(ann) == []

    payments.gateway.down = False
    assert (await payments.add_method(ann))["isDefault"] is True


async def test_nothing_is_due_before_a_minute_has_passed(payments: SandboxPayments, ann: Person) -> None:
    await payments.open_session(ann)
    payments.gateway.answers_to_lose = 1
    await payments.try_to_add(ann)

    assert await payments.reconcile() == 0
    assert await payments.attempts() == [("ATTACH", "PENDING")]


@pytest.mark.parametrize("fault", [GatewayUnavailable(), RuntimeError("the process dies")])
async def test_what_the_gateway_did_although_its_answer_was_lost_is_undone(
    payments: SandboxPayments, ann: Person, fault: Exception
) -> None:
    await payments.open_session(ann)
    payments.gateway.fault = fault
    payments.gateway.answers_to_lose = 1
    lost = await payments.try_to_add(ann)
    assert "errors" in lost.body or lost.refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert len(payments.gateway.instruments) == 1
    assert await payments.saved_methods(ann) == []

    await payments.reconcile_all()

    assert payments.gateway.instruments == {}
    assert await payments.saved_methods(ann) == []
    assert await payments.attempts() == [("ATTACH", "DONE"), ("DETACH", "DONE")]
    assert await payments.attempts_with_secrets() == 0


async def test_what_never_reached_the_gateway_is_simply_closed(payments: SandboxPayments, ann: Person) -> None:
    await payments.open_session(ann)
    payments.gateway.down = True
    await payments.try_to_add(ann)
    payments.gateway.down = False

    await payments.reconcile_all()

    assert await payments.attempts() == [("ATTACH", "DONE")]
    assert await payments.attempts_with_secrets() == 0


async def test_a_lost_answer_to_the_making_of_the_customer_makes_no_second_one(
    payments: SandboxPayments, ann: Person
) -> None:
    payments.gateway.answers_to_lose = 1
    assert (await payments.try_to_add(ann)).refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert await payments.attempts() == []

    await payments.add_method(ann)

    assert await payments.shop.count("gateway_customers") == 1


async def test_a_lost_answer_to_a_finished_session_is_undone(payments: SandboxPayments, ann: Person) -> None:
    opened = (await payments.open_session(ann)).payload("createPaymentSession")["paymentSession"]
    payments.gateway.answers_to_lose = 1
    await payments.try_to_add(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]
    assert len(payments.gateway.instruments) == 1

    await payments.reconcile_all()

    assert payments.gateway.instruments == {}


async def test_asking_again_after_a_lost_answer_keeps_what_is_owned(payments: SandboxPayments, ann: Person) -> None:
    opened = (await payments.open_session(ann)).payload("createPaymentSession")["paymentSession"]
    payments.gateway.answers_to_lose = 1
    await payments.try_to_add(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]
    await payments.add_method(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]

    await payments.reconcile_all()

    assert len(payments.gateway.instruments) == 1
    assert len(await payments.saved_methods(ann)) == 1
    assert await payments.attempts() == [("ATTACH", "DONE"), ("ATTACH", "DONE")]


async def test_what_is_being_detached_is_not_saved_again(payments: SandboxPayments, ann: Person) -> None:
    opened = (await payments.open_session(ann)).payload("createPaymentSession")["paymentSession"]
    saved = await payments.add_method(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]
    await payments.delete(ann, saved["id"])

    again = await payments.try_to_add(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]

    assert again.refusals("addPaymentMethod") == [("CONFLICT", ["sessionId"])]
    assert "Try again in a minute" in again.data["addPaymentMethod"]["userErrors"][0]["message"]
    assert await payments.saved_methods(ann) == []


async def test_a_mutation_slower_than_the_reconciler_saves_nothing(payments: SandboxPayments, ann: Person) -> None:
    class Overtaken(FaultyGateway):
        async def attach(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
            made = await super().attach(token, gateway_customer=gateway_customer, idempotency_key=idempotency_key)
            await late.make_attempts_due()
            await late.reconcile()
            return made

    late = SandboxPayments(payments.shop, Overtaken())
    answer = await late.try_to_add(ann)

    assert answer.refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert await late.saved_methods(ann) == []
    await late.reconcile_all()
    assert late.gateway.instruments == {}


async def test_a_deletion_is_repeated_with_growing_pauses_until_the_gateway_answers(
    payments: SandboxPayments, ann: Person
) -> None:
    hers = await payments.add_method(ann)
    payments.gateway.down = True
    (await payments.delete(ann, hers["id"])).payload("deletePaymentMethod")
    assert await payments.saved_methods(ann) == []

    assert await payments.reconcile() == 1
    assert await payments.reconcile() == 0
    await payments.make_attempts_due()
    assert await payments.reconcile() == 1
    assert len(payments.gateway.instruments) == 1

    payments.gateway.down = False
    await payments.reconcile_all()
    assert payments.gateway.instruments == {}
    assert payments.gateway.calls.count("detach") == 3


async def test_a_lost_answer_to_a_detach_is_asked_again_with_a_new_key(payments: SandboxPayments, ann: Person) -> None:
    hers = await payments.add_method(ann)
    await payments.delete(ann, hers["id"])
    payments.gateway.answers_to_lose = 1

    await payments.reconcile_all()
    await payments.reconcile_all()

    assert payments.gateway.instruments == {}
    assert await payments.attempts() == [("ATTACH", "DONE"), ("DETACH", "DONE")]


@pytest.mark.parametrize("fault", [GatewayUnavailable(), GatewayDeclined(), RuntimeError("pm_secret")])
async def test_an_attempt_that_keeps_failing_is_marked_failed_and_logged_and_blocks_no_other(
    payments: SandboxPayments, ann: Person, bob: Person, fault: Exception
) -> None:
    hers = await payments.add_method(ann)
    await payments.delete(ann, hers["id"])
    payments.gateway.fault = fault
    payments.gateway.down = True

    with capture_logs() as logs:
        for _ in range(MAX_TRIES):
            await payments.make_attempts_due()
            assert await payments.reconcile() == 1

    await payments.make_attempts_due()
    assert await payments.reconcile() == 0
    assert await count_failed(payments.shop.runtime.store) == 1
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["gateway_attempt_given_up"]
    assert "pm_" not in str(logs)

    payments.gateway.down = False
    his = await payments.add_method(bob)
    await payments.delete(bob, his["id"])
    assert await payments.reconcile() == 1


async def test_attempts_of_an_unconfigured_gateway_stay_pending(payments: SandboxPayments, ann: Person) -> None:
    hers = await payments.add_method(ann)
    await payments.delete(ann, hers["id"])
    kept, payments.gateways = payments.gateways, Gateways([])

    assert await payments.reconcile() == 1
    payments.gateways = kept
    await payments.reconcile_all()

    assert payments.gateway.instruments == {}


async def test_a_server_without_a_gateway_refuses_clearly(payments: SandboxPayments, ann: Person) -> None:
    payments.shop.runtime.services.add(Gateways, Gateways([]))

    assert (await payments.try_to_add(ann)).refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert (await payments.open_session(ann)).refusals("createPaymentSession") == [("GATEWAY_UNAVAILABLE", None)]


async def test_several_reconcilers_share_the_work(payments: SandboxPayments, ann: Person) -> None:
    for hers in [await payments.add_method(ann) for _ in range(12)]:
        await payments.delete(ann, hers["id"])

    counts = await asyncio.gather(*(payments.reconcile() for _ in range(4)))

    assert sum(counts) == 12
    assert payments.gateway.calls.count("detach") == 12
    assert payments.gateway.instruments == {}


async def test_no_token_is_in_any_log(payments: SandboxPayments, ann: Person, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with capture_logs() as logs:
        hers = await payments.add_method(ann)
        (token,) = payments.gateway.instruments
        payments.gateway.answers_to_lose = 3
        await payments.try_to_add(ann)
        await payments.delete(ann, hers["id"])
        await payments.reconcile_all()
        await payments.reconcile_all()

    output = str(logs) + "".join(caplog.messages)
    for secret in (token, "pm_sandbox", "tok_visa", "cus_sandbox"):
        assert secret not in output


async def test_attempts_done_long_ago_are_swept_and_others_stay(payments: SandboxPayments, ann: Person) -> None:
    hers = await payments.add_method(ann)
    await payments.delete(ann, hers["id"])
    store = payments.shop.runtime.store
    assert await attempts.sweep(store) == 0

    await payments.shop.execute("UPDATE gateway_attempts SET updated_at = '2020-01-01 00:00:00.000000'")

    assert await attempts.sweep(store) == 1
    assert await payments.attempts() == [("DETACH", "PENDING")]


def test_delays_double_up_to_an_hour() -> None:
    assert [backoff(tries).seconds for tries in (1, 2, 3, 11)] == [2, 4, 8, 2048]
    assert {backoff(tries) for tries in (12, 24, 1000)} == {MAX_BACKOFF}
