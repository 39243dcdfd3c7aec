"""Retention: what an organization no longer needs goes, what it needs and what others have stays."""

from datetime import timedelta
from typing import Any

import pytest

from app.platform.clock import now
from app.privacy.erasure import erase_due
from app.privacy.policy import PrivacyPolicy
from app.privacy.receipts.issuing import issue_receipts
from app.privacy.retention.applying import apply_retention
from app.server.worker import jobs
from tests.privacy.builders import customer, guest_order, make_due, request
from tests.privacy.test_legal_holds import place
from tests.privacy.test_receipts import ISSUER, by_store, plan, receipt
from tests.shop import Person, SeededOrganization, Shop

RETENTION = "{ retention { category keepDays lastRunAt nextRunAt lastRemoved } }"
SET = "mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { userErrors { code field } } }"
GUEST = """mutation ($email: String!) { upsertCustomer(input: { email: $email }) {
    customer { id } userErrors { code } } }"""
OLD = "2020-01-01 00:00:00.000000"


async def keep(shop: Shop, days: dict[str, int], organization: SeededOrganization | None = None) -> Any:
    token = await shop.integration(organization=organization)
    return await shop.ask(SET, token=token, organization=organization, input={"settings": days})


async def guest(shop: Shop, email: str) -> Person:
    answer = await shop.ask(GUEST, token=await shop.integration(), email=email)
    return Person(answer.payload("upsertCustomer")["customer"]["id"], email, "", "")


async def grow_old(shop: Shop, *tables: str, columns: str = "updated_at") -> None:
    for table in tables:
        await shop.execute(f"UPDATE {table} SET {columns} = '{OLD}'")


async def apply(shop: Shop) -> int:
    return await apply_retention(shop.runtime.store, PrivacyPolicy(timedelta(0)))


async def shown(shop: Shop) -> dict[str, Any]:
    answer = await shop.ask(RETENTION, token=await shop.staff())
    return {one.pop("category"): one for one in answer.data["retention"]}


async def test_it_shows_what_is_kept_how_long_and_what_was_done(shop: Shop) -> None:
    before = await shown(shop)
    assert {name: one["keepDays"] for name, one in before.items()} == {
        "SESSIONS": 30,
        "MAILS": 30,
        "IDLE_GUESTS": None,
        "ORDERS": None,
    }
    assert {one["lastRunAt"] for one in before.values()} == {None}
    (await keep(shop, {"retainIdleGuestsDays": 10})).payload("updateOrganization")
    await guest(shop, "gil@example.org")
    await grow_old(shop, "customers")

    assert await apply(shop) == 1

    after = await shown(shop)
    assert after["IDLE_GUESTS"]["lastRemoved"] == 1
    assert after["SESSIONS"]["lastRemoved"] == 0
    assert after["ORDERS"]["lastRunAt"] is None
    assert await apply(shop) == 0
    assert (await shown(shop))["IDLE_GUESTS"]["lastRemoved"] == 0
    assert "apply-retention" in [job.name for job in jobs(shop.runtime)]


@pytest.mark.parametrize(
    ("name", "days"),
    [("retainSessionsDays", 0), ("retainMailsDays", 3651), ("retainIdleGuestsDays", -1), ("retainOrdersDays", 10_001)],
)
async def test_days_out_of_range_are_refused(shop: Shop, name: str, days: int) -> None:
    answer = await keep(shop, {name: days})

    assert answer.refusals("updateOrganization") == [("INVALID", ["settings", name])]


async def test_sessions_and_mails_go_by_the_days_of_their_organization(shop: Shop) -> None:
    elsewhere = await shop.create_organization("elsewhere")
    for organization in (None, elsewhere):
        await shop.register("ann@example.org", organization=organization)
    ended = (now() - timedelta(days=40)).isoformat(sep=" ")[:26]
    await shop.execute(f"UPDATE login_sessions SET ended_at = '{ended}'")
    await shop.execute(f"UPDATE outgoing_mails SET settled_at = '{ended}', state = 'SENT'")
    (await keep(shop, {"retainSessionsDays": 50, "retainMailsDays": 50}, elsewhere)).payload("updateOrganization")
    sessions, mails = await shop.count("login_sessions"), await shop.count("outgoing_mails")

    await apply(shop)

    kept = f"organization_id = (SELECT id FROM organizations WHERE slug = '{elsewhere.slug}')"
    assert await shop.count("login_sessions", "ended_at IS NOT NULL") == await shop.count(
        "login_sessions", f"ended_at IS NOT NULL AND {kept}"
    )
    assert 0 < await shop.count("login_sessions", "customer_id IS NOT NULL") < sessions
    assert await shop.count("outgoing_mails") == await shop.count("outgoing_mails", kept) < mails


