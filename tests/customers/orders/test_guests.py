"""Orders of guests, known by an email address only until somebody has proven to own it."""

import asyncio

from sqlalchemy import text, update

from app.customers.orders.own_keys import discard_spent
from app.customers.orders.repository import export
from app.platform.clock import now
from app.platform.principal import Scope
from app.platform.vault.tables import PersonKey
from app.privacy.erasing import erase_due
from app.privacy.sweeping import AGE, sweep_keys
from tests.customers.orders.book import CANCEL, FIND, HOME, UPDATE, ask_to_record, history, prove_email, record, row_id
from tests.house import House


async def keys(house: House) -> set[str]:
    """Whose keys the key store holds."""
    async with house.patron.store.vault.keystore.engine.connect() as connection:
        found = await connection.execute(text("SELECT person_id FROM person_keys"))
        return {str(row.person_id).replace("-", "") for row in found}


async def sealed_somewhere(house: House) -> int:
    """How many orders keep address copies."""
    return await house.count("orders", "sealed IS NOT NULL")


async def test_a_guests_order_is_nobodys_and_readable_by_the_back_office(house: House) -> None:
    token = await house.integration(Scope.ORDERS_WRITE)

    recorded = await record(house, token, email="Ann@Example.org", shippingAddress=HOME)
    again = await record(house, token, email="ann@example.org", shippingAddress=HOME)

    assert recorded["customer"] is None
    assert recorded["order"]["shippingAddress"]["line1"] == HOME["line1"]
    assert (again["created"], again["order"]) == (False, recorded["order"])
    assert (await house.ask(FIND, token=token, by={"number": "1001"})).data["order"] == recorded["order"]
    assert await house.count("orders", "customer_id IS NULL AND guest_hash IS NOT NULL") == 1
    other = await ask_to_record(house, token, email="bob@example.org", shippingAddress=HOME)
    assert other.refusals("recordOrder") == [("CONFLICT", ["number"])]


async def test_a_repeated_guests_order_leaves_no_key_behind(house: House) -> None:
    token = await house.integration()

    await asyncio.gather(
        *(ask_to_record(house, token, email="ann@example.org", shippingAddress=HOME) for _ in range(10)),
        *(ask_to_record(house, token, email="bob@example.org", shippingAddress=HOME) for _ in range(10)),
    )

    assert await house.count("orders") == 1
    assert len(await keys(house)) == 1 + await house.count("staff_members")


async def test_having_an_account_with_the_address_is_not_enough(house: House) -> None:
    token = await house.integration()
    await record(house, token, email="ann@example.org", number="before")
    ann = await house.register("ann@example.org")
    await record(house, token, email="ann@example.org", number="after")

    seen = await history(house, ann.token)

    assert (seen["status"], seen["orders"]["totalCount"]) == ("PROSPECT", 0)
    assert await house.count("orders", "customer_id IS NULL") == 2


async def test_orders_are_attached_once_the_address_is_proven(house: House) -> None:
    token = await house.integration()
    first = await record(house, token, email="ann@example.org", number="1", shippingAddress=HOME)
    await record(house, token, email="ann@example.org", number="2", status="CANCELLED")
    await record(house, token, email="bob@example.org", number="3")
    ann = await house.register("ANN@example.org")

    attached = await prove_email(house, ann)
    seen = await history(house, ann.token)
    repeated = await prove_email(house, ann)

    assert (attached, repeated) == (2, 0)
    assert (seen["status"], sorted(one["number"] for one in seen["orders"]["nodes"])) == ("ACQUIRED", ["1", "2"])
    (order,) = [one for one in seen["orders"]["nodes"] if one["number"] == "1"]
    assert order["shippingAddress"] == first["order"]["shippingAddress"]
    assert await house.count("orders", "guest_hash IS NOT NULL") == 1
    assert [one for one in await house.audit() if one in {"order.attached", "customer.acquired"}] == [
        "order.attached",
        "customer.acquired",
        "order.attached",
    ]
    assert (await record(house, token, email="ann@example.org", number="1", shippingAddress=HOME))["created"] is False


async def test_an_order_with_a_proven_address_belongs_to_its_owner_at_once(house: House) -> None:
    ann = await house.register("ann@example.org")
    await prove_email(house, ann)

    recorded = await record(house, await house.integration(), email="Ann@example.org", shippingAddress=HOME)

    assert recorded["customer"] == {"id": ann.id, "status": "ACQUIRED", "orders": {"totalCount": 1}}
    assert (await history(house, ann.token))["orders"]["nodes"] == [recorded["order"]]


