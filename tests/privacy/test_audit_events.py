"""`auditEvents` and `me.accessLog`: who read or changed what, for staff and for the customer itself."""

from datetime import timedelta
from typing import Any

import pytest

from app.platform.clock import now
from app.platform.graphql import ids
from app.platform.principal import Scope
from tests.shop import Answer, Person, Shop

READ = "query ($by: CustomerBy!) { customer(by: $by) { id } }"


async def events(shop: Shop, first: int = 100, **where: Any) -> list[dict[str, Any]]:
    answer = await shop.ask("AuditEvents", token=await shop.staff(Scope.AUDIT_READ), first=first, where=where)
    nodes: list[dict[str, Any]] = answer.data["auditEvents"]["nodes"]
    return nodes


async def access_log(shop: Shop, person: Person, first: int = 100, **variables: Any) -> Any:
    return (await shop.ask("AccessLog", token=person.token, first=first, **variables)).data["me"]["accessLog"]


async def two_customers(shop: Shop) -> tuple[Person, Person]:
    """Ann and Bob, each read by the staff member and by the integration, in another organization too."""
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    elsewhere = await shop.create_organization("elsewhere")
    other = await shop.register("ann@example.org", organization=elsewhere)
    for person in (ann, bob):
        for token in (await shop.staff(), await shop.integration()):
            assert (await shop.ask(READ, token=token, by={"id": person.id})).data["customer"]["id"] == person.id
    token = await shop.staff(organization=elsewhere)
    assert (await shop.ask(READ, token=token, by={"id": other.id})).data["customer"]["id"] == other.id
    return ann, bob


async def test_a_customer_sees_who_read_its_record_and_nobody_elses(shop: Shop) -> None:
    ann, bob = await two_customers(shop)
    change = {"firstName": "Ann", "lastName": "Archer"}
    (await shop.ask("UpdateCustomer", token=ann.token, input=change)).payload("updateCustomer")

    found = await access_log(shop, ann)

    assert [(one["action"], one["actorKind"], one["actorName"], one["fields"]) for one in found["nodes"]] == [
        ("customer.updated", "CUSTOMER", None, ["firstName", "lastName"]),
        ("customer.read", "INTEGRATION", "Back office", []),
        ("customer.read", "STAFF", "Sam Staff", []),
        *((one["action"], one["actorKind"], one["actorName"], one["fields"]) for one in found["nodes"][3:]),
    ]
    assert {one["actorKind"] for one in found["nodes"][3:]} <= {"GUEST", "CUSTOMER"}
    assert [one["action"] for one in (await access_log(shop, bob))["nodes"][:2]] == ["customer.read"] * 2


async def test_the_access_log_has_pages(shop: Shop) -> None:
    ann, bob = await two_customers(shop)
    everything = (await access_log(shop, ann))["nodes"]

    first = await access_log(shop, ann, first=1)
    second = await access_log(shop, ann, first=100, after=first["pageInfo"]["endCursor"])

    assert first["pageInfo"]["hasNextPage"]
    assert first["nodes"] + second["nodes"] == everything
    own = "query ($after: String) { me { accessLog(after: $after) { totalCount } } }"
    assert (await shop.ask(own, token=ann.token)).data["me"]["accessLog"]["totalCount"] == len(everything)
    wrong = await shop.ask(own, token=bob.token, after="bm8")
    assert wrong.codes == ["BAD_USER_INPUT"]


async def test_the_back_office_reads_audit_events_and_not_the_access_log(shop: Shop) -> None:
    ann, _ = await two_customers(shop)
    document = "query ($by: CustomerBy!) { customer(by: $by) { accessLog { totalCount } } }"

    for token in (await shop.staff(), await shop.integration()):
        assert (await shop.ask(document, token=token, by={"id": ann.id})).codes == ["FORBIDDEN"]


