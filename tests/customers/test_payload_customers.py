"""The customer in payloads of writes: access without `customers:read`."""

from typing import Any

import pytest

from app.platform.principal import Scope
from tests.customers.orders.builders import order_input
from tests.shop import Shop

ASSIGN = """mutation ($input: AssignCustomerGroupInput!) { assignCustomerGroup(input: $input) {
    userErrors { code } customer { %s } } }"""
RECORD = """mutation ($input: RecordOrderInput!) { recordOrder(input: $input) {
    userErrors { code } customer { %s } } }"""
PERSONAL = """email firstName addresses { line1 } paymentMethods { last4 }
    orders { totalCount nodes { number } }"""
OPEN_FIELDS = "id status version group { code } orders { totalCount }"


async def write(shop: Shop, token: str, target: str, customer_id: str, fields: str, fragment: str = "") -> Any:
    if target == "order":
        document, values = RECORD, order_input(customerId=customer_id)
    else:
        document, values = ASSIGN, {"customerId": customer_id, "groupId": None}
    return await shop.ask(document % fields + fragment, token=token, input=values)


WRITES = [
    ("order", Scope.ORDERS_WRITE, "recordOrder"),
    ("group", Scope.GROUPS_WRITE, "assignCustomerGroup"),
]


@pytest.mark.parametrize(("target", "scope", "field"), WRITES)
@pytest.mark.parametrize(
    "selection",
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
async def test_a_write_scope_reads_no_profile_in_its_payload(
    shop: Shop, target: str, scope: Scope, field: str, selection: str
) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration(scope)

    answer = await write(shop, token, target, ann.id, selection)

    assert answer.codes == ["FORBIDDEN"]
    assert answer.body["data"][field]["customer"] is None
    assert "ann@example.org" not in str(answer.body)
    assert "customer.read" not in await shop.audit()
    # The write is kept, as the description says.
    assert answer.body["data"][field]["userErrors"] == []


@pytest.mark.parametrize(("target", "scope", "field"), WRITES)
async def test_a_write_scope_reads_the_customer_s_status_and_group(
    shop: Shop, target: str, scope: Scope, field: str
) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration(scope)

    fragment = f" fragment OpenFields on Customer {{ {OPEN_FIELDS} }}"
    answer = await write(shop, token, target, ann.id, "__typename ...OpenFields ... { version }", fragment)

    customer = answer.payload(field)["customer"]
    assert (customer["id"], customer["orders"]["totalCount"]) == (ann.id, int(target == "order"))
    assert "customer.read" not in await shop.audit()


@pytest.mark.parametrize(("target", "scope", "field"), WRITES)
async def test_a_caller_who_may_read_customers_reads_more_and_it_is_recorded(
    shop: Shop, target: str, scope: Scope, field: str
) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration(scope, Scope.CUSTOMERS_READ)

    answer = await write(shop, token, target, ann.id, PERSONAL)

    assert answer.payload(field)["customer"]["email"] == "ann@example.org"
    assert (await shop.audit())[-1] == "customer.read"
