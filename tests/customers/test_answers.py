"""Who may write orders or groups does not read profiles by it."""

from typing import Any

import pytest

from app.platform.principal import Scope
from tests.customers.orders.book import given
from tests.house import House

ASSIGN = """mutation ($input: AssignCustomerGroupInput!) { assignCustomerGroup(input: $input) {
    userErrors { code } customer { %s } } }"""
RECORD = """mutation ($input: RecordOrderInput!) { recordOrder(input: $input) {
    userErrors { code } customer { %s } } }"""
PERSONAL = """email firstName addresses { line1 } paymentMethods { last4 }
    orders { totalCount nodes { number } }"""
TOLD = "id status version group { code } orders { totalCount }"


async def written(house: House, token: str, what: str, customer_id: str, selection: str, fragment: str = "") -> Any:
    if what == "order":
        document, asked = RECORD, given(customerId=customer_id)
    else:
        document, asked = ASSIGN, {"customerId": customer_id, "groupId": None}
    return await house.ask(document % selection + fragment, token=token, input=asked)


WRITES = [
    ("order", Scope.ORDERS_WRITE, "recordOrder"),
    ("group", Scope.GROUPS_WRITE, "assignCustomerGroup"),
]


@pytest.mark.parametrize(("what", "scope", "field"), WRITES)
@pytest.mark.parametrize(
    "asked",
    [
        "email",
        "locale",
        "version x: lastName",
        "orders { nodes { shippingAddress { line1 } } }",
        "orders { totalCount pageInfo { endCursor } }",
        "... on Customer { addresses { line1 } }",
        "... { paymentMethods { last4 } }",
        "id @include(if: true) email @include(if: true)",
        PERSONAL,
    ],
)
async def test_a_write_scope_reads_no_profile_through_its_answer(
    house: House, what: str, scope: Scope, field: str, asked: str
) -> None:
    ann = await house.register("ann@example.org")
    token = await house.integration(scope)

    answer = await written(house, token, what, ann.id, asked)

    assert answer.codes == ["FORBIDDEN"]
    assert answer.body["data"][field]["customer"] is None
    assert "ann@example.org" not in str(answer.body)
    assert "customer.read" not in await house.audit()
    # What was written stays, as the description says.
    assert answer.body["data"][field]["userErrors"] == []


@pytest.mark.parametrize(("what", "scope", "field"), WRITES)
async def test_a_write_scope_is_told_what_became_of_the_customer(
    house: House, what: str, scope: Scope, field: str
) -> None:
    ann = await house.register("ann@example.org")
    token = await house.integration(scope)

    told = f" fragment Told on Customer {{ {TOLD} }}"
    answer = await written(house, token, what, ann.id, "__typename ...Told ... { version }", told)

    customer = answer.payload(field)["customer"]
    assert (customer["id"], customer["orders"]["totalCount"]) == (ann.id, int(what == "order"))
    assert "customer.read" not in await house.audit()


@pytest.mark.parametrize(("what", "scope", "field"), WRITES)
async def test_who_may_read_customers_too_reads_more_and_it_is_recorded(
    house: House, what: str, scope: Scope, field: str
) -> None:
    ann = await house.register("ann@example.org")
    token = await house.integration(scope, Scope.CUSTOMERS_READ)

    answer = await written(house, token, what, ann.id, PERSONAL)

    assert answer.payload(field)["customer"]["email"] == "ann@example.org"
    assert (await house.audit())[-1] == "customer.read"
