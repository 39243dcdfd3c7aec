"""A customer's journey with Stripe behind the house, over HTTP, with everything that can get lost."""

import pytest

from app.customers.payment_methods.gateways.stripe_gateway import StripeGateway
from tests.customers.payment_methods.gateway import Till, forget
from tests.customers.payment_methods.stripe_peer import Fault, Peer
from tests.house import House, Person

# Stripe's library hands httpx its form in a deprecated way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=")


@pytest.fixture
async def till(house: House, stripe: StripeGateway) -> Till:
    return Till(house, stripe)


async def test_a_customer_fills_the_form_saves_changes_and_deletes(till: Till, stripe_peer: Peer, ann: Person) -> None:
    opened = (await till.open_session(ann)).payload("createPaymentSession")["paymentSession"]
    assert (opened["gateway"], opened["publishableKey"]) == ("stripe", "pk_test_patron")
    await stripe_peer.confirm(opened["id"])
    first = await till.added(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]
    card = await stripe_peer.card("5555555555554444")
    second = await till.added(ann, card, setDefault=True)
    assert (first["gateway"], first["brand"], first["last4"], first["expiryYear"]) == ("stripe", "visa", "4242", 2040)
    assert (second["last4"], second["isDefault"]) == ("4444", True)
    assert await stripe_peer.customer_of(card) is not None

    (await till.delete(ann, second["id"])).payload("deletePaymentMethod")
    await till.settle()

    assert await till.defaults(ann) == [first["id"]]
    assert await stripe_peer.customer_of(card) is None
    assert stripe_peer.told().count("POST /v1/customers") == 1


async def test_the_same_token_twice_is_one_payment_method(till: Till, stripe_peer: Peer, ann: Person) -> None:
    card = await stripe_peer.card()

    once = await till.added(ann, card)
    again = await till.added(ann, card)

    assert once == again
    assert len(await till.wallet(ann)) == 1


async def test_a_declined_card_is_refused_and_nothing_is_saved(till: Till, stripe_peer: Peer, ann: Person) -> None:
    answer = await till.add(ann, await stripe_peer.card("4000000000000002"))

    assert answer.refusals("addPaymentMethod") == [("GATEWAY_DECLINED", ["token"])]
    assert answer.data["addPaymentMethod"]["userErrors"][0]["message"] == "Your card was declined."
    assert await till.wallet(ann) == []
    assert await till.attempts() == [("ATTACH", "DONE")]


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LOST, Fault.BROKEN])
async def test_a_fault_of_stripe_is_retryable_and_the_retry_saves_one(
    till: Till, stripe_peer: Peer, ann: Person, fault: Fault
) -> None:
    card = await stripe_peer.card()
    stripe_peer.plan("attach", fault, fault)

    refused = await till.add(ann, card)
    assert refused.refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert await till.wallet(ann) == []

    await till.added(ann, card)
    await till.settle()
    assert len(await till.wallet(ann)) == 1
    assert await stripe_peer.customer_of(card) is not None
    assert await till.open_seals() == 0


async def test_an_attach_whose_answer_was_lost_is_detached_when_nobody_asks_again(
    till: Till, stripe_peer: Peer, ann: Person
) -> None:
    card = await stripe_peer.card()
    await till.open_session(ann)
    stripe_peer.plan("attach", Fault.LOST, Fault.LOST)
    assert (await till.add(ann, card)).refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]
    assert await stripe_peer.customer_of(card) is not None

    await till.settle()

    assert await stripe_peer.customer_of(card) is None
    assert await till.wallet(ann) == []


async def test_a_card_that_never_arrived_can_still_be_saved_after_the_reconciler(
    till: Till, stripe_peer: Peer, ann: Person
) -> None:
    card = await stripe_peer.card()
    stripe_peer.plan("attach", Fault.BROKEN, Fault.BROKEN)
    assert (await till.add(ann, card)).refusals("addPaymentMethod") == [("GATEWAY_UNAVAILABLE", None)]

    await till.settle()

    assert (await till.added(ann, card))["last4"] == "4242"


async def test_a_detach_that_stripe_answered_with_500_is_repeated_with_another_key(
    till: Till, stripe_peer: Peer, ann: Person
) -> None:
    card = await stripe_peer.card()
    saved = await till.added(ann, card)
    await till.delete(ann, saved["id"])
    stripe_peer.plan("detach", Fault.BROKEN, Fault.BROKEN)

    await till.settle()
    assert await stripe_peer.customer_of(card) is not None
    await till.settle()

    assert await stripe_peer.customer_of(card) is None
    assert len({asked.key for asked in stripe_peer.asked if asked.path.endswith("/detach")}) == 2


async def test_an_erased_customer_is_deleted_at_stripe(till: Till, stripe_peer: Peer, ann: Person) -> None:
    card = await stripe_peer.card()
    await till.added(ann, card)
    known = await stripe_peer.customer_of(card)

    await forget(till, ann)
    await till.settle()

    assert await stripe_peer.customer_of(card) is None
    assert "metadata" not in await stripe_peer.direct(f"customers/{known}")
    assert await till.open_seals() == 0
