"""Customer groups: create, update, assign, default, delete."""

import asyncio
from typing import Any

import pytest

from app.platform.db.reading import Read
from app.platform.principal import Scope
from tests.customers.groups.builders import (
    ASSIGN,
    CREATE,
    DELETE,
    OWN,
    UPDATE,
    assign,
    create,
    create_market,
    groups,
    own_group,
)
from tests.shop import Shop


async def test_groups_are_made_listed_and_changed(shop: Shop) -> None:
    token = await shop.integration(Scope.GROUPS_WRITE)
    trade = await create(shop, token, "trade", taxExempt=True)
    family = await create(shop, token, "Family_1-a")

    changed = await shop.ask(UPDATE, token=token, id=family["id"], input={"name": "Friends", "taxExempt": True})

    assert trade == {"id": trade["id"], "code": "trade", "name": "Trade", "taxExempt": True, "isDefault": False}
    assert changed.payload("updateGroup")["group"] == {**family, "name": "Friends", "taxExempt": True}
    assert sorted(one["code"] for one in await groups(shop, token)) == ["Family_1-a", "trade"]
    found = await shop.ask("query ($code: String!) { group(code: $code) { id } }", token=token, code="trade")
    assert found.data["group"] == {"id": trade["id"]}
    assert (await shop.audit())[-3:] == ["group.created", "group.created", "group.updated"]


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("a" * 25, None),
        ("a" * 26, "TOO_LONG"),
        ("", "REQUIRED"),
        ("a b", "INVALID"),
        ("é", "INVALID"),
        ("a.b", "INVALID"),
    ],
)
async def test_a_code_has_at_most_25_letters_digits_underscores_and_hyphens(
    shop: Shop, code: str, refused: str | None
) -> None:
    token = await shop.integration()

    answer = await shop.ask(CREATE, token=token, input={"code": code, "name": ""})

    assert answer.refusals("createGroup") == [*([(refused, ["code"])] if refused else []), ("REQUIRED", ["name"])]
    assert await shop.count("customer_groups") == 0


async def test_a_code_is_unique_in_its_organization_only(shop: Shop) -> None:
    other = await shop.create_organization("other")
    token = await shop.integration()
    await create(shop, token, "trade")
    second = await create(shop, token, "staff")
    await create(shop, await shop.integration(organization=other), "trade")

    made = await shop.ask(CREATE, token=token, input={"code": "trade", "name": "x"})
    renamed = await shop.ask(UPDATE, token=token, id=second["id"], input={"code": "trade", "name": "x"})

    assert made.refusals("createGroup") == [("TAKEN", ["code"])]
    assert renamed.refusals("updateGroup") == [("TAKEN", ["code"])]
    assert [one["name"] for one in await groups(shop, token)] == ["Staff", "Trade"]


