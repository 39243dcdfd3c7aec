"""Markets, public and private."""

import pytest

from app.platform.principal import Scope
from tests.customers.groups.book import (
    CREATE_MARKET,
    DELETE_MARKET,
    MARKETS,
    UPDATE_MARKET,
    assign,
    create,
    create_market,
    markets,
)
from tests.house import House

ONE = "query ($code: String!, $all: Boolean) { market(code: $code, includePrivate: $all) { code } }"


async def test_markets_are_made_changed_and_deleted(house: House) -> None:
    token = await house.integration(Scope.GROUPS_WRITE)
    trade = await create(house, token, "trade")

    market = await create_market(house, token, "alps", groupId=trade["id"], currencyCode="eur")
    same = {"name": "Alps", "groupId": None}
    changed = (await house.ask(UPDATE_MARKET, token=token, id=market["id"], input=same)).payload("updateMarket")
    again = (await house.ask(UPDATE_MARKET, token=token, id=market["id"], input=same)).payload("updateMarket")
    gone = (await house.ask(DELETE_MARKET, token=token, id=market["id"])).payload("deleteMarket")

    assert market == {
        "id": market["id"],
        "code": "alps",
        "name": "Alps",
        "currencyCode": "EUR",
        "isPrivate": True,
        "group": trade,
    }
    assert changed["market"] == again["market"] == {**market, "isPrivate": False, "group": None}
    assert gone["deletedMarketId"] == market["id"]
    assert await house.count("markets") == 0
    assert (await house.audit())[-3:] == ["market.created", "market.updated", "market.deleted"]


async def test_a_private_market_follows_the_membership_at_the_next_request(house: House) -> None:
    ann, bob = await house.register("ann@example.org"), await house.register("bob@example.org")
    token = await house.integration()
    trade, family = await create(house, token, "trade"), await create(house, token, "family")
    await create_market(house, token, "open")
    await create_market(house, token, "trade", groupId=trade["id"])
    await create_market(house, token, "family", groupId=family["id"])

    assert await markets(house) == await markets(house, ann.token) == await markets(house, token) == ["open"]
    (await assign(house, token, ann.id, trade["id"])).payload("assignCustomerGroup")
    assert await markets(house, ann.token) == ["open", "trade"]
    assert await markets(house, bob.token) == ["open"]
    (await assign(house, token, ann.id, family["id"])).payload("assignCustomerGroup")
    assert await markets(house, ann.token) == ["family", "open"]
    (await assign(house, token, ann.id, None)).payload("assignCustomerGroup")
    assert await markets(house, ann.token) == ["open"]


async def test_a_private_market_looks_like_none_to_others(house: House) -> None:
    ann = await house.register("ann@example.org")
    token = await house.integration()
    trade = await create(house, token, "trade")
    await create_market(house, token, "secret", groupId=trade["id"])

    assert (await house.ask(ONE, token=ann.token, code="secret")).data["market"] is None
    (await assign(house, token, ann.id, trade["id"])).payload("assignCustomerGroup")
    assert (await house.ask(ONE, token=ann.token, code="secret")).data["market"] == {"code": "secret"}
    assert (await house.ask(ONE, code="secret")).data["market"] is None


async def test_only_the_back_office_sees_the_markets_of_all_groups(house: House) -> None:
    ann = await house.register("ann@example.org")
    token = await house.integration()
    trade = await create(house, token, "trade")
    await create_market(house, token, "secret", groupId=trade["id"])

    for allowed in (await house.staff(Scope.CUSTOMERS_READ), await house.integration(Scope.GROUPS_WRITE)):
        assert (await house.ask(MARKETS, token=allowed, all=True)).data["markets"] == [{"code": "secret"}]
    for caller, code in (
        (None, "UNAUTHENTICATED"),
        (ann.token, "FORBIDDEN"),
        (await house.integration(Scope.ORDERS_WRITE), "FORBIDDEN"),
    ):
        assert (await house.ask(MARKETS, token=caller, all=True)).codes == [code]
        assert (await house.ask(ONE, token=caller, code="secret", all=True)).codes == [code]


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"code": "a b"}, [("INVALID", ["code"])]),
        ({"code": "x" * 26, "name": " "}, [("TOO_LONG", ["code"]), ("REQUIRED", ["name"])]),
        ({"currencyCode": "EURO"}, [("INVALID", ["currencyCode"])]),
        ({"groupId": "x"}, [("NOT_FOUND", ["groupId"])]),
        ({"groupId": ""}, [("NOT_FOUND", ["groupId"])]),
        ({"code": "there"}, [("TAKEN", ["code"])]),
    ],
)
async def test_wrong_markets_are_refused_and_nothing_is_written(
    house: House, fields: dict[str, str], refused: list[tuple[str, list[str]]]
) -> None:
    token = await house.integration()
    await create_market(house, token, "there")
    market = await create_market(house, token, "here")
    before = await house.counts()
    given = {"code": "new", "name": "New", "currencyCode": "CHF", **fields}

    made = await house.ask(CREATE_MARKET, token=token, input=given)
    changed = await house.ask(UPDATE_MARKET, token=token, id=market["id"], input=fields)

    assert made.refusals("createMarket") == refused
    assert changed.refusals("updateMarket") == refused
    assert await house.counts() == before
    assert await markets(house) == ["here", "there"]


async def test_only_null_opens_a_private_market(house: House) -> None:
    token = await house.integration()
    group = await create(house, token, "trade")
    market = await create_market(house, token, "secret", groupId=group["id"])

    blank = await house.ask(UPDATE_MARKET, token=token, id=market["id"], input={"groupId": ""})

    assert blank.refusals("updateMarket") == [("NOT_FOUND", ["groupId"])]
    assert await markets(house) == []
    (await house.ask(UPDATE_MARKET, token=token, id=market["id"], input={"groupId": None})).payload("updateMarket")
    assert await markets(house) == ["secret"]


async def test_markets_of_another_organization_do_not_exist(house: House) -> None:
    other = await house.open_shop("other")
    token, elsewhere = await house.integration(), await house.integration(shop=other)
    theirs = await create(house, elsewhere, "trade")
    market = await create_market(house, token, "here")

    assert await markets(house, elsewhere) == []
    foreign = await house.ask(UPDATE_MARKET, token=elsewhere, id=market["id"], input={"name": "x"})
    assert foreign.refusals("updateMarket") == [("NOT_FOUND", ["id"])]
    deleted = await house.ask(DELETE_MARKET, token=elsewhere, id=market["id"])
    assert deleted.refusals("deleteMarket") == [("NOT_FOUND", ["id"])]
    grouped = await house.ask(UPDATE_MARKET, token=token, id=market["id"], input={"groupId": theirs["id"]})
    assert grouped.refusals("updateMarket") == [("NOT_FOUND", ["groupId"])]
    assert await markets(house) == ["here"]


async def test_only_integrations_with_the_scope_change_markets(house: House) -> None:
    ann = await house.register("ann@example.org")
    market = await create_market(house, await house.integration(), "here")
    reading = await house.integration(Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE)

    for caller, code in ((None, "UNAUTHENTICATED"), (ann.token, "FORBIDDEN"), (reading, "FORBIDDEN")):
        given = {"code": "x", "name": "x", "currencyCode": "CHF"}
        answers = [
            await house.ask(CREATE_MARKET, token=caller, input=given),
            await house.ask(UPDATE_MARKET, token=caller, id=market["id"], input={}),
            await house.ask(DELETE_MARKET, token=caller, id=market["id"]),
        ]
        assert [one.codes for one in answers] == [[code]] * 3
