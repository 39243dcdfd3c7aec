"""Orders of guests, identified by an email address until a customer has verified it."""

import asyncio

import pytest
from sqlalchemy import text, update

from app.customers.orders.guest_order_keys import discard_spent_keys
from app.customers.orders.repository import export
from app.platform.clock import now
from app.platform.principal import Scope
from app.platform.vault.tables import PersonKey
from app.privacy.erasure import erase_due
from app.privacy.orphaned_keys import MIN_ORPHAN_AGE, sweep_orphaned_keys
from tests.customers.orders.builders import (
    CANCEL,
    FIND,
    HOME,
    UPDATE,
    ask_to_record,
    history,
    prove_email,
    record,
    row_id,
)
from tests.shop import Shop


async def keys(shop: Shop) -> set[str]:
    """The owners of the keys in the key store."""
    async with shop.runtime.store.vault.keystore.engine.connect() as connection:
        found = await connection.execute(text("SELECT person_id FROM person_keys"))
        return {str(row.person_id).replace("-", "") for row in found}


async def sealed_somewhere(shop: Shop) -> int:
    """The number of orders with sealed address copies."""
    return await shop.count("orders", "sealed IS NOT NULL")


@pytest.mark.alone("looks at whole tables")
async def test_a_guests_order_belongs_to_nobody_and_the_back_office_reads_it(shop: Shop) -> None:
    token = await shop.integration(Scope.ORDERS_WRITE)

    recorded = await record(shop, token, email="Ann@Example.org", shippingAddress=HOME)
    again = await record(shop, token, email="ann@example.org", shippingAddress=HOME)

    assert recorded["customer"] is None
    assert recorded["order"]["shippingAddress"]["line1"] == HOME["line1"]
    assert (again["created"], again["order"]) == (False, recorded["order"])
    assert (await shop.ask(FIND, token=token, by={"number": "1001"})).data["order"] == recorded["order"]
    assert await shop.count("orders", "customer_id IS NULL AND guest_hash IS NOT NULL") == 1
    other = await ask_to_record(shop, token, email="bob@example.org", shippingAddress=HOME)
    assert other.refusals("recordOrder") == [("CONFLICT", ["number"])]


@pytest.mark.alone("looks at whole tables")
async def test_a_repeated_guests_order_leaves_no_key_behind(shop: Shop) -> None:
    token = await shop.integration()

    await asyncio.gather(
        *(ask_to_record(shop, token, email="ann@example.org", shippingAddress=HOME) for _ in range(10)),
        *(ask_to_record(shop, token, email="bob@example.org", shippingAddress=HOME) for _ in range(10)),
    )

    assert await shop.count("orders") == 1
    assert len(await keys(shop)) == 1 + await shop.count("staff_members")


@pytest.mark.alone("looks at whole tables")
async def test_an_unverified_account_with_the_address_gets_no_orders(shop: Shop) -> None:
    token = await shop.integration()
    await record(shop, token, email="ann@example.org", number="before")
    ann = await shop.register("ann@example.org")
    await record(shop, token, email="ann@example.org", number="after")

    seen = await history(shop, ann.token)

    assert (seen["status"], seen["orders"]["totalCount"]) == ("PROSPECT", 0)
    assert await shop.count("orders", "customer_id IS NULL") == 2


@pytest.mark.alone("looks at whole tables")
async def test_orders_are_attached_once_the_address_is_verified(shop: Shop) -> None:
    token = await shop.integration()
    first = await record(shop, token, email="ann@example.org", number="1", shippingAddress=HOME)
    await record(shop, token, email="ann@example.org", number="2", status="CANCELLED")
    await record(shop, token, email="bob@example.org", number="3")
    ann = await shop.register("ANN@example.org")

    attached = await prove_email(shop, ann)
    seen = await history(shop, ann.token)
    repeated = await prove_email(shop, ann)

    assert (attached, repeated) == (2, 0)
    assert (seen["status"], sorted(one["number"] for one in seen["orders"]["nodes"])) == ("ACQUIRED", ["1", "2"])
    (order,) = [one for one in seen["orders"]["nodes"] if one["number"] == "1"]
    assert order["shippingAddress"] == first["order"]["shippingAddress"]
    assert await shop.count("orders", "guest_hash IS NOT NULL") == 1
    assert [one for one in await shop.audit() if one in {"order.attached", "customer.acquired"}] == [
        "order.attached",
        "customer.acquired",
        "order.attached",
    ]
    assert (await record(shop, token, email="ann@example.org", number="1", shippingAddress=HOME))["created"] is False


