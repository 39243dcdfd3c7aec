"""Lists of customers for the back office: filters, sort orders, pages."""

from typing import Any

import pytest
from sqlalchemy import insert

from app.customers.tables import Customer
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.principal import Scope
from app.privacy.erasure import erase_due
from tests.shop import SeededOrganization, Shop, seed_organization

SOME = """query ($where: CustomerWhere, $sortBy: CustomerSort, $after: String, $first: Int! = 100) {
    customers(first: $first, after: $after, where: $where, sortBy: $sortBy) {
        totalCount pageInfo { hasNextPage endCursor } nodes { email } } }"""
PAGES = """query ($after: String, $first: Int! = 100) { customers(first: $first, after: $after) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor } } }"""
GROUP = """mutation { createGroup(input: { code: "trade", name: "Trade" }) {
    group { id } userErrors { code } } }"""
UPSERT = """mutation ($input: UpsertCustomerInput!) { upsertCustomer(input: $input) {
    created customer { id email version } userErrors { code field } } }"""


async def emails(shop: Shop, token: str, where: dict[str, Any] | None = None, **sort: str) -> list[str]:
    answer = await shop.ask(SOME, token=token, where=where, sortBy=sort or None)
    found = answer.data["customers"]
    assert found["totalCount"] == len(found["nodes"])
    return [one["email"] and one["email"].split("@")[0] for one in found["nodes"]]


async def guest(shop: Shop, token: str, email: str, **fields: Any) -> str:
    payload = (await shop.ask(UPSERT, token=token, input={"email": email, **fields})).payload("upsertCustomer")
    found: str = payload["customer"]["id"]
    return found


async def add_many(shop: Shop, organization: SeededOrganization, number: int) -> None:
    """Customers of an organization, without anything personal."""
    common = {"organization_id": organization.id, "created_at": now(), "updated_at": now()}
    rows = [{"id": (id_ := new_id()), "shopper_reference": id_.hex, **common} for _ in range(number)]
    async with shop.runtime.store.database.transaction() as session:
        await (await session.connection()).execute(insert(Customer), rows)


@pytest.mark.alone("lists all customers")
async def test_the_contracts_list_shows_the_newest_first_and_is_recorded_once(shop: Shop) -> None:
    token = await shop.integration(Scope.CUSTOMERS_READ)
    for name in ("ann", "bob", "cid"):
        await shop.register(f"{name}@example.org")

    answer = (await shop.ask("Customers", token=token, first=2)).data["customers"]

    assert answer["totalCount"] == 3
    assert [one["email"] for one in answer["nodes"]] == ["cid@example.org", "bob@example.org"]
    assert answer["pageInfo"]["hasNextPage"] is True
    rest = await shop.ask("Customers", token=token, first=2, after=answer["pageInfo"]["endCursor"])
    assert [one["email"] for one in rest.data["customers"]["nodes"]] == ["ann@example.org"]
    assert rest.data["customers"]["pageInfo"]["hasNextPage"] is False
    assert (await shop.audit()).count("customer.listed") == 2
    assert "customer.read" not in await shop.audit()


@pytest.mark.alone("lists all customers")
async def test_the_number_of_customers_is_exact_up_to_ten_thousand(shop: Shop) -> None:
    token = await shop.integration(Scope.CUSTOMERS_READ)
    other = await seed_organization(shop.runtime, "another")
    await add_many(shop, other, 2)
    totals = []

    for more in (10_000, 1, 1):
        await add_many(shop, shop.organization, more)
        totals.append((await shop.ask("Customers", token=token, first=1)).data["customers"]["totalCount"])

    assert totals == [10_000, 10_001, 10_001]


@pytest.mark.alone("lists all customers")
async def test_a_page_says_where_it_begins_and_ends(shop: Shop) -> None:
    token = await shop.integration(Scope.CUSTOMERS_READ)
    for name in ("ann", "bob", "cid"):
        await shop.register(f"{name}@example.org")

    first = (await shop.ask(PAGES, token=token, first=2)).data["customers"]
    last = (await shop.ask(PAGES, token=token, first=2, after=first["pageInfo"]["endCursor"])).data["customers"]
    none = (await shop.ask(PAGES, token=token, after=last["pageInfo"]["endCursor"])).data["customers"]

    for page, more, before in ((first, True, False), (last, False, True), (none, False, True)):
        cursors = [edge["cursor"] for edge in page["edges"]] or [None]
        assert page["pageInfo"] == {
            "hasNextPage": more,
            "hasPreviousPage": before,
            "startCursor": cursors[0],
            "endCursor": cursors[-1],
        }
    assert [len(page["edges"]) for page in (first, last, none)] == [2, 1, 0]


