"""Webhooks: what happens is announced, signed, at least once, and to nobody who should not hear of it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.accounts.webhooks import deliveries
from app.accounts.webhooks.deliveries import MAX_ATTEMPTS, deliver_due
from app.accounts.webhooks.egress import Egress, EgressRefused, is_public
from app.platform.clock import now
from app.platform.webhooks.tables import WebhookDelivery, WebhookEndpoint
from app.privacy.erasure import erase_due
from tests.accounts.webhooks.receiver import Receiver, receiving
from tests.shop import PASSWORD, Shop, Urls, open_shop

CREATE = """mutation ($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) {
    endpoint { id url events signing publicKey enabled } secret userErrors { code field message } } }"""
UPDATE = """mutation ($input: UpdateWebhookEndpointInput!) { updateWebhookEndpoint(input: $input) {
    endpoint { id enabled disabledReason } userErrors { code field message } } }"""
ROTATE = """mutation ($id: ID!) { rotateWebhookSecret(input: { id: $id }) {
    endpoint { publicKey previousSecretUntil } secret userErrors { code field } } }"""
DELETE = """mutation ($id: ID!) { deleteWebhookEndpoint(input: { id: $id }) {
    deletedWebhookEndpointId userErrors { code field } } }"""
TEST = """mutation ($id: ID!) { sendTestWebhook(input: { id: $id }) { delivery { id status } userErrors { code } } }"""
REPLAY = (
    """mutation ($id: ID!) { replayWebhookDelivery(id: $id) { delivery { id status } userErrors { code field } } }"""
)
REPLAY_RANGE = """mutation ($input: ReplayWebhookDeliveriesInput!) { replayWebhookDeliveries(input: $input) {
    replayed userErrors { code field } } }"""
ENDPOINTS = "{ webhookEndpoints { id enabled disabledReason failingSince } }"
LOG = """query ($id: ID!) { webhookDeliveries(endpointId: $id, first: 100) { totalCount nodes {
    id event status attempts nextAttemptAt settledAt lastStatusCode failure } } }"""
CUSTOMER_EVENTS = ["CUSTOMER_CREATED", "CUSTOMER_UPDATED", "CUSTOMER_ANONYMIZATION_REQUESTED", "CUSTOMER_ANONYMIZED"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


async def subscribe(shop: Shop, url: str, *events: str, **given: Any) -> Any:
    """An endpoint with its secret."""
    chosen = {"url": url, "events": events or CUSTOMER_EVENTS, **given}
    answer = await shop.ask(CREATE, token=await shop.integration(), input=chosen)
    return answer.payload("createWebhookEndpoint")


async def deliver(shop: Shop) -> int:
    return await deliver_due(shop.runtime.store, shop.runtime.services.get(Egress))


async def log_of(shop: Shop, endpoint: Any) -> list[Any]:
    answer = await shop.ask(LOG, token=await shop.integration(), id=endpoint["endpoint"]["id"])
    found: list[Any] = answer.data["webhookDeliveries"]["nodes"]
    assert answer.data["webhookDeliveries"]["totalCount"] == len(found)
    return found


async def make_due(shop: Shop, **changes: Any) -> None:
    async with shop.runtime.store.database.transaction() as session:
        await session.exec(update(WebhookDelivery).values(due_at=now() - timedelta(seconds=1), **changes))


async def rename(shop: Shop, token: str, name: str) -> None:
    (await shop.ask("UpdateCustomer", token=token, input={"firstName": name})).payload("updateCustomer")


async def test_what_happens_is_announced_with_ids_and_names_and_without_a_value(shop: Shop, receiver: Receiver) -> None:
    made = await subscribe(shop, receiver.url)
    ann = await shop.register("ann@example.org", firstName="Annabel")
    await rename(shop, ann.token, "Annette")

    assert await deliver(shop) == 2

    assert receiver.events == ["customer.created", "customer.updated"]
    updated = receiver.received[1]
    assert updated.json["data"] == {
        "organizationId": updated.json["data"]["organizationId"],
        "customerId": ann.id,
        "actor": "CUSTOMER",
        "fields": ["firstName"],
    }
    assert updated.is_signed_with(made["secret"])
    assert updated.headers["content-type"] == "application/json"
    for message in receiver.received:
        for value in (b"Ann", b"example.org"):
            assert value not in message.body
    assert [
        (one["event"], one["status"], one["attempts"], one["lastStatusCode"]) for one in await log_of(shop, made)
    ] == [
        ("CUSTOMER_UPDATED", "DELIVERED", 1, 204),
        ("CUSTOMER_CREATED", "DELIVERED", 1, 204),
    ]
    assert await deliver(shop) == 0


async def test_addresses_orders_and_cards_are_named_as_the_api_names_them(shop: Shop, receiver: Receiver) -> None:
    await subscribe(shop, receiver.url, "ADDRESS_CREATED", "ORDER_CREATED", "CUSTOMER_STATUS_CHANGED")
    ann = await shop.register("ann@example.org")
    address = {"line1": "Limmatquai 1", "postalCode": "8001", "city": "Zürich", "country": "CH"}
    address |= {"firstName": "Ann", "lastName": "Lee"}
    made = await shop.ask("CreateAddress", token=ann.token, input=address)
    order = {"customerId": ann.id, "number": "1", "total": {"amount": "1.00", "currencyCode": "CHF"}, "itemCount": 1}
    recorded = await shop.ask("RecordOrder", token=await shop.integration(), input=order)

    await deliver(shop)

    data = {one.json["type"]: one.json["data"] for one in receiver.received}
    assert data["address.created"]["addressId"] == made.payload("createAddress")["address"]["id"]
    assert data["order.created"]["orderId"] == recorded.payload("recordOrder")["order"]["id"]
    assert data["customer.status_changed"]["actor"] == "SYSTEM"


async def test_a_refused_mutation_announces_nothing(shop: Shop, receiver: Receiver) -> None:
    await subscribe(shop, receiver.url)
    ann = await shop.register("ann@example.org")
    await deliver(shop)

    refused = await shop.ask("UpdateCustomer", token=ann.token, input={"firstName": "Bea", "phone": "12"})

    assert refused.refusals("updateCustomer") == [("TOO_SHORT", ["phone"])]
    assert await deliver(shop) == 0
    assert receiver.events == ["customer.created"]


async def test_an_event_goes_to_who_subscribes_to_it_in_its_organization(shop: Shop, receiver: Receiver) -> None:
    other = await shop.create_organization("second")
    await subscribe(shop, f"{receiver.url}/updates", "CUSTOMER_UPDATED")
    foreign = {"url": f"{receiver.url}/foreign", "events": CUSTOMER_EVENTS}
    await shop.ask(CREATE, token=await shop.integration(organization=other), input=foreign)
    ann = await shop.register("ann@example.org")
    await rename(shop, ann.token, "Annette")

    assert await deliver(shop) == 1
    assert receiver.events == ["customer.updated"]
    assert await shop.count("webhook_events") == 0


async def test_a_registration_of_a_taken_address_costs_the_same_and_is_told_to_nobody(
    shop: Shop, receiver: Receiver
) -> None:
    organization = await shop.create_organization("careful", require_verified_email=True)
    given = {"url": receiver.url, "events": CUSTOMER_EVENTS}
    await shop.ask(CREATE, token=await shop.integration(organization=organization), input=given)
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}
    for _ in range(2):
        await shop.ask("Register", organization=organization, input=account)

    assert await shop.count("webhook_events") == 2
    await deliver(shop)

    assert receiver.events == ["customer.created"]
    assert await shop.count("webhook_events") == 0


async def test_without_an_endpoint_nothing_is_kept(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await rename(shop, ann.token, "Annette")

    assert await shop.count("webhook_events") == await shop.count("webhook_deliveries") == 0


async def test_ed25519_verifies_with_the_public_key(shop: Shop, receiver: Receiver) -> None:
    made = await subscribe(shop, receiver.url, signing="ED25519")
    assert made["secret"] is None
    await shop.register("ann@example.org")

    await deliver(shop)

    assert receiver.received[0].headers["webhook-signature"].startswith("v1a,")
    assert receiver.received[0].is_signed_with(made["endpoint"]["publicKey"])


async def test_while_a_secret_is_exchanged_both_verify(shop: Shop, receiver: Receiver) -> None:
    made, token = await subscribe(shop, receiver.url), await shop.integration()
    endpoint_id = made["endpoint"]["id"]
    new = (await shop.ask(ROTATE, token=token, id=endpoint_id)).payload("rotateWebhookSecret")["secret"]
    await shop.ask(TEST, token=token, id=endpoint_id)
    await deliver(shop)
    async with shop.runtime.store.database.transaction() as session:
        await session.exec(update(WebhookEndpoint).values(previous_secret_until=now() - timedelta(seconds=1)))
    await shop.ask(TEST, token=token, id=endpoint_id)
    await deliver(shop)

    during, afterwards = receiver.received
    assert during.is_signed_with(made["secret"])
    assert during.is_signed_with(new)
    assert afterwards.is_signed_with(new)
    assert not afterwards.is_signed_with(made["secret"])
    assert during.json["data"]["test"] is True


async def test_a_failed_delivery_is_tried_again_later_with_the_same_id(shop: Shop, receiver: Receiver) -> None:
    made = await subscribe(shop, receiver.url)
    receiver.statuses = [500, 302]
    receiver.headers = {"location": "http://127.0.0.1:9/"}
    await shop.register("ann@example.org")

    for _ in range(3):
        await deliver(shop)
        assert await deliver(shop) == 0
        await make_due(shop)

    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert len(receiver.received) == 3
    [delivery] = await log_of(shop, made)
    assert (delivery["status"], delivery["attempts"]) == ("DELIVERED", 3)


async def test_after_all_attempts_it_is_given_up_and_can_be_replayed(shop: Shop, receiver: Receiver) -> None:
    made, token = await subscribe(shop, receiver.url), await shop.integration()
    receiver.status = 503
    await shop.register("ann@example.org")
    for _ in range(MAX_ATTEMPTS + 2):
        await deliver(shop)
        await make_due(shop)

    assert len(receiver.received) == MAX_ATTEMPTS == 10
    [given_up] = await log_of(shop, made)
    assert (given_up["status"], given_up["nextAttemptAt"], given_up["lastStatusCode"]) == ("FAILED", None, 503)

    receiver.status = 200
    await shop.ask(REPLAY, token=token, id=given_up["id"])
    assert await deliver(shop) == 1
    receiver.status = 503
    await shop.ask(REPLAY, token=token, id=given_up["id"])
    await make_due(shop, attempts=MAX_ATTEMPTS)
    await deliver(shop)
    chosen = {"endpointId": made["endpoint"]["id"], "since": "2026-01-01T00:00:00Z"}
    assert (await shop.ask(REPLAY_RANGE, token=token, input=chosen)).payload("replayWebhookDeliveries")["replayed"] == 1
    later = {**chosen, "since": "2999-01-01T00:00:00Z"}
    assert (await shop.ask(REPLAY_RANGE, token=token, input=later)).payload("replayWebhookDeliveries")["replayed"] == 0


async def test_what_failed_outside_of_the_range_is_not_replayed(shop: Shop, receiver: Receiver) -> None:
    made, token = await subscribe(shop, receiver.url), await shop.integration()
    receiver.status = 503
    await shop.register("ann@example.org")
    await shop.register("bob@example.org")
    await shop.execute("UPDATE webhook_deliveries SET attempts = 0")
    await deliver(shop)
    await shop.execute("UPDATE webhook_deliveries SET state = 'FAILED', at = '2026-02-01 12:00:00.000000'")
    chosen = {"endpointId": made["endpoint"]["id"]}

    replayed = [
        (await shop.ask(REPLAY_RANGE, token=token, input={**chosen, "since": since, "until": until})).payload(
            "replayWebhookDeliveries"
        )["replayed"]
        for since, until in [
            ("2026-01-01T00:00:00Z", "2026-02-01T12:00:00Z"),
            ("2026-02-01T12:00:01Z", "2026-03-01T00:00:00Z"),
            ("2026-02-01T12:00:00Z", "2026-02-01T12:00:01Z"),
        ]
    ]

    assert replayed[:2] == [0, 0]
    assert replayed[2] > 0


async def test_retry_after_is_waited_for(shop: Shop, receiver: Receiver) -> None:
    made = await subscribe(shop, receiver.url)
    receiver.status, receiver.headers = 429, {"retry-after": "7200"}
    await shop.register("ann@example.org")

    await deliver(shop)

    [delivery] = await log_of(shop, made)
    assert delivery["nextAttemptAt"] > (now() + timedelta(minutes=119)).isoformat()
    assert delivery["nextAttemptAt"] < (now() + timedelta(minutes=121)).isoformat()


async def test_what_waits_behind_a_failure_is_not_counted_and_keeps_its_order(shop: Shop, receiver: Receiver) -> None:
    made = await subscribe(shop, receiver.url)
    receiver.statuses = [500]
    ann = await shop.register("ann@example.org")
    await rename(shop, ann.token, "Annette")

    await deliver(shop)
    assert receiver.events == ["customer.created"]
    await make_due(shop)
    await deliver(shop)

    assert receiver.events[1:] == ["customer.created", "customer.updated"]
    assert [one["attempts"] for one in await log_of(shop, made)] == [1, 2]


async def test_an_endpoint_that_is_gone_is_switched_off_and_on_again(shop: Shop, receiver: Receiver) -> None:
    made, token = await subscribe(shop, receiver.url), await shop.integration()
    receiver.statuses = [410]
    ann = await shop.register("ann@example.org")
    await deliver(shop)
    await rename(shop, ann.token, "Annette")

    [found] = (await shop.ask(ENDPOINTS, token=token)).data["webhookEndpoints"]
    assert (found["enabled"], found["disabledReason"]) == (False, "GONE")
    assert [(one["event"], one["status"]) for one in await log_of(shop, made)] == [("CUSTOMER_CREATED", "FAILED")]

    await shop.ask(UPDATE, token=token, input={"id": found["id"], "enabled": True})
    await rename(shop, ann.token, "Anna")
    assert await deliver(shop) == 1


async def test_an_endpoint_that_fails_for_days_is_switched_off(shop: Shop, receiver: Receiver) -> None:
    await subscribe(shop, receiver.url)
    receiver.status = 500
    await shop.register("ann@example.org")
    await deliver(shop)
    token = await shop.integration()
    [failing] = (await shop.ask(ENDPOINTS, token=token)).data["webhookEndpoints"]
    assert failing["enabled"]
    assert failing["failingSince"]
    async with shop.runtime.store.database.transaction() as session:
        await session.exec(update(WebhookEndpoint).values(failing_since=now() - timedelta(days=6)))
    await make_due(shop)

    await deliver(shop)

    [off] = (await shop.ask(ENDPOINTS, token=token)).data["webhookEndpoints"]
    assert (off["enabled"], off["disabledReason"]) == (False, "FAILING")


async def test_nothing_is_sent_to_a_deleted_endpoint(shop: Shop, receiver: Receiver) -> None:
    made, token = await subscribe(shop, receiver.url), await shop.integration()
    kept = await subscribe(shop, f"{receiver.url}/kept", "CUSTOMER_CREATED")
    await shop.register("ann@example.org")

    gone = await shop.ask(DELETE, token=token, id=made["endpoint"]["id"])
    again = await shop.ask(DELETE, token=token, id=made["endpoint"]["id"])

    assert gone.payload("deleteWebhookEndpoint")["deletedWebhookEndpointId"] == made["endpoint"]["id"]
    assert again.refusals("deleteWebhookEndpoint") == [("NOT_FOUND", ["id"])]
    assert await deliver(shop) == 1
    assert [one["status"] for one in await log_of(shop, kept)] == ["DELIVERED"]


async def test_of_an_erased_customer_only_the_erasure_is_announced(shop: Shop, receiver: Receiver) -> None:
    await subscribe(shop, receiver.url)
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    await rename(shop, ann.token, "Annette")
    staff = await shop.staff()
    (await shop.ask("RequestAnonymization", token=staff, customerId=ann.id)).payload("requestAnonymization")

    assert await erase_due(shop.runtime.store) == 1
    await deliver(shop)

    announced = [(one.json["type"], one.json["data"]["customerId"]) for one in receiver.received]
    assert sorted(announced) == [
        ("customer.anonymization_requested", ann.id),
        ("customer.anonymized", ann.id),
        ("customer.created", bob.id),
    ]


async def test_settled_deliveries_are_swept_after_thirty_days(shop: Shop, receiver: Receiver) -> None:
    await subscribe(shop, receiver.url)
    await shop.register("ann@example.org")
    await deliver(shop)
    await make_due(shop, settled_at=now() - timedelta(days=29))
    assert await deliveries.sweep(shop.runtime.store) == 0
    await make_due(shop, settled_at=now() - timedelta(days=31))
    receiver.status = 500
    await shop.register("bob@example.org")
    await deliver(shop)

    assert await deliveries.sweep(shop.runtime.store) == 1
    assert await shop.count("webhook_deliveries") == 1


@pytest.mark.parametrize(
    "url",
    ["", "ftp://example.org", "https://", "https://user:secret@example.org", "https://example.org/#x", "example.org"],
)
async def test_what_is_no_address_is_refused_beside_the_events(shop: Shop, url: str) -> None:
    answer = await shop.ask(CREATE, token=await shop.integration(), input={"url": url, "events": []})

    codes = answer.refusals("createWebhookEndpoint")
    assert codes == [("REQUIRED" if not url else "INVALID", ["url"]), ("REQUIRED", ["events"])]
    assert await shop.count("webhook_endpoints") == 0


async def test_an_organization_has_twenty_endpoints_at_most(shop: Shop) -> None:
    for number in range(20):
        await subscribe(shop, f"https://hooks.example.org/{number}")
    answer = await shop.ask(
        CREATE, token=await shop.integration(), input={"url": "https://hooks.example.org", "events": CUSTOMER_EVENTS}
    )

    assert answer.refusals("createWebhookEndpoint") == [("LIMIT_REACHED", None)]


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address like any other
        "192.0.2.1",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_an_address_of_a_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


async def test_in_production_nothing_is_sent_into_the_network(sqlite_urls: Urls, receiver: Receiver) -> None:
    async with open_shop(sqlite_urls, webhook_allow_private=False) as shop:
        refused = await shop.ask(
            CREATE, token=await shop.integration(), input={"url": receiver.url, "events": CUSTOMER_EVENTS}
        )
        made = await subscribe(shop, receiver.url.replace("http://127.0.0.1", "https://localhost"))
        await shop.register("ann@example.org")
        await deliver(shop)

        assert refused.refusals("createWebhookEndpoint") == [("INVALID", ["url"])]
        [delivery] = await log_of(shop, made)
        assert (delivery["status"], delivery["failure"]) == ("PENDING", "EgressRefused")
    assert receiver.received == []


async def test_a_name_is_looked_at_when_the_message_is_sent(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a name leads to is decided by the address that is connected to, not by an earlier look."""
    egress = Egress()
    asked = []

    async def rebinding(host: str, port: int) -> str:
        asked.append(host)
        raise EgressRefused

    monkeypatch.setattr("app.accounts.webhooks.egress._public_address", rebinding)
    with pytest.raises(EgressRefused):
        await egress.post(receiver.url, b"{}", {})
    await egress.close()

    assert asked == ["127.0.0.1"]