async def test_an_order_with_a_verified_address_belongs_to_its_owner_immediately(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await prove_email(shop, ann)

    recorded = await record(shop, await shop.integration(), email="Ann@example.org", shippingAddress=HOME)

    assert recorded["customer"] == {"id": ann.id, "status": "ACQUIRED", "orders": {"totalCount": 1}}
    assert (await history(shop, ann.token))["orders"]["nodes"] == [recorded["order"]]


async def test_concurrent_verification_and_recording_leave_no_order_unattached(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()

    await asyncio.gather(
        *(ask_to_record(shop, token, email="ann@example.org", number=f"a{number}") for number in range(5)),
        prove_email(shop, ann),
        *(ask_to_record(shop, token, email="ann@example.org", number=f"b{number}") for number in range(5)),
    )

    assert await shop.count("orders", "customer_id IS NULL") == 0
    assert await shop.count("customers", "placed_orders = 10") == 1
    assert (await history(shop, ann.token))["orders"]["totalCount"] == 10


async def test_a_guests_order_can_be_changed_and_given_an_address_later(shop: Shop) -> None:
    token = await shop.integration()
    await record(shop, token, email="ann@example.org", status="PENDING")

    changed = await shop.ask(
        UPDATE, token=token, by={"number": "1001"}, input={"status": "PLACED", "shippingAddress": HOME}
    )
    cancelled = await shop.ask(CANCEL, token=token, by={"number": "1001"})

    assert changed.payload("updateOrder")["order"]["shippingAddress"]["city"] == "Zürich"
    assert changed.payload("updateOrder")["customer"] is None
    assert cancelled.payload("cancelOrder")["order"]["status"] == "CANCELLED"


async def test_the_key_a_guests_order_had_is_destroyed_after_it_was_attached(shop: Shop) -> None:
    token = await shop.integration()
    await record(shop, token, email="ann@example.org", shippingAddress=HOME)
    ann = await shop.register("ann@example.org")
    before = await keys(shop)
    await prove_email(shop, ann)

    first, second = await discard_spent_keys(shop.runtime.store), await discard_spent_keys(shop.runtime.store)

    assert (first, second) == (1, 0)
    assert len(before - await keys(shop)) == 1
    (order,) = (await history(shop, ann.token))["orders"]["nodes"]
    assert order["shippingAddress"]["line1"] == HOME["line1"]


@pytest.mark.alone("looks at whole tables")
async def test_nothing_personal_is_left_of_orders_after_an_erasure(shop: Shop) -> None:
    token = await shop.integration()
    await record(shop, token, email="ann@example.org", number="1", shippingAddress=HOME)
    ann = await shop.register("ann@example.org")
    await prove_email(shop, ann)
    await record(shop, token, customerId=ann.id, number="2", shippingAddress=HOME, billingAddress=HOME)
    exported = await export(shop.runtime.store, organization_id=shop.organization.id, customer_id=row_id(ann))
    staff = await shop.staff()
    (await shop.ask("RequestAnonymization", token=staff, customerId=ann.id)).payload("requestAnonymization")

    assert await erase_due(shop.runtime.store) == 1

    assert sorted((one["number"], one["countryCode"]) for one in exported) == [("1", "CH"), ("2", "CH")]
    assert all(str(HOME["line1"]) in str(one) for one in exported)
    assert await sealed_somewhere(shop) == 0
    assert await shop.count("orders", "content_hash IS NOT NULL OR spent_key_id IS NOT NULL") == 0
    assert len(await keys(shop)) == await shop.count("staff_members")
    for number in ("1", "2"):
        order = (await shop.ask(FIND, token=token, by={"number": number})).data["order"]
        assert (order["shippingAddress"], order["billingAddress"]) == (None, None)
        assert (order["total"]["amount"], order["countryCode"], order["itemCount"]) == ("49.90", "CH", 2)


async def test_the_order_of_an_erased_customer_can_still_be_fulfilled_but_keeps_no_address(shop: Shop) -> None:
    token = await shop.integration()
    ann = await shop.register("ann@example.org")
    await record(shop, token, customerId=ann.id, shippingAddress=HOME)
    (await shop.ask("RequestAnonymization", token=await shop.staff(), customerId=ann.id)).payload(
        "requestAnonymization"
    )
    await erase_due(shop.runtime.store)
    by = {"number": "1001"}

    fulfilled = await shop.ask(UPDATE, token=token, by=by, input={"status": "FULFILLED"})
    addressed = await shop.ask(UPDATE, token=token, by=by, input={"shippingAddress": HOME})
    again = await ask_to_record(shop, token, customerId=ann.id, number="2")

    assert fulfilled.payload("updateOrder")["order"]["status"] == "FULFILLED"
    assert addressed.refusals("updateOrder") == [("INVALID", ["shippingAddress"])]
    assert again.refusals("recordOrder") == [("NOT_FOUND", ["customerId"])]
    assert await sealed_somewhere(shop) == 0


async def test_the_key_of_a_guests_order_is_not_taken_for_an_orphan(shop: Shop) -> None:
    token = await shop.integration()
    recorded = await record(shop, token, email="ann@example.org", shippingAddress=HOME)
    async with shop.runtime.store.vault.keystore.transaction() as session:
        await session.exec(update(PersonKey).values(created_at=now() - 2 * MIN_ORPHAN_AGE))

    assert await sweep_orphaned_keys(shop.runtime.store) == 0

    assert (await shop.ask(FIND, token=token, by={"number": "1001"})).data["order"] == recorded["order"]
