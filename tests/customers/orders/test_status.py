"""Customer status and order status: transitions, counting, cancelling."""

import asyncio
from typing import Any

import pytest

from app.customers.orders.repository import has_orders
from app.platform.principal import Scope
from tests.customers.orders.builders import CANCEL, HOME, UPDATE, ask_to_record, history, record, row_id, snapshot
from tests.shop import Shop

CLIENTS = 20


async def status(shop: Shop, token: str) -> tuple[str, int]:
    """The customer's status, and the number of placed orders."""
    return (await history(shop, token))["status"], await shop.count("orders", "status IN ('PLACED', 'FULFILLED')")


async def test_status_follows_the_number_of_placed_orders_up_and_down(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    seen = [(await history(shop, ann.token))["status"]]

    for number in ("1", "2", "3"):
        recorded = await record(shop, token, customerId=ann.id, number=number)
        seen.append(recorded["customer"]["status"])
    for number in ("1", "2", "3"):
        cancelled = (await shop.ask(CANCEL, token=token, by={"number": number})).payload("cancelOrder")
        seen.append(cancelled["customer"]["status"])

    assert seen == ["PROSPECT", "ACQUIRED", "REPEAT", "REPEAT", "REPEAT", "ACQUIRED", "PROSPECT"]
    assert [one for one in await shop.audit() if one.startswith("customer.") and one != "customer.registered"] == [
        "customer.acquired",
        "customer.repeat",
        "customer.status_lowered",
        "customer.status_lowered",
    ]


@pytest.mark.parametrize(("recorded", "counted"), [("PENDING", 0), ("PLACED", 1), ("FULFILLED", 1), ("CANCELLED", 0)])
async def test_pending_and_cancelled_orders_do_not_count(shop: Shop, recorded: str, counted: int) -> None:
    ann = await shop.register("ann@example.org")

    answer = await record(shop, await shop.integration(), customerId=ann.id, status=recorded)

    assert answer["customer"]["status"] == ("ACQUIRED" if counted else "PROSPECT")
    assert answer["customer"]["orders"] == {"totalCount": 1}
    assert (answer["order"]["cancelledAt"] is not None) == (recorded == "CANCELLED")
    assert await shop.count("customers", f"placed_orders = {counted}") == 1


async def test_a_customer_has_orders_as_soon_as_there_is_one_of_any_status(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    await record(shop, await shop.integration(), customerId=ann.id, status="CANCELLED")

    async with shop.runtime.store.database.transaction() as session:
        found = [
            await has_orders(session, organization_id=shop.organization.id, customer_id=row_id(one))
            for one in (ann, bob)
        ]

    assert found == [True, False]


async def test_an_order_counts_from_the_moment_it_is_placed(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    await record(shop, token, customerId=ann.id, status="PENDING")

    placed = await shop.ask(UPDATE, token=token, by={"number": "1001"}, input={"status": "PLACED"})
    fulfilled = await shop.ask(UPDATE, token=token, by={"number": "1001"}, input={"status": "FULFILLED"})

    assert placed.payload("updateOrder")["customer"]["status"] == "ACQUIRED"
    assert fulfilled.payload("updateOrder")["customer"]["status"] == "ACQUIRED"
    assert await shop.count("customers", "placed_orders = 1") == 1
    assert (await shop.audit()).count("customer.acquired") == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [("PLACED", "PENDING"), ("FULFILLED", "PLACED"), ("CANCELLED", "PLACED"), ("CANCELLED", "PENDING")],
)
async def test_a_status_never_goes_back(shop: Shop, before: str, after: str) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    await record(shop, token, customerId=ann.id, status=before)
    unchanged = await snapshot(shop, ann)

    answer = await shop.ask(UPDATE, token=token, by={"number": "1001"}, input={"status": after})

    assert answer.refusals("updateOrder") == [("INVALID", ["status"])]
    assert await snapshot(shop, ann) == unchanged


async def test_cancelling_twice_changes_nothing_the_second_time(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    order = (await record(shop, token, customerId=ann.id))["order"]

    first = (await shop.ask(CANCEL, token=token, by={"id": order["id"]})).payload("cancelOrder")
    before = await snapshot(shop, ann)
    second = (await shop.ask(CANCEL, token=token, by={"number": "1001"})).payload("cancelOrder")

    assert first == second
    assert first["order"]["status"] == "CANCELLED"
    assert first["order"]["cancelledAt"] is not None
    assert first["order"]["version"] == 2
    assert await snapshot(shop, ann) == before
    assert (await shop.audit()).count("order.cancelled") == 1


async def test_fields_are_changed_in_part_and_addresses_cleared_by_null(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    await record(shop, token, customerId=ann.id, shippingAddress=HOME, billingAddress=HOME)

    async def update(**fields: object) -> Any:
        answer = await shop.ask(UPDATE, token=token, by={"number": "1001"}, input=fields)
        return answer.payload("updateOrder")["order"]

    amount = await update(total={"amount": "10", "currencyCode": "EUR"}, itemCount=1, expectedVersion=1)
    moved = await update(shippingAddress={**HOME, "country": "LI"})
    cleared = await update(shippingAddress=None)
    same = await update(itemCount=1, shippingAddress=None)

    assert (amount["total"], amount["itemCount"], amount["version"]) == (
        {"amount": "10.00", "currencyCode": "EUR"},
        1,
        2,
    )
    assert amount["shippingAddress"]["line1"] == HOME["line1"]
    assert (moved["shippingAddress"]["country"]["code"], moved["countryCode"]) == ("LI", "LI")
    assert (cleared["shippingAddress"], cleared["countryCode"], cleared["version"]) == (None, "CH", 4)
    assert cleared["billingAddress"]["line1"] == HOME["line1"]
    assert same == cleared
    assert (await shop.audit()).count("order.updated") == 3


async def test_a_refused_change_writes_nothing(shop: Shop) -> None:
    other = await shop.create_organization("other")
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    elsewhere = await shop.integration(organization=other)
    order = (await record(shop, token, customerId=ann.id))["order"]
    before = await snapshot(shop, ann)
    by = {"id": order["id"]}

    stale = await shop.ask(UPDATE, token=token, by=by, input={"itemCount": 5, "expectedVersion": 7})
    wrong = await shop.ask(
        UPDATE, token=token, by=by, input={"itemCount": -5, "total": {"amount": "x", "currencyCode": "CHF"}}
    )
    foreign = await shop.ask(UPDATE, token=elsewhere, by=by, input={"itemCount": 5})
    nobody = await shop.ask(CANCEL, token=token, by={"number": "none"})

    assert stale.refusals("updateOrder") == [("CONFLICT", ["expectedVersion"])]
    assert wrong.refusals("updateOrder") == [("INVALID", ["itemCount"]), ("INVALID", ["total", "amount"])]
    assert foreign.refusals("updateOrder") == [("NOT_FOUND", ["by"])]
    assert nobody.refusals("cancelOrder") == [("NOT_FOUND", ["by"])]
    assert await snapshot(shop, ann) == before


async def test_only_integrations_with_the_scope_change_orders(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await record(shop, await shop.integration(), customerId=ann.id)
    reading = await shop.integration(Scope.CUSTOMERS_WRITE)

    for token, code in ((None, "UNAUTHENTICATED"), (ann.token, "FORBIDDEN"), (reading, "FORBIDDEN")):
        by = {"number": "1001"}
        assert (await shop.ask(UPDATE, token=token, by=by, input={})).codes == [code]
        assert (await shop.ask(CANCEL, token=token, by=by)).codes == [code]


async def test_twenty_orders_at_once_are_all_counted(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()

    answers = await asyncio.gather(
        *(ask_to_record(shop, token, customerId=ann.id, number=str(number)) for number in range(CLIENTS))
    )

    assert all(answer.payload("recordOrder")["created"] for answer in answers)
    assert await status(shop, ann.token) == ("REPEAT", CLIENTS)
    assert await shop.count("customers", f"placed_orders = {CLIENTS}") == 1
    audit = await shop.audit()
    assert [audit.count(one) for one in ("order.recorded", "customer.acquired", "customer.repeat")] == [CLIENTS, 1, 1]


async def test_the_same_order_twenty_times_at_once_is_one(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()

    answers = await asyncio.gather(
        *(ask_to_record(shop, token, customerId=ann.id, shippingAddress=HOME) for _ in range(CLIENTS))
    )

    payloads = [answer.payload("recordOrder") for answer in answers]
    assert len({payload["order"]["id"] for payload in payloads}) == 1
    assert sum(payload["created"] for payload in payloads) == 1
    assert await status(shop, ann.token) == ("ACQUIRED", 1)
    assert await shop.count("customers", "placed_orders = 1") == 1


async def test_one_number_for_twenty_customers_at_once_is_one_order(shop: Shop) -> None:
    people = [await shop.register(f"person{number}@example.org") for number in range(CLIENTS)]
    token = await shop.integration()

    answers = await asyncio.gather(*(ask_to_record(shop, token, customerId=one.id) for one in people))

    refusals = [one for answer in answers for one in answer.refusals("recordOrder")]
    assert refusals == [("CONFLICT", ["number"])] * (CLIENTS - 1)
    assert await shop.count("orders") == await shop.count("customers", "placed_orders = 1") == 1


async def test_recording_and_cancelling_at_once_keeps_the_number_right(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    for number in range(CLIENTS):
        await record(shop, token, customerId=ann.id, number=f"old{number}")

    await asyncio.gather(
        *(shop.ask(CANCEL, token=token, by={"number": f"old{number}"}) for number in range(CLIENTS)),
        *(ask_to_record(shop, token, customerId=ann.id, number=f"new{number}") for number in range(CLIENTS)),
        *(shop.ask(CANCEL, token=token, by={"number": f"old{number}"}) for number in range(CLIENTS)),
    )

    assert await status(shop, ann.token) == ("REPEAT", CLIENTS)
    assert await shop.count("customers", f"placed_orders = {CLIENTS}") == 1
