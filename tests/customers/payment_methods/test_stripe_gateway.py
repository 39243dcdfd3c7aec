"""The Stripe gateway over HTTP: what is sent, and the result of every fault."""

import logging
from dataclasses import replace
from time import monotonic

import pytest
from structlog.testing import capture_logs

from app.customers.payment_methods.gateways.interface import GatewayDeclined, GatewayUnavailable, PaymentMethodType
from app.customers.payment_methods.gateways.stripe_gateway import API_VERSION, StripeGateway
from tests.customers.payment_methods.stripe_proxy import SECRET_KEY, Fault, StripeProxy, account

# Stripe's library passes form data to httpx in a deprecated way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=")

DECLINED_CARD = "4000000000000002"


async def customer(stripe: StripeGateway, key: str = "customer-1") -> str:
    return await stripe.create_customer(shopper_reference="shopper-1", idempotency_key=key)


async def test_a_card_is_attached_described_and_detached(stripe: StripeGateway, stripe_proxy: StripeProxy) -> None:
    known = await customer(stripe)
    token = await stripe_proxy.card()

    instrument = await stripe.attach(token, gateway_customer=known, idempotency_key="a")
    assert await stripe_proxy.customer_of(token) == known
    assert instrument.gateway_token == token
    assert (instrument.type, instrument.brand, instrument.last4) == (PaymentMethodType.CARD, "visa", "4242")
    assert (instrument.expiry_month, instrument.expiry_year) == (11, 2040)
    assert (instrument.funding, instrument.country) == ("credit", "FR")

    await stripe.detach(token, idempotency_key="b")
    assert await stripe_proxy.customer_of(token) is None
    assert stripe_proxy.requested_paths() == [
        "POST /v1/customers",
        "GET /v1/payment_methods/pm",
        "POST /v1/payment_methods/pm/attach",
        "GET /v1/payment_methods/pm",
        "POST /v1/payment_methods/pm/detach",
    ]


async def test_every_request_has_the_pinned_version_and_every_write_a_key(
    stripe: StripeGateway, stripe_proxy: StripeProxy
) -> None:
    known = await customer(stripe)
    token = await stripe_proxy.card()
    await stripe.attach(token, gateway_customer=known, idempotency_key="a")
    await stripe.create_setup_session(gateway_customer=known, idempotency_key="b")
    await stripe.detach(token, idempotency_key="c")

    assert {proxied.version for proxied in stripe_proxy.requests} == {API_VERSION}
    keys = [proxied.key for proxied in stripe_proxy.requests if proxied.method == "POST"]
    assert keys == ["customer-1", "a-attach", "b", "c-detach"]
    assert {proxied.key for proxied in stripe_proxy.requests if proxied.method == "GET"} == {None}


async def test_nothing_personal_is_sent_to_stripe(stripe: StripeGateway, stripe_proxy: StripeProxy) -> None:
    await customer(stripe)

    assert [proxied.body for proxied in stripe_proxy.requests] == [b"metadata[shopper_reference]=shopper-1"]


async def test_attaching_again_is_a_success_and_writes_nothing(
    stripe: StripeGateway, stripe_proxy: StripeProxy
) -> None:
    known = await customer(stripe)
    token = await stripe_proxy.card()
    once = await stripe.attach(token, gateway_customer=known, idempotency_key="a")
    stripe_proxy.requests.clear()

    again = await stripe.attach(token, gateway_customer=known, idempotency_key="b")

    assert once == again
    assert stripe_proxy.requested_paths() == ["GET /v1/payment_methods/pm"]


async def test_what_somebody_else_has_is_declined(stripe: StripeGateway, stripe_proxy: StripeProxy) -> None:
    token = await stripe_proxy.card()
    await stripe.attach(token, gateway_customer=await customer(stripe), idempotency_key="a")

    with pytest.raises(GatewayDeclined):
        await stripe.attach(token, gateway_customer=await customer(stripe, "customer-2"), idempotency_key="b")