async def test_proving_and_recording_at_once_leaves_no_order_behind(house: House) -> None:
    ann = await house.register("ann@example.org")
    token = await house.integration()

    await asyncio.gather(
        *(ask_to_record(house, token, email="ann@example.org", number=f"a{number}") for number in range(5)),
        prove_email(house, ann),
        *(ask_to_record(house, token, email="ann@example.org", number=f"b{number}") for number in range(5)),
    )

    assert await house.count("orders", "customer_id IS NULL") == 0
    assert await house.count("customers", "placed_orders = 10") == 1
    assert (await history(house, ann.token))["orders"]["totalCount"] == 10


async def test_a_guests_order_can_be_changed_and_given_an_address_later(house: House) -> None:
    token = await house.integration()
    await record(house, token, email="ann@example.org", status="PENDING")

    changed = await house.ask(
        UPDATE, token=token, by={"number": "1001"}, input={"status": "PLACED", "shippingAddress": HOME}
    )
    cancelled = await house.ask(CANCEL, token=token, by={"number": "1001"})

    assert changed.payload("updateOrder")["order"]["shippingAddress"]["city"] == "Zürich"
    assert changed.payload("updateOrder")["customer"] is None
    assert cancelled.payload("cancelOrder")["order"]["status"] == "CANCELLED"


async def test_the_key_a_guests_order_had_is_destroyed_after_it_was_attached(house: House) -> None:
    token = await house.integration()
    await record(house, token, email="ann@example.org", shippingAddress=HOME)
    ann = await house.register("ann@example.org")
    before = await keys(house)
    await prove_email(house, ann)

    first, second = await discard_spent(house.patron.store), await discard_spent(house.patron.store)

    assert (first, second) == (1, 0)
    assert len(before - await keys(house)) == 1
    (order,) = (await history(house, ann.token))["orders"]["nodes"]
    assert order["shippingAddress"]["line1"] == HOME["line1"]


async def test_nothing_personal_is_left_of_orders_after_an_erasure(house: House) -> None:
    token = await house.integration()
    await record(house, token, email="ann@example.org", number="1", shippingAddress=HOME)
    ann = await house.register("ann@example.org")
    await prove_email(house, ann)
    await record(house, token, customerId=ann.id, number="2", shippingAddress=HOME, billingAddress=HOME)
    exported = await export(house.patron.store, organization_id=house.shop.id, customer_id=row_id(ann))
    staff = await house.staff()
    (await house.ask("RequestAnonymization", token=staff, customerId=ann.id)).payload("requestAnonymization")

    assert await erase_due(house.patron.store) == 1

    assert sorted((one["number"], one["countryCode"]) for one in exported) == [("1", "CH"), ("2", "CH")]
    assert all(str(HOME["line1"]) in str(one) for one in exported)
    assert await sealed_somewhere(house) == 0
    assert await house.count("orders", "content_hash IS NOT NULL OR spent_key_id IS NOT NULL") == 0
    assert len(await keys(house)) == await house.count("staff_members")
    for number in ("1", "2"):
        order = (await house.ask(FIND, token=token, by={"number": number})).data["order"]
        assert (order["shippingAddress"], order["billingAddress"]) == (None, None)
        assert (order["total"]["amount"], order["countryCode"], order["itemCount"]) == ("49.90", "CH", 2)


async def test_the_order_of_an_erased_customer_can_still_be_fulfilled_but_keeps_no_address(house: House) -> None:
    token = await house.integration()
    ann = await house.register("ann@example.org")
    await record(house, token, customerId=ann.id, shippingAddress=HOME)
    (await house.ask("RequestAnonymization", token=await house.staff(), customerId=ann.id)).payload(
        "requestAnonymization"
    )
    await erase_due(house.patron.store)
    by = {"number": "1001"}

    fulfilled = await house.ask(UPDATE, token=token, by=by, input={"status": "FULFILLED"})
    addressed = await house.ask(UPDATE, token=token, by=by, input={"shippingAddress": HOME})
    again = await ask_to_record(house, token, customerId=ann.id, number="2")

    assert fulfilled.payload("updateOrder")["order"]["status"] == "FULFILLED"
    assert addressed.refusals("updateOrder") == [("INVALID", ["shippingAddress"])]
    assert again.refusals("recordOrder") == [("NOT_FOUND", ["customerId"])]
    assert await sealed_somewhere(house) == 0


async def test_the_key_of_a_guests_order_is_not_taken_for_an_orphan(house: House) -> None:
    token = await house.integration()
    recorded = await record(house, token, email="ann@example.org", shippingAddress=HOME)
    async with house.patron.store.vault.keystore.transaction() as session:
        await session.exec(update(PersonKey).values(created_at=now() - 2 * AGE))

    assert await sweep_keys(house.patron.store) == 0

    assert (await house.ask(FIND, token=token, by={"number": "1001"})).data["order"] == recorded["order"]