@pytest.mark.alone("lists all customers")
async def test_every_filter_finds_the_matching_customers(shop: Shop) -> None:
    token = await shop.integration()
    ann = await shop.register("ann@example.org")
    bob = await guest(shop, token, "bob@example.org", reference="crm-7", shopperReference="shopper-bob")
    await guest(shop, token, "cid@example.org", reference="crm-8", shopperReference="shopper-cid")
    await shop.execute("UPDATE customers SET placed_orders = 2 WHERE shopper_reference = 'shopper-bob'")
    await shop.execute("UPDATE customers SET created_at = '2020-01-02 00:00:00.000000' WHERE placed_orders = 2")
    made = await shop.ask(GROUP, token=token)
    group = made.payload("createGroup")["group"]["id"]
    await shop.execute(
        "UPDATE customers SET group_id = (SELECT id FROM customer_groups) WHERE shopper_reference = 'shopper-cid'"
    )
    eve = await guest(shop, token, "eve@example.org")
    (await shop.ask("RequestAnonymization", token=await shop.staff(), customerId=eve)).payload("requestAnonymization")

    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"email": {"eq": "BOB@example.org"}}, ["bob"]),
        ({"email": {"oneOf": ["bob@example.org", "ann@example.org", "nobody@example.org"]}}, ["ann", "bob"]),
        ({"email": {"eq": "not an address"}}, []),
        ({"email": {"oneOf": []}}, []),
        ({"email": {}}, ["ann", "bob", "cid", "eve"]),
        ({"id": {"eq": bob}}, ["bob"]),
        ({"id": {"oneOf": [bob, ann.id, "x"]}}, ["ann", "bob"]),
        ({"reference": {"eq": "crm-7"}}, ["bob"]),
        ({"reference": {"eq": "CRM-7"}}, []),
        ({"not": {"reference": {"eq": "crm-7"}}}, ["ann", "cid", "eve"]),
        ({"shopperReference": {"eq": "shopper-bob"}}, ["bob"]),
        ({"shopperReference": {"eq": "a\u0000b"}}, []),
        ({"loginName": {"eq": "nobody"}}, []),
        ({"group": {"eq": "trade"}}, ["cid"]),
        ({"group": {"oneOf": [group, "nothing"]}}, ["cid"]),
        ({"not": {"group": {"eq": "trade"}}}, ["ann", "bob", "eve"]),
        ({"status": {"eq": "REPEAT"}}, ["bob"]),
        ({"status": {"oneOf": ["PROSPECT", "ACQUIRED"]}}, ["ann", "cid", "eve"]),
        ({"placedOrders": {"gte": 1, "lt": 3}}, ["bob"]),
        ({"placedOrders": {"eq": 0}}, ["ann", "cid", "eve"]),
        ({"registered": True}, ["ann"]),
        ({"registered": False, "status": {"eq": "PROSPECT"}}, ["cid", "eve"]),
        ({"anonymization": {"eq": "REQUESTED"}}, ["eve"]),
        ({"not": {"anonymization": {"oneOf": ["REQUESTED", "FAILED"]}}}, ["ann", "bob", "cid"]),
        ({"createdAt": {"gte": "2020-01-02T00:00:00Z", "lt": "2020-01-03T00:00:00Z"}}, ["bob"]),
        ({"createdAt": {"gt": "2020-01-02T00:00:00Z"}}, ["ann", "cid", "eve"]),
        ({"updatedAt": {"lte": "2020-01-02T00:00:00Z"}}, []),
        ({"or": [{"registered": True}, {"reference": {"eq": "crm-8"}}]}, ["ann", "cid"]),
        ({"and": [{"registered": False}, {"not": {"status": {"eq": "REPEAT"}}}]}, ["cid", "eve"]),
    ]
    for where, expected in cases:
        assert sorted(await emails(shop, token, where)) == expected, where