async def test_a_declined_card_is_declined(stripe: StripeGateway, stripe_proxy: StripeProxy) -> None:
    known = await customer(stripe)
    token = await stripe_proxy.card(DECLINED_CARD)

    with pytest.raises(GatewayDeclined) as refusal:
        await stripe.attach(token, gateway_customer=known, idempotency_key="a")

    assert str(refusal.value) == GatewayDeclined.message
    assert await stripe_proxy.customer_of(token) is None


@pytest.mark.parametrize("token", ["pm_nobodyknows", "nonsense", "seti_1", "../customers"])
async def test_a_token_stripe_does_not_know_is_declined(stripe: StripeGateway, token: str) -> None:
    known = await customer(stripe)

    with pytest.raises(GatewayDeclined) as refusal:
        await stripe.attach(token, gateway_customer=known, idempotency_key="a")

    assert token not in str(refusal.value)


@pytest.mark.parametrize("token", ["pm_x/../../customers/cus_1", "pm_x?expand[]=customer", "pm_x/detach"])
async def test_a_token_cannot_lead_to_another_address(
    stripe: StripeGateway, stripe_proxy: StripeProxy, token: str
) -> None:
    known = await customer(stripe)

    with pytest.raises(GatewayDeclined):
        await stripe.attach(token, gateway_customer=known, idempotency_key="a")

    assert {str(proxied) for proxied in stripe_proxy.requests} <= {"POST /v1/customers"}


async def test_stripe_s_own_test_card_is_attached_once(stripe: StripeGateway, stripe_proxy: StripeProxy) -> None:
    known = await customer(stripe)

    made = await stripe.attach("pm_card_visa", gateway_customer=known, idempotency_key="a")
    found = await stripe.find_attached("pm_card_visa", gateway_customer=known, idempotency_key="a")

    assert made == found
    assert await stripe_proxy.customer_of(made.gateway_token) == known


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LOST, Fault.BROKEN, Fault.BUSY, Fault.REFUSED])
async def test_a_fault_that_lasts_is_unavailable(
    stripe: StripeGateway, stripe_proxy: StripeProxy, fault: Fault
) -> None:
    known = await customer(stripe)
    token = await stripe_proxy.card()
    stripe_proxy.plan("attach", fault, fault)

    with pytest.raises(GatewayUnavailable):
        await stripe.attach(token, gateway_customer=known, idempotency_key="a")


async def test_a_declined_answer_of_the_proxy_is_declined(stripe: StripeGateway, stripe_proxy: StripeProxy) -> None:
    known = await customer(stripe)
    token = await stripe_proxy.card()
    stripe_proxy.plan("attach", Fault.DECLINED)

    with pytest.raises(GatewayDeclined, match=r"this card: it has expired\."):
        await stripe.attach(token, gateway_customer=known, idempotency_key="a")


async def test_a_wrong_secret_key_is_reported_to_the_operator_and_not_to_the_customer(
    stripe: StripeGateway, stripe_proxy: StripeProxy
) -> None:
    stripe_proxy.plan("customers", Fault.REFUSED)

    with capture_logs() as logs, pytest.raises(GatewayUnavailable):
        await customer(stripe)

    assert [(log["event"], log["reason"]) for log in logs] == [("gateway_misconfigured", "AuthenticationError")]


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LOST])
async def test_one_lost_answer_is_repeated_with_the_same_key_and_acts_once(
    stripe: StripeGateway, stripe_proxy: StripeProxy, fault: Fault
) -> None:
    stripe_proxy.plan("customers", fault)

    known = await customer(stripe)

    assert [proxied.key for proxied in stripe_proxy.requests] == ["customer-1", "customer-1"]
    assert (await stripe_proxy.direct(f"customers/{known}"))["metadata"] == {"shopper_reference": "shopper-1"}
    assert await customer(stripe) == known


async def test_what_a_lost_attach_did_is_found_again(stripe: StripeGateway, stripe_proxy: StripeProxy) -> None:
    known = await customer(stripe)
    token = await stripe_proxy.card()
    stripe_proxy.plan("attach", Fault.LOST, Fault.LOST)
    with pytest.raises(GatewayUnavailable):
        await stripe.attach(token, gateway_customer=known, idempotency_key="a")

    found = await stripe.find_attached(token, gateway_customer=known, idempotency_key="a")

    assert found is not None
    assert found.gateway_token == token


