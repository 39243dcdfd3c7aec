"""Groups of customers."""

import asyncio
from typing import Any

import pytest

from app.platform.db.reading import Read
from app.platform.principal import Scope
from tests.customers.groups.book import (
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
from tests.house import House


async def test_groups_are_made_listed_and_changed(house: House) -> None:
    token = await house.integration(Scope.GROUPS_WRITE)
    trade = await create(house, token, "trade", taxExempt=True)
    family = await create(house, token, "Family_1-a")

    changed = await house.ask(UPDATE, token=token, id=family["id"], input={"name": "Friends", "taxExempt": True})

    assert trade == {"id": trade["id"], "code": "trade", "name": "Trade", "taxExempt": True, "isDefault": False}
    assert changed.payload("updateGroup")["group"] == {**family, "name": "Friends", "taxExempt": True}
    assert sorted(one["code"] for one in await groups(house, token)) == ["Family_1-a", "trade"]
    found = await house.ask("query ($code: String!) { group(code: $code) { id } }", token=token, code="trade")
    assert found.data["group"] == {"id": trade["id"]}
    assert (await house.audit())[-3:] == ["group.created", "group.created", "group.updated"]


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
    house: House, code: str, refused: str | None
) -> None:
    token = await house.integration()

    answer = await house.ask(CREATE, token=token, input={"code": code, "name": ""})

    assert answer.refusals("createGroup") == [*([(refused, ["code"])] if refused else []), ("REQUIRED", ["name"])]
    assert await house.count("customer_groups") == 0


async def test_a_code_is_unique_in_its_organization_only(house: House) -> None:
    other = await house.open_shop("other")
    token = await house.integration()
    await create(house, token, "trade")
    second = await create(house, token, "staff")
    await create(house, await house.integration(shop=other), "trade")

    made = await house.ask(CREATE, token=token, input={"code": "trade", "name": "x"})
    renamed = await house.ask(UPDATE, token=token, id=second["id"], input={"code": "trade", "name": "x"})

    assert made.refusals("createGroup") == [("TAKEN", ["code"])]
    assert renamed.refusals("updateGroup") == [("TAKEN", ["code"])]
    assert [one["name"] for one in await groups(house, token)] == ["Staff", "Trade"]


async def test_a_customer_is_put_into_a_group_and_taken_out_again(house: House) -> None:
    ann = await house.register("ann@example.org")
    token = await house.integration(Scope.GROUPS_WRITE)
    trade = await create(house, token, "trade", taxExempt=True)

    put = (await assign(house, token, ann.id, trade["id"])).payload("assignCustomerGroup")["customer"]
    seen = (await house.ask(OWN, token=ann.token)).data["me"]
    again = (await assign(house, token, ann.id, trade["id"])).payload("assignCustomerGroup")["customer"]
    taken = (await assign(house, token, ann.id, None)).payload("assignCustomerGroup")["customer"]

    assert put == {"id": ann.id, "version": 2, "group": trade} == again
    assert seen == {"version": 2, "group": trade}
    assert taken == {"id": ann.id, "version": 3, "group": None}
    assert await own_group(house, ann.token) is None
    assert (await house.audit()).count("customer.group_assigned") == 2


async def test_the_answers_of_writes_show_the_group_too(house: House) -> None:
    ann = await house.register("ann@example.org")
    token = await house.integration()
    trade = await create(house, token, "trade")
    (await assign(house, token, ann.id, trade["id"])).payload("assignCustomerGroup")

    change = (
        "mutation { updateCustomer(input: { newsletter: true }) { customer { group { code } } userErrors { code } } }"
    )
    changed = (await house.ask(change, token=ann.token)).payload("updateCustomer")["customer"]

    assert changed == {"group": {"code": "trade"}}