@pytest.mark.alone("lists all customers")
async def test_lists_are_sorted_by_time_or_orders_in_both_directions(shop: Shop) -> None:
    token = await shop.integration()
    for name in ("ann", "bob", "cid"):
        await guest(shop, token, f"{name}@example.org", shopperReference=f"shopper-{name}")
    for name, orders in (("ann", 1), ("bob", 3), ("cid", 1)):
        await shop.execute(f"UPDATE customers SET placed_orders = {orders} WHERE shopper_reference = 'shopper-{name}'")
    await shop.ask(UPSERT, token=token, input={"email": "ann@example.org", "firstName": "Ann"})

    assert await emails(shop, token, field="CREATED_AT", direction="ASC") == ["ann", "bob", "cid"]
    assert await emails(shop, token, field="UPDATED_AT", direction="DESC") == ["ann", "cid", "bob"]
    assert await emails(shop, token, field="ORDERS", direction="DESC") == ["bob", "cid", "ann"]
    assert await emails(shop, token, field="ORDERS", direction="ASC") == ["ann", "cid", "bob"]


@pytest.mark.alone("lists all customers")
async def test_pages_are_stable_while_customers_come_and_none_is_seen_twice(shop: Shop) -> None:
    token = await shop.integration()
    for number in range(7):
        await guest(shop, token, f"c{number}@example.org")
    await shop.execute("UPDATE customers SET created_at = '2020-01-02 00:00:00.000000'")
    for field, direction in (("CREATED_AT", "DESC"), ("ORDERS", "ASC"), ("UPDATED_AT", "ASC")):
        seen: list[str] = []
        after = None
        for _ in range(4):
            answer = await shop.ask(
                SOME, token=token, first=2, after=after, sortBy={"field": field, "direction": direction}
            )
            seen += [one["email"] for one in answer.data["customers"]["nodes"]]
            after = answer.data["customers"]["pageInfo"]["endCursor"]
        assert answer.data["customers"]["pageInfo"]["hasNextPage"] is False
        assert len(seen) == len(set(seen)) == 7


async def test_a_wrong_page_or_too_many_conditions_are_refused(shop: Shop) -> None:
    token = await shop.integration()
    await shop.register("ann@example.org")
    await shop.register("bob@example.org")
    cursor = (await shop.ask("Customers", token=token, first=1)).data["customers"]["pageInfo"]["endCursor"]
    deep: dict[str, Any] = {"registered": True}
    for _ in range(5):
        deep = {"not": deep}
    wrong: list[dict[str, Any]] = [
        {"first": 0},
        {"first": 101},
        {"first": 1, "after": "x"},
        {"first": 1, "after": cursor, "sortBy": {"field": "ORDERS", "direction": "ASC"}},
        {"first": 1, "where": deep},
        {"first": 1, "where": {"or": [{"registered": True}] * 51}},
        {"first": 1, "where": {"email": {"oneOf": ["a@example.org"] * 101}}},
    ]
    before = await shop.counts()

    for variables in wrong:
        assert (await shop.ask(SOME, token=token, **variables)).codes == ["BAD_USER_INPUT"], variables

    assert await shop.counts() == before


async def test_an_anonymized_customer_is_listed_without_anything_personal(shop: Shop) -> None:
    token = await shop.integration()
    ann = await shop.register("ann@example.org")
    (await shop.ask("UpdateCustomer", token=token, input={"customerId": ann.id, "reference": "crm-7"})).payload(
        "updateCustomer"
    )
    await shop.ask("RequestAnonymization", token=await shop.staff(), customerId=ann.id)
    await erase_due(shop.runtime.store)

    assert await emails(shop, token, {"anonymization": {"eq": "COMPLETED"}}) == [None]
    assert await emails(shop, token, {"reference": {"eq": "crm-7"}}) == []
    assert await emails(shop, token, {"email": {"eq": "ann@example.org"}}) == []


async def test_listing_needs_the_scope_to_read_customers(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    without = await shop.integration(Scope.CUSTOMERS_WRITE)

    assert (await shop.ask("Customers", first=1)).codes == ["UNAUTHENTICATED"]
    assert (await shop.ask("Customers", token=ann.token, first=1)).codes == ["FORBIDDEN"]
    assert (await shop.ask("Customers", token=without, first=1)).codes == ["FORBIDDEN"]
    assert "customer.listed" not in await shop.audit()
