"""Whom an anonymization is about: customers and guests by id, address or order number, and removed staff."""

from typing import Any

import pytest

from app.customers.orders.guest_order_keys import discard_spent_keys
from app.privacy.deletion import finish_deletions
from app.privacy.erasure import erase_due
from tests.customers.orders.builders import HOME, history, prove_email
from tests.privacy.builders import (
    ask_to_cancel,
    ask_to_forget,
    cancel,
    customer,
    guest_order,
    keys,
    request,
    status,
    street,
)
from tests.shop import Shop

STREET = HOME["line1"]
DELETE_STAFF = """mutation ($id: ID!) { deleteStaffMember(input: { id: $id }) {
    deletedStaffMemberId userErrors { code } } }"""
ADD_STAFF = """mutation ($email: String!) { createStaffMember(input: { email: $email, firstName: "Tom" }) {
    staffMember { id } userErrors { code } } }"""


async def test_the_guest_orders_of_an_unproven_address_go_with_the_customer(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    await guest_order(shop, ann.email, "G-1")
    await guest_order(shop, bob.email, "G-2")

    await request(shop, customerId=ann.id)
    assert await erase_due(shop.runtime.store) == 1

    assert await street(shop, "G-1") is None
    assert await street(shop, "G-2") == STREET
    next_holder = await shop.register(ann.email)
    assert await prove_email(shop, next_holder) == 0
    assert (await history(shop, next_holder.token))["orders"]["totalCount"] == 0
    assert await prove_email(shop, bob) == 1


async def test_the_guest_orders_of_a_former_address_go_unless_another_customer_has_it(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    for email in ("ann.old@example.org", "ann.new@example.org"):
        await prove_email(shop, ann)
        change = {"customerId": ann.id, "email": email}
        (await shop.ask("UpdateCustomer", token=await shop.integration(), input=change)).payload("updateCustomer")
    bob = await shop.register("ann@example.org")
    await guest_order(shop, "ann.old@example.org", "G-1")
    await guest_order(shop, bob.email, "G-2")

    await request(shop, email="Ann.New@example.org")
    assert await erase_due(shop.runtime.store) == 1

    assert await street(shop, "G-1") is None
    assert await street(shop, "G-2") == STREET
    assert (await customer(shop, bob))["email"] == bob.email


@pytest.mark.alone("looks at whole tables")
@pytest.mark.parametrize("named", [{"email": "GUEST@example.org"}, {"orderNumber": "G-1"}])
async def test_a_guest_is_forgotten_by_address_or_order_number(shop: Shop, named: dict[str, str]) -> None:
    for number in ("G-1", "G-2"):
        await guest_order(shop, "guest@example.org", number)
    await guest_order(shop, "other@example.org", "G-3")
    before = await keys(shop)
    made = await request(shop, **named)
    again = await ask_to_forget(shop, **named)
    assert again.refusals("requestAnonymization") == [("ALREADY_REQUESTED", [next(iter(named))])]

    assert await erase_due(shop.runtime.store) == 1

    shown = await status(shop, made["id"])
    assert (shown["status"], bool(shown["completedAt"])) == ("COMPLETED", True)
    assert [await street(shop, number) for number in ("G-1", "G-2", "G-3")] == [None, None, STREET]
    assert await keys(shop) == before - 2
    assert await shop.count("anonymization_requests", "guest_hash IS NOT NULL") == 0
    assert await shop.count("orders", "guest_hash IS NOT NULL") == 1
    by_number = await ask_to_forget(shop, orderNumber="G-1")
    assert by_number.refusals("requestAnonymization") == [("ALREADY_REQUESTED", ["orderNumber"])]
    by_email = await ask_to_forget(shop, email="guest@example.org")
    assert by_email.refusals("requestAnonymization") == [("NOT_FOUND", ["email"])]


async def test_a_guests_request_is_cancelled_by_its_id(shop: Shop) -> None:
    await guest_order(shop, "guest@example.org", "G-1")
    made = await request(shop, orderNumber="G-1")

    assert (await cancel(shop, id=made["id"]))["status"] == "CANCELLED"

    assert await erase_due(shop.runtime.store) == 0
    assert await street(shop, "G-1") == STREET
    twice = await ask_to_cancel(shop, id=made["id"])
    assert twice.refusals("cancelAnonymization") == [("NOT_FOUND", ["id"])]
    await request(shop, email="guest@example.org")
    assert await erase_due(shop.runtime.store) == 1
    assert await street(shop, "G-1") is None


@pytest.mark.parametrize(
    ("given", "refusals"),
    [
        ({}, [("REQUIRED", ["customerId"])]),
        ({"email": ""}, [("REQUIRED", ["customerId"])]),
        ({"email": "a@example.org", "orderNumber": "1"}, [("INVALID", ["orderNumber"])]),
        ({"customerId": "x", "email": "a", "orderNumber": "1"}, [("INVALID", ["email"]), ("INVALID", ["orderNumber"])]),
        ({"email": "nobody@example.org"}, [("NOT_FOUND", ["email"])]),
        ({"email": "no address"}, [("INVALID", ["email"])]),
        ({"orderNumber": "unheard"}, [("NOT_FOUND", ["orderNumber"])]),
    ],
)
async def test_a_request_names_exactly_one_person(shop: Shop, given: dict[str, str], refusals: list[Any]) -> None:
    await guest_order(shop, "guest@example.org", "G-1")

    answer = await ask_to_forget(shop, **given)

    assert answer.refusals("requestAnonymization") == refusals
    assert await shop.count("anonymization_requests") == 0
    assert await erase_due(shop.runtime.store) == 0
    assert await street(shop, "G-1") == STREET


async def test_another_organization_finds_no_guest(shop: Shop) -> None:
    elsewhere = await shop.create_organization("another")
    await guest_order(shop, "guest@example.org", "G-1")
    token = await shop.staff(organization=elsewhere)
    document = (
        "mutation ($input: RequestAnonymizationInput!) { requestAnonymization(input: $input) { userErrors { code } } }"
    )

    for named in ({"email": "guest@example.org"}, {"orderNumber": "G-1"}):
        answer = await shop.ask(document, token=token, organization=elsewhere, input=named)
        assert answer.refusals("requestAnonymization") == [("NOT_FOUND", None)]

    assert await shop.count("anonymization_requests") == 0


async def test_deleting_a_customer_takes_its_guest_orders_along(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await guest_order(shop, ann.email, "G-1")
    await guest_order(shop, "other@example.org", "G-2")
    delete = "mutation ($id: ID!) { deleteCustomer(input: { customerId: $id }) { userErrors { code } } }"

    (await shop.ask(delete, token=await shop.integration(), id=ann.id)).payload("deleteCustomer")
    assert await finish_deletions(shop.runtime.store) == 1

    assert [await street(shop, number) for number in ("G-1", "G-2")] == [None, STREET]
    assert await discard_spent_keys(shop.runtime.store) == 0


@pytest.mark.alone("looks at whole tables")
async def test_a_removed_staff_member_is_forgotten_and_its_requests_stay(shop: Shop) -> None:
    ann, token = await shop.register("ann@example.org"), await shop.integration()
    answer = await shop.ask(ADD_STAFF, token=token, email="tom@example.org")
    tom = answer.payload("createStaffMember")["staffMember"]["id"]
    sam = (await shop.ask("{ staff { id email } }", token=token)).data["staff"][0]
    await request(shop, customerId=ann.id)
    before = await keys(shop)

    for member in (tom, sam["id"]):
        (await shop.ask(DELETE_STAFF, token=token, id=member)).payload("deleteStaffMember")
    assert await finish_deletions(shop.runtime.store) == 2

    assert await finish_deletions(shop.runtime.store) == 0
    assert await shop.count("staff_members", "sealed IS NOT NULL OR key_due_at IS NOT NULL") == 0
    assert await keys(shop) == before - 2
    question = """query ($id: ID!) { customer(by: { id: $id }) { email anonymization { status requester {
        id email firstName lastName } } } }"""
    shown = (await shop.ask(question, token=token, id=ann.id)).data["customer"]
    assert shown["email"] == ann.email
    nobody = {"id": sam["id"], "email": None, "firstName": None, "lastName": None}
    assert shown["anonymization"] == {"status": "REQUESTED", "requester": nobody}