async def test_an_assignment_needs_a_customer_and_a_group_of_the_organization(house: House) -> None:
    other = await house.open_shop("other")
    ann, zoe = await house.register("ann@example.org"), await house.register("zoe@example.org", shop=other)
    token, elsewhere = await house.integration(), await house.integration(shop=other)
    mine, theirs = await create(house, token, "trade"), await create(house, elsewhere, "trade")
    before = await house.counts()

    stranger = await assign(house, token, zoe.id, mine["id"])
    foreign = await assign(house, token, ann.id, theirs["id"])
    nothing = await house.ask(ASSIGN, token=token, input={"customerId": ann.id})
    blank = await assign(house, token, ann.id, "")

    assert stranger.refusals("assignCustomerGroup") == [("NOT_FOUND", ["customerId"])]
    assert foreign.refusals("assignCustomerGroup") == [("NOT_FOUND", ["groupId"])]
    assert nothing.refusals("assignCustomerGroup") == [("REQUIRED", ["groupId"])]
    assert blank.refusals("assignCustomerGroup") == [("NOT_FOUND", ["groupId"])]
    assert await own_group(house, ann.token) is None
    assert await house.counts() == before


async def test_new_customers_come_into_the_default_group_of_their_organization(house: House) -> None:
    other = await house.open_shop("other")
    token = await house.integration()
    early = await house.register("early@example.org")
    await create(house, token, "retail", isDefault=True)
    retail = await house.register("ann@example.org")
    trade = await create(house, token, "trade", isDefault=True)
    new = await house.register("bob@example.org")
    (await house.ask(UPDATE, token=token, id=trade["id"], input={"isDefault": False})).payload("updateGroup")
    late = await house.register("late@example.org")
    zoe = await house.register("zoe@example.org", shop=other)

    seen = [await own_group(house, one.token) for one in (early, retail, new, late, zoe)]

    assert seen == [None, "retail", "trade", None, None]
    assert [one["isDefault"] for one in await groups(house, token)] == [False, False]


async def test_twenty_changes_of_the_default_at_once_leave_one(house: House) -> None:
    token = await house.integration()
    made = [await create(house, token, f"group-{number}") for number in range(10)]

    answers = await asyncio.gather(
        *(house.ask(UPDATE, token=token, id=one["id"], input={"isDefault": True}) for one in made * 2),
    )

    codes = {code for answer in answers for code, _ in answer.refusals("updateGroup")}
    assert codes == set()
    assert sum(one["isDefault"] for one in await groups(house, token)) == 1


async def test_a_group_in_use_is_not_deleted_without_a_replacement(house: House) -> None:
    ann = await house.register("ann@example.org")
    token = await house.integration()
    members = await create(house, token, "members")
    selling = await create(house, token, "selling")
    default = await create(house, token, "default", isDefault=True)
    (await assign(house, token, ann.id, members["id"])).payload("assignCustomerGroup")
    await create_market(house, token, "private", groupId=selling["id"])
    before = await house.counts(), await groups(house, token)

    for group in (members, selling, default):
        refused = await house.ask(DELETE, token=token, id=group["id"])
        assert refused.refusals("deleteGroup") == [("IN_USE", ["id"])]
        for nobody in (group["id"], "x"):
            refused = await house.ask(DELETE, token=token, id=group["id"], replacementId=nobody)
            assert refused.refusals("deleteGroup") == [("NOT_FOUND", ["replacementId"])]

    assert (await house.counts(), await groups(house, token)) == before


async def test_a_replacement_takes_over_everything(house: House) -> None:
    ann = await house.register("ann@example.org")
    token = await house.integration()
    old = await create(house, token, "old", isDefault=True)
    new = await create(house, token, "new")
    (await assign(house, token, ann.id, old["id"])).payload("assignCustomerGroup")
    await create_market(house, token, "private", groupId=old["id"])

    gone = (await house.ask(DELETE, token=token, id=old["id"], replacementId=new["id"])).payload("deleteGroup")

    assert gone == {"deletedGroupId": old["id"], "movedCustomers": 1, "userErrors": []}
    assert await own_group(house, ann.token) == "new"
    assert await groups(house, token) == [{**new, "isDefault": True}]
    assert await house.count("markets", "group_id IS NOT NULL") == 1
    assert (await house.ask(DELETE, token=token, id=old["id"])).refusals("deleteGroup") == [("NOT_FOUND", ["id"])]


