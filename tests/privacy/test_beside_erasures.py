"""What goes on beside an erasure: it completes at the first attempt, nothing fails, nothing is written afterwards."""

import asyncio
import os
from typing import Any

from app.platform.mail import delivery
from app.platform.mail.delivery import MailTransport, lease_due
from app.platform.mail.smtp import MailServer
from app.privacy.erasure import erase_due
from tests.customers.orders.builders import HOME
from tests.platform.mail.server import open_smtp_server
from tests.privacy.builders import customer, make_due, request
from tests.shop import Person, Shop

ROUNDS = int(os.environ.get("PATRON_TEST_ERASURES", "8"))
UPDATE_ORDER = """mutation ($by: OrderBy!, $input: UpdateOrderInput!) { updateOrder(by: $by, input: $input) {
    userErrors { code field } } }"""
# What a request about somebody who is just being erased may be answered, beside success.
ENDED = {"UNAUTHENTICATED", "TOKEN_INVALID", "NOT_FOUND", "INVALID_CREDENTIALS", "CONFLICT", "INVALID"}


async def _order(shop: Shop, person: Person, number: str, **given: Any) -> Any:
    total = {"amount": "1.00", "currencyCode": "CHF"}
    order = {"customerId": person.id, "number": number, "total": total, "itemCount": 1, **given}
    return await shop.ask("RecordOrder", token=await shop.integration(), input=order)


def _codes(answer: Any) -> set[str]:
    assert answer.status in {200, 401}, answer.body
    payloads = [payload for payload in (answer.body.get("data") or {}).values() if payload]
    return {*answer.codes, *(error["code"] for payload in payloads for error in payload.get("userErrors", []))}


async def _refresh(shop: Shop, person: Person, stop: asyncio.Event) -> None:
    token = person.refresh_token
    while not stop.is_set():
        answer = await shop.ask("RefreshToken", refreshToken=token)
        assert _codes(answer) <= ENDED
        tokens = (answer.body.get("data") or {}).get("refreshToken", {}).get("tokens")
        if tokens is None:
            return
        token = tokens["refreshToken"]


async def _write(shop: Shop, person: Person, stop: asyncio.Event) -> None:
    while not stop.is_set():
        assert _codes(await shop.ask("UpdateCustomer", token=person.token, input={"firstName": "Ann"})) <= ENDED
        assert _codes(await shop.ask("CreateAddress", token=person.token, input=HOME)) <= {*ENDED, "LIMIT_REACHED"}


async def _buy(shop: Shop, person: Person, stop: asyncio.Event) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        assert _codes(await _order(shop, person, f"{person.id}-{number}", shippingAddress=HOME)) <= ENDED


async def test_three_busy_clients_do_not_stop_an_erasure_and_are_answered(shop: Shop) -> None:
    bystander = await shop.register("bystander@example.org", firstName="By")
    for number in range(ROUNDS):
        ann = await shop.register(f"ann{number}@example.org", firstName="Ann")
        await request(shop, customerId=ann.id)
        stop = asyncio.Event()
        busy = [asyncio.create_task(act(shop, ann, stop)) for act in (_refresh, _write, _buy)]
        await asyncio.sleep(0.05)
        await make_due(shop)

        erased = await erase_due(shop.runtime.store)

        await asyncio.sleep(0.05)
        stop.set()
        await asyncio.gather(*busy)
        assert erased == 1, number
        found = await customer(shop, ann)
        assert (found["email"], found["anonymization"]["status"]) == (None, "COMPLETED")
        assert await shop.count("anonymization_requests", "attempts > 1") == 0
    assert await shop.count("customers", "erased_at IS NULL") == 1
    assert await shop.count("addresses") == 0
    assert await shop.count("orders", "sealed IS NOT NULL") == 0
    assert (await shop.ask("{ me { firstName } }", token=bystander.token)).data["me"] == {"firstName": "By"}


async def test_an_address_is_refused_for_the_order_of_somebody_erased_whose_key_is_still_in_memory(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    (await _order(shop, ann, "A-1", shippingAddress=HOME)).payload("recordOrder")
    await request(shop, customerId=ann.id)
    await make_due(shop)
    remembered = dict(shop.runtime.store.vault._ciphers)
    assert await erase_due(shop.runtime.store) == 1
    # Another process has not forgotten the key yet.
    shop.runtime.store.vault._ciphers.update(remembered)

    change = {"shippingAddress": HOME}
    answer = await shop.ask(UPDATE_ORDER, token=await shop.integration(), by={"number": "A-1"}, input=change)

    assert answer.refusals("updateOrder") == [("INVALID", ["shippingAddress"])]
    assert await shop.count("orders", "sealed IS NOT NULL") == 0


async def test_a_mail_is_not_sent_to_somebody_who_was_erased_since_it_was_taken(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    for one in (ann, bob):
        await shop.ask("RequestPasswordReset", input={"email": one.email})
    await request(shop, customerId=bob.id)
    await make_due(shop)
    store = shop.runtime.store
    leased = await lease_due(store)
    assert len({mail.customer_id for mail in leased}) == 2
    remembered = dict(store.vault._ciphers)
    assert await erase_due(store) == 1
    store.vault._ciphers.update(remembered)

    with open_smtp_server() as smtp_server:
        sender, fallback = "shop@example.org", "http://patron.test"
        transport = MailTransport(MailServer.parse(smtp_server.url), sender=sender, fallback_url=fallback)
        await delivery._deliver(store, transport, leased)

        assert smtp_server.to(bob.email) == []
        assert smtp_server.to(ann.email) != []