async def test_a_customer_is_put_into_a_group_and_taken_out_again(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration(Scope.GROUPS_WRITE)
    trade = await create(shop, token, "trade", taxExempt=True)

    put = (await assign(shop, token, ann.id, trade["id"])).payload("assignCustomerGroup")["customer"]
    seen = (await shop.ask(OWN, token=ann.token)).data["me"]
    again = (await assign(shop, token, ann.id, trade["id"])).payload("assignCustomerGroup")["customer"]
    taken = (await assign(shop, token, ann.id, None)).payload("assignCustomerGroup")["customer"]

    assert put == {"id": ann.id, "version": 2, "group": trade} == again
    assert seen == {"version": 2, "group": trade}
    assert taken == {"id": ann.id, "version": 3, "group": None}
    assert await own_group(shop, ann.token) is None
    assert (await shop.audit()).count("customer.group_assigned") == 2


async def test_the_answers_of_writes_show_the_group_too(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    trade = await create(shop, token, "trade")
    (await assign(shop, token, ann.id, trade["id"])).payload("assignCustomerGroup")

    change = (
        "mutation { updateCustomer(input: { newsletter: true }) { customer { group { code } } userErrors { code } } }"
    )
    changed = (await shop.ask(change, token=ann.token)).payload("updateCustomer")["customer"]

    assert changed == {"group": {"code": "trade"}}


async def test_an_assignment_needs_a_customer_and_a_group_of_the_organization(shop: Shop) -> None:
    other = await shop.create_organization("other")
    ann, zoe = await shop.register("ann@example.org"), await shop.register("zoe@example.org", organization=other)
    token, elsewhere = await shop.integration(), await shop.integration(organization=other)
    mine, theirs = await create(shop, token, "trade"), await create(shop, elsewhere, "trade")
    before = await shop.counts()

    stranger = await assign(shop, token, zoe.id, mine["id"])
    foreign = await assign(shop, token, ann.id, theirs["id"])
    nothing = await shop.ask(ASSIGN, token=token, input={"customerId": ann.id})
    blank = await assign(shop, token, ann.id, "")

    assert stranger.refusals("assignCustomerGroup") == [("NOT_FOUND", ["customerId"])]
    assert foreign.refusals("assignCustomerGroup") == [("NOT_FOUND", ["groupId"])]
    assert nothing.refusals("assignCustomerGroup") == [("REQUIRED", ["groupId"])]
    assert blank.refusals("assignCustomerGroup") == [("NOT_FOUND", ["groupId"])]
    assert await own_group(shop, ann.token) is None
    assert await shop.counts() == before


async def test_new_customers_come_into_the_default_group_of_their_organization(shop: Shop) -> None:
    other = await shop.create_organization("other")
    token = await shop.integration()
    early = await shop.register("early@example.org")
    await create(shop, token, "retail", isDefault=True)
    retail = await shop.register("ann@example.org")
    trade = await create(shop, token, "trade", isDefault=True)
    new = await shop.register("bob@example.org")
    (await shop.ask(UPDATE, token=token, id=trade["id"], input={"isDefault": False})).payload("updateGroup")
    late = await shop.register("late@example.org")
    zoe = await shop.register("zoe@example.org", organization=other)

    seen = [await own_group(shop, one.token) for one in (early, retail, new, late, zoe)]

    assert seen == [None, "retail", "trade", None, None]
    assert [one["isDefault"] for one in await groups(shop, token)] == [False, False]


async def test_twenty_changes_of_the_default_at_once_leave_one(shop: Shop) -> None:
    token = await shop.integration()
    made = [await create(shop, token, f"group-{number}") for number in range(10)]

    answers = await asyncio.gather(
        *(shop.ask(UPDATE, token=token, id=one["id"], input={"isDefault": True}) for one in made * 2),
    )

    codes = {code for answer in answers for code, _ in answer.refusals("updateGroup")}
    assert codes == set()
    assert sum(one["isDefault"] for one in await groups(shop, token)) == 1


async def test_a_group_in_use_is_not_deleted_without_a_replacement(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    members = await create(shop, token, "members")
    selling = await create(shop, token, "selling")
    default = await create(shop, token, "default", isDefault=True)
    (await assign(shop, token, ann.id, members["id"])).payload("assignCustomerGroup")
    await create_market(shop, token, "private", groupId=selling["id"])
    before = await shop.counts(), await groups(shop, token)

    for group in (members, selling, default):
        refused = await shop.ask(DELETE, token=token, id=group["id"])
        assert refused.refusals("deleteGroup") == [("IN_USE", ["id"])]
        for nobody in (group["id"], "x"):
            refused = await shop.ask(DELETE, token=token, id=group["id"], replacementId=nobody)
            assert refused.refusals("deleteGroup") == [("NOT_FOUND", ["replacementId"])]

    assert (await shop.counts(), await groups(shop, token)) == before


async def test_a_replacement_takes_over_everything(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    old = await create(shop, token, "old", isDefault=True)
    new = await create(shop, token, "new")
    (await assign(shop, token, ann.id, old["id"])).payload("assignCustomerGroup")
    await create_market(shop, token, "private", groupId=old["id"])

    gone = (await shop.ask(DELETE, token=token, id=old["id"], replacementId=new["id"])).payload("deleteGroup")

    assert gone == {"deletedGroupId": old["id"], "movedCustomers": 1, "userErrors": []}
    assert await own_group(shop, ann.token) == "new"
    assert await groups(shop, token) == [{**new, "isDefault": True}]
    assert await shop.count("markets", "group_id IS NOT NULL") == 1
    assert (await shop.ask(DELETE, token=token, id=old["id"])).refusals("deleteGroup") == [("NOT_FOUND", ["id"])]


async def test_an_unused_group_is_deleted(shop: Shop) -> None:
    token = await shop.integration()
    group = await create(shop, token, "empty")

    gone = (await shop.ask(DELETE, token=token, id=group["id"])).payload("deleteGroup")

    assert gone["deletedGroupId"] == group["id"]
    assert await shop.count("customer_groups") == 0


async def test_assigning_and_deleting_at_once_leaves_nobody_in_a_group_that_is_gone(shop: Shop) -> None:
    token = await shop.integration()
    people = [await shop.register(f"person{number}@example.org") for number in range(10)]
    old, new = await create(shop, token, "old"), await create(shop, token, "new")

    answers = await asyncio.gather(
        *(assign(shop, token, one.id, old["id"]) for one in people[:5]),
        shop.ask(DELETE, token=token, id=old["id"], replacementId=new["id"]),
        *(assign(shop, token, one.id, old["id"]) for one in people[5:]),
    )

    names = ["assignCustomerGroup"] * 5 + ["deleteGroup"] + ["assignCustomerGroup"] * 5
    refused = [one for answer, name in zip(answers, names, strict=True) for one in answer.refusals(name)]
    moved = await shop.count("customers", "group_id IS NOT NULL")
    assert all(one == ("NOT_FOUND", ["groupId"]) for one in refused)
    assert moved + len(refused) == 10
    assert [one["code"] for one in await groups(shop, token)] == ["new"]


async def test_only_the_back_office_reads_and_changes_groups(shop: Shop) -> None:
    other = await shop.create_organization("other")
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    group = await create(shop, token, "trade")
    reading = await shop.integration(Scope.CUSTOMERS_READ)

    for caller, code in ((None, "UNAUTHENTICATED"), (ann.token, "FORBIDDEN"), (reading, "FORBIDDEN")):
        answers = [
            await shop.ask(CREATE, token=caller, input={"code": "x", "name": "x"}),
            await shop.ask(UPDATE, token=caller, id=group["id"], input={}),
            await shop.ask(DELETE, token=caller, id=group["id"]),
            await assign(shop, caller or "", ann.id, group["id"])
            if caller
            else await shop.ask(ASSIGN, input={"customerId": ann.id, "groupId": group["id"]}),
        ]
        assert [one.codes for one in answers] == [[code]] * 4
    assert await groups(shop, reading) == [group]
    assert (await shop.ask("{ groups { id } }", token=ann.token)).codes == ["FORBIDDEN"]
    elsewhere = await shop.integration(organization=other)
    assert await groups(shop, elsewhere) == []
    foreign = await shop.ask(UPDATE, token=elsewhere, id=group["id"], input={"name": "x"})
    assert foreign.refusals("updateGroup") == [("NOT_FOUND", ["id"])]
    assert (await shop.ask(DELETE, token=elsewhere, id=group["id"])).refusals("deleteGroup") == [("NOT_FOUND", ["id"])]


async def test_a_customer_who_is_read_costs_no_further_query_for_its_group(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    await shop.ask("Me", token=ann.token)
    counted: list[object] = []
    fetch = Read.fetch

    async def counting(self: Any, *arguments: Any) -> Any:
        counted.append(self)
        return await fetch(self, *arguments)

    monkeypatch.setattr(Read, "fetch", counting)
    await shop.ask("Me", token=ann.token)
    without = len(counted)
    (await assign(shop, token, ann.id, (await create(shop, token))["id"])).payload("assignCustomerGroup")
    counted.clear()
    assert (await shop.ask("Me", token=ann.token)).data["me"]["group"]["code"] == "wholesale"

    assert len(counted) == without == 3
