"""Stripe's webhook: events, and forged ones."""

import asyncio
import time
from dataclasses import replace

import orjson
import pytest
from stripe import WebhookSignature
from structlog.testing import capture_logs

from app.customers.payment_methods.gateways import Gateways
from app.customers.payment_methods.gateways.interface import GatewayUnavailable
from app.customers.payment_methods.gateways.stripe_gateway import StripeGateway
from app.customers.payment_methods.stripe_events import InvalidSignature, handle_stripe_event
from tests.customers.payment_methods.payments import SandboxPayments, StripePayments
from tests.customers.payment_methods.stripe_proxy import WEBHOOK_SECRET, Fault, StripeProxy, account
from tests.shop import Person, Shop, Urls, open_shop

NUMBERS = ("4242424242424242", "5555555555554444", "4000056655665556")

# Stripe's library passes form data to httpx in a deprecated way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=")


@pytest.fixture
async def payments(shop: Shop, stripe: StripeGateway) -> StripePayments:
    return StripePayments(shop, stripe)


async def send_event(
    payments: StripePayments, kind: str, method_id: str, *, secret: str = WEBHOOK_SECRET, age: int = 0
) -> None:
    body = orjson.dumps({"id": "evt_1", "object": "event", "type": kind, "data": {"object": {"id": method_id}}})
    await deliver(payments, body, secret=secret, age=age)


async def deliver(payments: StripePayments, body: bytes, *, secret: str = WEBHOOK_SECRET, age: int = 0) -> None:
    header = WebhookSignature.generate_signature_header(body.decode(), secret, int(time.time()) - age)
    await handle_stripe_event(payments.shop.runtime.store, payments.gateways, body, header)


async def test_a_method_detached_at_stripe_disappears_and_the_newest_other_one_is_the_default(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    cards = [await stripe_proxy.card(number) for number in NUMBERS]
    first, _, third = [await payments.add_method(ann, card) for card in cards]
    await stripe_proxy.direct(f"payment_methods/{cards[0]}/detach", {})

    for _ in range(2):
        await send_event(payments, "payment_method.detached", cards[0])

    assert first["id"] not in {method["id"] for method in await payments.saved_methods(ann)}
    assert await payments.defaults(ann) == [third["id"]]
    assert (await payments.shop.audit())[-2:] == ["payment_method.deleted", "payment_method.made_default"]
    assert [kind for kind, _ in await payments.attempts()] == ["ATTACH"] * 3


async def test_a_renewed_card_gets_its_new_expiry(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    card = await stripe_proxy.card()
    await payments.add_method(ann, card)
    await stripe_proxy.direct(f"payment_methods/{card}", {"card": {"exp_month": 1, "exp_year": 2045}})

    for _ in range(2):
        await send_event(payments, "payment_method.automatically_updated", card)

    query = "query { me { paymentMethods { expiryMonth expiryYear isDefault } } }"
    (method,) = (await payments.shop.ask(query, token=ann.token)).data["me"]["paymentMethods"]
    assert method == {"expiryMonth": 1, "expiryYear": 2045, "isDefault": True}
    at_the_new_one = "expiry_notice_at BETWEEN '2045-01-01 12:00:00' AND '2045-01-02 12:00:00'"
    assert await payments.shop.count("payment_methods", at_the_new_one) == 1
    assert (await payments.shop.audit()).count("payment_method.updated") == 1


async def test_an_old_event_does_not_undo_what_is_true_now(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    card = await stripe_proxy.card()
    await payments.add_method(ann, card)

    await send_event(payments, "payment_method.detached", card)

    assert len(await payments.saved_methods(ann)) == 1


async def test_events_that_concern_no_stored_payment_method_are_ignored(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    card = await stripe_proxy.card()
    await payments.add_method(ann, card)
    stripe_proxy.requests.clear()

    for kind in ("payment_method.attached", "customer.deleted", "charge.refunded"):
        await send_event(payments, kind, card)
    await send_event(payments, "payment_method.detached", "pm_nobodyknows")

    assert len(await payments.saved_methods(ann)) == 1
    assert stripe_proxy.requests == []


async def test_a_forged_or_replayed_event_is_refused(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    card = await stripe_proxy.card()
    await payments.add_method(ann, card)
    await stripe_proxy.direct(f"payment_methods/{card}/detach", {})

    for secret, age in (("whsec_other", 0), (WEBHOOK_SECRET, 600)):
        with pytest.raises(InvalidSignature):
            await send_event(payments, "payment_method.detached", card, secret=secret, age=age)

    assert len(await payments.saved_methods(ann)) == 1


async def test_an_invalid_signature_is_refused(sqlite_payments: SandboxPayments, stripe: StripeGateway) -> None:
    payments = StripePayments(sqlite_payments.shop, stripe)

    for body in (b"", b"{}", b"\xff\xfe"):
        for signature in ("", "nonsense", "t=1,v1=00", "t=x,v1=ä", f"t={int(time.time())},v1=ä", "v1=00"):
            with pytest.raises(InvalidSignature):
                await handle_stripe_event(payments.shop.runtime.store, payments.gateways, body, signature)


async def test_a_signed_body_that_is_no_event_is_refused(
    sqlite_payments: SandboxPayments, stripe: StripeGateway
) -> None:
    payments = StripePayments(sqlite_payments.shop, stripe)

    for body in ("[]", "null", "{}", '{"type": "x"}', '{"type": "x", "data": []}', "{", ""):
        with pytest.raises(InvalidSignature):
            await deliver(payments, body.encode())


async def test_an_empty_secret_verifies_nothing_whatever_the_library_does(
    shop: Shop, stripe_proxy: StripeProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WebhookSignature, "verify_header", lambda *_: True)
    without_secret = StripePayments(shop, StripeGateway(replace(account(stripe_proxy), webhook_secret="")))

    with pytest.raises(InvalidSignature):
        await send_event(without_secret, "payment_method.detached", "pm_1", secret="")


async def test_a_stripe_that_does_not_answer_is_asked_at_the_next_delivery(
    payments: StripePayments, stripe_proxy: StripeProxy, ann: Person
) -> None:
    card = await stripe_proxy.card()
    await payments.add_method(ann, card)
    await stripe_proxy.direct(f"payment_methods/{card}/detach", {})
    stripe_proxy.plan("GET", Fault.BUSY)

    with pytest.raises(GatewayUnavailable):
        await send_event(payments, "payment_method.detached", card)
    assert len(await payments.saved_methods(ann)) == 1

    await asyncio.gather(*(send_event(payments, "payment_method.detached", card) for _ in range(5)))
    assert await payments.saved_methods(ann) == []


async def test_a_server_without_stripe_answers_unavailable(payments: StripePayments) -> None:
    payments.gateways = Gateways([])

    with pytest.raises(GatewayUnavailable):
        await send_event(payments, "payment_method.detached", "pm_1")


@pytest.mark.parametrize(("secret", "warnings"), [("", ["stripe_events_refused"]), ("whsec_x", [])])
async def test_a_server_without_the_secret_of_the_webhook_says_so_when_it_starts(
    sqlite_urls: Urls, secret: str, warnings: list[str]
) -> None:
    with capture_logs() as logs:
        async with open_shop(sqlite_urls, stripe_secret_key="sk_test_x", stripe_webhook_secret=secret) as shop:
            refused = await shop.client.post("/webhooks/stripe", content=b"{}", headers={"stripe-signature": "t=1"})

    assert refused.status_code == 400
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == warnings
