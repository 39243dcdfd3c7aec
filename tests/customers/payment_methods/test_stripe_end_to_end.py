"""Payment methods end to end with Stripe, over HTTP, with faults."""

import pytest

from app.customers.payment_methods.gateways.stripe_gateway import StripeGateway
from tests.customers.payment_methods.payments import StripePayments, erase_customer
from tests.customers.payment_methods.stripe_proxy import Fault, StripeProxy
from tests.shop import Person, Shop

# Stripe's library passes form data to httpx in a deprecated way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=")


@pytest.fixture
async def payments(shop: Shop, stripe: StripeGateway) -> StripePayments:
    return StripePayments(shop, stripe)


async def test_a_customer_fills_the_form_saves_changes_and_deletes(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    opened = (await payments.open_session(ann)).payload("createPaymentSession")["paymentSession"]
    assert (opened["gateway"], opened["publishableKey"]) == ("stripe", "pk_test_patron")
    await stripe_proxy.confirm(opened["id"])
    first = await payments.add_method(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]
    card = await stripe_proxy.card("5555555555554444")
    second = await payments.add_method(ann, card, setDefault=True)
    assert (first["gateway"], first["brand"], first["last4"], first["expiryYear"]) == ("stripe", "visa", "4242", 2040)
    assert (second["last4"], second["isDefault"]) == ("4444", True)
    assert await stripe_proxy.customer_of(card) is not None

    (await payments.delete(ann, second["id"])).payload("deletePaymentMethod")
    await payments.reconcile_all()

    assert await payments.defaults(ann) == [first["id"]]
    assert await stripe_proxy.customer_of(card) is None
    assert stripe_proxy.requested_paths().count("POST /v1/customers") == 1


async def test_the_same_token_twice_is_one_payment_method(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    card = await stripe_proxy.card()

    once = await payments.add_method(ann, card)
    again = await payments.add_method(ann, card)

    assert once == again
    assert len(await payments.saved_methods(ann)) == 1


async def test_a_declined_card_is_refused_and_nothing_is_saved(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    answer = await payments.try_to_add(ann, await stripe_proxy.card("4000000000000002"))

    assert answer.refusals("addPaymentMethod") == [("GATEWAY_DECLINED", ["token"])]
    # Stripe's own sentence exists in English alone.
    assert answer.data["addPaymentMethod"]["userErrors"][0]["message"].startswith("The payment gateway refused")
    assert await payments.saved_methods(ann) == []
    assert await payments.attempts() == [("ATTACH", "DONE")]


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LOST, Fault.BROKEN])
async def test_a_fault_of_stripe_is_retryable_and_the_retry_saves_one(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person, fault: Fault
) -> None:
    card = await stripe_proxy.card()
    stripe_proxy.plan("attach", fault, fault)

    refused = await payments.try_to_add(ann, card)
    assert refused.refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert await payments.saved_methods(ann) == []

    await payments.add_method(ann, card)
    await payments.reconcile_all()
    assert len(await payments.saved_methods(ann)) == 1
    assert await stripe_proxy.customer_of(card) is not None
    assert await payments.attempts_with_secrets() == 0


async def test_an_attach_whose_answer_was_lost_is_detached_when_nobody_asks_again(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    card = await stripe_proxy.card()
    await payments.open_session(ann)
    stripe_proxy.plan("attach", Fault.LOST, Fault.LOST)
    assert (await payments.try_to_add(ann, card)).refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert await stripe_proxy.customer_of(card) is not None

    await payments.reconcile_all()

    assert await stripe_proxy.customer_of(card) is None
    assert await payments.saved_methods(ann) == []


async def test_a_card_that_never_arrived_can_still_be_saved_after_the_reconciler(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    card = await stripe_proxy.card()
    stripe_proxy.plan("attach", Fault.BROKEN, Fault.BROKEN)
    assert (await payments.try_to_add(ann, card)).refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]

    await payments.reconcile_all()

    assert (await payments.add_method(ann, card))["last4"] == "4242"


async def test_a_detach_that_stripe_answered_with_500_is_repeated_with_another_key(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    card = await stripe_proxy.card()
    saved = await payments.add_method(ann, card)
    await payments.delete(ann, saved["id"])
    stripe_proxy.plan("detach", Fault.BROKEN, Fault.BROKEN)

    await payments.reconcile_all()
    assert await stripe_proxy.customer_of(card) is not None
    await payments.reconcile_all()

    assert await stripe_proxy.customer_of(card) is None
    assert len({proxied.key for proxied in stripe_proxy.requests if proxied.path.endswith("/detach")}) == 2


async def test_an_erased_customer_is_deleted_at_stripe(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    card = await stripe_proxy.card()
    await payments.add_method(ann, card)
    known = await stripe_proxy.customer_of(card)

    await erase_customer(payments, ann)
    await payments.reconcile_all()

    assert await stripe_proxy.customer_of(card) is None
    assert "metadata" not in await stripe_proxy.direct(f"customers/{known}")
    assert await payments.attempts_with_secrets() == 0