async def test_staff_filter_by_customer_actor_action_and_time(shop: Shop) -> None:
    ann, bob = await two_customers(shop)
    for person in (ann, bob):
        change = {"firstName": "Kim"}
        (await shop.ask("UpdateCustomer", token=person.token, input=change)).payload("updateCustomer")
    staff_id = ids.encode("Staff", shop.organization.staff_id)
    everything = await events(shop)

    reads = await events(shop, action="customer.read")
    assert [(one["customerId"], one["actorKind"]) for one in reads] == [
        (bob.id, "INTEGRATION"),
        (bob.id, "STAFF"),
        (ann.id, "INTEGRATION"),
        (ann.id, "STAFF"),
    ]
    assert await events(shop, customerId=ann.id, action="customer.read") == reads[2:]
    assert await events(shop, actorId=staff_id, action="customer.read") == [reads[1], reads[3]]
    assert reads[1]["actorId"] == staff_id
    assert reads[0]["actorId"] == ids.encode("ApiClient", shop.organization.client_id)
    assert {one["customerId"] for one in await events(shop, actorId=ann.id)} == {ann.id}
    assert [one["action"] for one in await events(shop, actorId=staff_id)][:1] == ["audit.listed"]

    tomorrow, yesterday = ((now() + timedelta(days=days)).isoformat() for days in (1, -1))
    assert [one for one in await events(shop, since=yesterday, until=tomorrow) if one in everything] == everything
    assert await events(shop, since=tomorrow) == await events(shop, until=yesterday) == []
    moment = reads[2]["at"]
    assert {one["at"] >= moment for one in await events(shop, since=moment)} == {True}
    assert {one["at"] <= moment for one in await events(shop, until=moment)} == {True}


async def test_reading_the_log_is_recorded_with_the_names_of_the_conditions(shop: Shop) -> None:
    ann, bob = await two_customers(shop)
    before = await shop.audit()

    await events(shop, customerId=ann.id, action="customer.read")

    assert await shop.audit() == [*before, "audit.listed"]
    newest = (await access_log(shop, ann))["nodes"][0]
    assert (newest["action"], newest["actorName"], newest["fields"]) == (
        "audit.listed",
        "Sam Staff",
        ["action", "customer_id"],
    )
    assert "audit.listed" not in [one["action"] for one in (await access_log(shop, bob))["nodes"]]


async def test_events_have_pages_and_a_total(shop: Shop) -> None:
    await two_customers(shop)
    token = await shop.staff(Scope.AUDIT_READ)
    where: dict[str, Any] = {"action": "customer.read"}

    first = (await shop.ask("AuditEvents", token=token, first=3, where=where)).data["auditEvents"]
    after = first["pageInfo"]["endCursor"]
    second = (await shop.ask("AuditEvents", token=token, first=3, after=after, where=where)).data["auditEvents"]

    assert (first["totalCount"], first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (
        4,
        True,
        False,
    )
    assert first["nodes"] + second["nodes"] == await events(shop, **where)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("action", "customer.eaten"),
        ("action", "\u0000"),
        ("customerId", "nonsense"),
        ("actorId", "nonsense"),
        ("since", "0001-01-01T00:00:00Z"),
        ("until", "9999-12-31T23:59:59Z"),
    ],
)
async def test_a_condition_that_cannot_hold_is_named_and_nothing_is_recorded(
    shop: Shop, field: str, value: str
) -> None:
    before = await shop.counts()

    answer: Answer = await shop.ask("AuditEvents", token=await shop.staff(), first=1, where={field: value})

    assert answer.codes == ["BAD_USER_INPUT"]
    assert f"where.{field}" in answer.body["errors"][0]["message"]
    assert {name: count for name, count in (await shop.counts()).items() if name != "login_sessions"} == {
        name: count for name, count in before.items() if name != "login_sessions"
    }


async def test_an_integration_needs_a_staff_member_and_the_scope(shop: Shop) -> None:
    for token in (await shop.integration(), await shop.staff(Scope.CUSTOMERS_READ)):
        assert (await shop.ask("AuditEvents", token=token, first=1)).codes == ["FORBIDDEN"]