async def test_an_unused_group_is_deleted(house: House) -> None:
    token = await house.integration()
    group = await create(house, token, "empty")

    gone = (await house.ask(DELETE, token=token, id=group["id"])).payload("deleteGroup")

    assert gone["deletedGroupId"] == group["id"]
    assert await house.count("customer_groups") == 0


async def test_assigning_and_deleting_at_once_leaves_nobody_in_a_group_that_is_gone(house: House) -> None:
    token = await house.integration()
    people = [await house.register(f"person{number}@example.org") for number in range(10)]
    old, new = await create(house, token, "old"), await create(house, token, "new")

    answers = await asyncio.gather(
        *(assign(house, token, one.id, old["id"]) for one in people[:5]),
        house.ask(DELETE, token=token, id=old["id"], replacementId=new["id"]),
        *(assign(house, token, one.id, old["id"]) for one in people[5:]),
    )

    names = ["assignCustomerGroup"] * 5 + ["deleteGroup"] + ["assignCustomerGroup"] * 5
    refused = [one for answer, name in zip(answers, names, strict=True) for one in answer.refusals(name)]
    moved = await house.count("customers", "group_id IS NOT NULL")
    assert all(one == ("NOT_FOUND", ["groupId"]) for one in refused)
    assert moved + len(refused) == 10
    assert [one["code"] for one in await groups(house, token)] == ["new"]


async def test_only_the_back_office_knows_and_changes_groups(house: House) -> None:
    other = await house.open_shop("other")
    ann = await house.register("ann@example.org")
    token = await house.integration()
    group = await create(house, token, "trade")
    reading = await house.integration(Scope.CUSTOMERS_READ)

    for caller, code in ((None, "UNAUTHENTICATED"), (ann.token, "FORBIDDEN"), (reading, "FORBIDDEN")):
        answers = [
            await house.ask(CREATE, token=caller, input={"code": "x", "name": "x"}),
            await house.ask(UPDATE, token=caller, id=group["id"], input={}),
            await house.ask(DELETE, token=caller, id=group["id"]),
            await assign(house, caller or "", ann.id, group["id"])
            if caller
            else await house.ask(ASSIGN, input={"customerId": ann.id, "groupId": group["id"]}),
        ]
        assert [one.codes for one in answers] == [[code]] * 4
    assert await groups(house, reading) == [group]
    assert (await house.ask("{ groups { id } }", token=ann.token)).codes == ["FORBIDDEN"]
    elsewhere = await house.integration(shop=other)
    assert await groups(house, elsewhere) == []
    foreign = await house.ask(UPDATE, token=elsewhere, id=group["id"], input={"name": "x"})
    assert foreign.refusals("updateGroup") == [("NOT_FOUND", ["id"])]
    assert (await house.ask(DELETE, token=elsewhere, id=group["id"])).refusals("deleteGroup") == [("NOT_FOUND", ["id"])]


async def test_a_customer_who_is_read_costs_no_further_query_for_its_group(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await house.register("ann@example.org")
    token = await house.integration()
    await house.ask("Me", token=ann.token)
    counted: list[object] = []
    fetch = Read.fetch

    async def counting(self: Any, *arguments: Any) -> Any:
        counted.append(self)
        return await fetch(self, *arguments)

    monkeypatch.setattr(Read, "fetch", counting)
    await house.ask("Me", token=ann.token)
    without = len(counted)
    (await assign(house, token, ann.id, (await create(house, token))["id"])).payload("assignCustomerGroup")
    counted.clear()
    assert (await house.ask("Me", token=ann.token)).data["me"]["group"]["code"] == "wholesale"

    assert len(counted) == without == 3