async def test_an_older_card_token_becomes_one_payment_method_whatever_is_lost(
    stripe: StripeGateway, stripe_proxy: StripeProxy
) -> None:
    known = await customer(stripe)
    stripe_proxy.plan("payment_methods$", Fault.LOST)
    stripe_proxy.plan("attach", Fault.LOST, Fault.LOST)
    with pytest.raises(GatewayUnavailable):
        await stripe.attach("tok_visa", gateway_customer=known, idempotency_key="a")

    found = await stripe.find_attached("tok_visa", gateway_customer=known, idempotency_key="a")
    again = await stripe.attach("tok_visa", gateway_customer=known, idempotency_key="a")

    assert found == again
    assert again.last4 == "4242"


async def test_looking_for_what_was_never_attached_attaches_nothing(
    stripe: StripeGateway, stripe_proxy: StripeProxy
) -> None:
    known = await customer(stripe)
    token = await stripe_proxy.card()

    assert await stripe.find_attached(token, gateway_customer=known, idempotency_key="a") is None
    assert await stripe_proxy.customer_of(token) is None


async def test_detaching_and_deleting_what_is_gone_is_a_success(
    stripe: StripeGateway, stripe_proxy: StripeProxy
) -> None:
    known = await customer(stripe)
    token = await stripe_proxy.card()

    await stripe.detach(token, idempotency_key="a")
    await stripe.detach("pm_nobodyknows", idempotency_key="b")
    await stripe.delete_customer(known, idempotency_key="c")
    await stripe.delete_customer(known, idempotency_key="d")

    assert "POST /v1/payment_methods/pm/detach" not in stripe_proxy.requested_paths()
    assert stripe_proxy.requested_paths().count("DELETE /v1/customers/cus") == 2
    assert "metadata" not in await stripe_proxy.direct(f"customers/{known}")


async def test_an_operation_of_several_requests_ends_at_its_deadline(stripe_proxy: StripeProxy) -> None:
    impatient = StripeGateway(replace(account(stripe_proxy), timeout_seconds=10, deadline_seconds=0.3))
    stripe_proxy.plan("customers", Fault.SILENT)

    started = monotonic()
    with pytest.raises(GatewayUnavailable):
        await customer(impatient)

    assert monotonic() - started < 5
    await impatient.close()


async def test_a_session_is_opened_confirmed_and_finalized(stripe: StripeGateway, stripe_proxy: StripeProxy) -> None:
    known = await customer(stripe)
    opened = await stripe.create_setup_session(gateway_customer=known, idempotency_key="a")
    assert opened.client_secret.startswith(opened.id)
    assert (opened.gateway, opened.publishable_key) == ("stripe", "pk_test_patron")
    with pytest.raises(GatewayDeclined):
        await stripe.finalize(opened.id, gateway_customer=known, idempotency_key="b")

    await stripe_proxy.confirm(opened.id)
    instrument = await stripe.finalize(opened.id, gateway_customer=known, idempotency_key="c")
    again = await stripe.finalize(opened.id, gateway_customer=known, idempotency_key="d")

    assert instrument == again
    assert await stripe_proxy.customer_of(instrument.gateway_token) == known
    with pytest.raises(GatewayDeclined):
        await stripe.finalize(opened.id, gateway_customer="cus_other", idempotency_key="e")


async def test_the_libraries_log_neither_tokens_nor_cards(
    stripe: StripeGateway, stripe_proxy: StripeProxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    known = await customer(stripe)
    token = await stripe_proxy.card()
    caplog.clear()
    await stripe.attach(token, gateway_customer=known, idempotency_key="a")

    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("stripe", "httpx", "httpcore"))]
    assert token not in "".join(ours)


async def test_no_secret_is_shown_when_the_account_is_printed(stripe_proxy: StripeProxy) -> None:
    assert SECRET_KEY not in repr(account(stripe_proxy))