async def test_only_guests_go_that_nothing_happened_to(shop: Shop) -> None:
    (await keep(shop, {"retainIdleGuestsDays": 10})).payload("updateOrganization")
    ann = await shop.register("ann@example.org")
    gone, held = await guest(shop, "gone@example.org"), await guest(shop, "held@example.org")
    await place(shop, held)
    reader = await guest(shop, "reader@example.org")
    await shop.execute(
        "UPDATE customers SET newsletter = true WHERE id = (SELECT id FROM customers ORDER BY id DESC LIMIT 1)"
    )
    await grow_old(shop, "customers")
    fresh = await guest(shop, "fresh@example.org")

    assert await apply(shop) == 1

    assert [await customer(shop, one) is None for one in (ann, gone, held, reader, fresh)] == [
        False,
        True,
        False,
        False,
        False,
    ]
    assert await shop.count("audit_events", "action = 'customer.deleted' AND actor_kind = 'SYSTEM'") == 1


async def test_a_guest_with_old_orders_is_anonymized_and_one_with_a_new_order_stays(shop: Shop) -> None:
    (await keep(shop, {"retainIdleGuestsDays": 10})).payload("updateOrganization")
    old, new = await guest(shop, "old@example.org"), await guest(shop, "new@example.org")
    await _order(shop, old, "O-1")
    await grow_old(shop, "customers")
    await grow_old(shop, "orders", columns="placed_at")
    await _order(shop, new, "N-1")
    await grow_old(shop, "customers")

    assert await apply(shop) == 1
    assert await apply(shop) == 0
    await make_due(shop)
    assert await erase_due(shop.runtime.store) == 1

    assert (await customer(shop, old))["anonymization"]["status"] == "COMPLETED"
    assert (await customer(shop, new))["email"] == new.email
    assert await shop.count("orders") == 2


async def _order(shop: Shop, person: Person, number: str) -> None:
    document = """mutation ($input: RecordOrderInput!) { recordOrder(input: $input) { userErrors { code field } } }"""
    order = {"customerId": person.id, "number": number, "total": {"amount": "1.00", "currencyCode": "CHF"}}
    answer = await shop.ask(document, token=await shop.integration(), input={**order, "itemCount": 1})
    answer.payload("recordOrder")


@pytest.mark.alone("looks at whole tables")
async def test_orders_go_when_the_books_are_closed_and_their_numbers_are_free(shop: Shop) -> None:
    (await keep(shop, {"retainOrdersDays": 3650})).payload("updateOrganization")
    ann, held = await shop.register("ann@example.org"), await shop.register("held@example.org")
    await _order(shop, ann, "A-1")
    await _order(shop, held, "H-1")
    await place(shop, held)
    await guest_order(shop, "guest@example.org", "G-1")
    await grow_old(shop, "orders", columns="placed_at")
    await shop.execute("UPDATE orders SET placed_at = '2001-01-01 00:00:00.000000'")
    await _order(shop, ann, "A-2")

    assert await apply(shop) == 2

    assert await shop.count("orders") == await shop.count("order_numbers") == 2
    assert await shop.count("orders", "number IN ('H-1', 'A-2')") == 2
    await _order(shop, ann, "A-1")


async def test_plan_and_receipt_say_until_when_orders_are_kept(shop: Shop) -> None:
    (await keep(shop, {"retainOrdersDays": 10})).payload("updateOrganization")
    ann = await shop.register("ann@example.org")
    await _order(shop, ann, "A-1")
    await shop.execute("UPDATE orders SET placed_at = '2026-11-01 12:00:00.000000'")

    planned = by_store((await plan(shop, ann.id))["entries"])
    request_id = (await request(shop, customerId=ann.id))["id"]
    await make_due(shop)
    await erase_due(shop.runtime.store)
    await issue_receipts(shop.runtime.store, ISSUER)
    certified = by_store((await receipt(shop, request_id))["entries"])

    for entries in (planned, certified):
        assert entries["orders"]["keptUntil"] == "2026-11-11T12:00:00.000Z"
        assert entries["customers"]["keptUntil"] is None
