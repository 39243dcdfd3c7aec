"""A card that is typed again is one payment method: with the newer instrument, and the older one detached."""

import pytest
import stripe

from app.customers.payment_methods.gateways import Gateways, sandbox
from app.customers.payment_methods.gateways.stripe_responses import to_instrument
from app.customers.payment_methods.reconciliation import reconcile
from app.platform.clock import now
from tests.shop import Shop

ADD = """mutation ($token: String!) { addPaymentMethod(input: { token: $token }) {
    paymentMethod { id expiryYear isDefault } userErrors { code field } } }"""
LIST = "{ me { paymentMethods { id last4 expiryYear isDefault } } }"
NUMBER = {"brand": "visa", "last4": "4242", "funding": "credit", "country": "US", "fingerprint": "fp_4242"}


async def test_the_same_card_is_listed_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sandbox.CARDS, "tok_typed", NUMBER)
    monkeypatch.setitem(sandbox.CARDS, "tok_other", {**NUMBER, "last4": "5556", "fingerprint": "fp_5556"})
    monkeypatch.setitem(sandbox.CARDS, sandbox.EXPIRING, NUMBER)
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    gateway = shop.runtime.services.get(Gateways).default
    assert isinstance(gateway, sandbox.SandboxGateway)

    first = await _add(shop, ann.token, "tok_expiring")
    other = await _add(shop, ann.token, "tok_other")
    again = await _add(shop, ann.token, "tok_typed")
    bobs = await _add(shop, bob.token, "tok_typed")
    await reconcile(shop.runtime.store, shop.runtime.services.get(Gateways))

    assert again == {**first, "expiryYear": now().year + sandbox.YEARS_VALID}
    saved = (await shop.ask(LIST, token=ann.token)).data["me"]["paymentMethods"]
    assert [(one["id"], one["isDefault"]) for one in saved] == [(first["id"], True), (other["id"], False)]
    assert [one["id"] for one in (await shop.ask(LIST, token=bob.token)).data["me"]["paymentMethods"]] == [bobs["id"]]
    assert len(gateway.instruments) == 3
    assert {one.expiry_year for one in gateway.instruments.values()} == {now().year + sandbox.YEARS_VALID}
    assert await shop.count("gateway_attempts", "state <> 'DONE'") == 0


async def _add(shop: Shop, bearer: str, token: str) -> dict[str, object]:
    answer = await shop.post({"query": ADD, "variables": {"token": token}}, authorization=f"Bearer {bearer}")
    found: dict[str, object] = answer.payload("addPaymentMethod")["paymentMethod"]
    return found


async def test_cards_without_a_fingerprint_stay_two(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")

    first, second = await _add(shop, ann.token, "tok_visa"), await _add(shop, ann.token, "tok_visa")

    assert first["id"] != second["id"]
    assert await shop.count("payment_methods") == 2


@pytest.mark.parametrize("kind", ["card", "sepa_debit"])
def test_stripes_fingerprint_is_read(kind: str) -> None:
    method = stripe.PaymentMethod.construct_from(
        {"id": "pm_1", "type": kind, kind: {"last4": "4242", "fingerprint": "Xt5EWLLDS7FJjR1c"}}, "sk_test"
    )

    assert to_instrument(method, gateway_customer="cus_1").fingerprint == "Xt5EWLLDS7FJjR1c"
