"""Markets: create, update, delete, and who can read private ones."""

import pytest

from app.platform.principal import Scope
from tests.customers.groups.builders import (
    CREATE_MARKET,
    DELETE_MARKET,
    MARKETS,
    UPDATE_MARKET,
    assign,
    create,
    create_market,
    markets,
)
from tests.shop import Shop

ONE = "query ($code: String!, $all: Boolean) { market(code: $code, includePrivate: $all) { code } }"


async def test_markets_are_made_changed_and_deleted(shop: Shop) -> None:
    token = await shop.integration(Scope.GROUPS_WRITE)
    trade = await create(shop, token, "trade")

    market = await create_market(shop, token, "alps", groupId=trade["id"], currencyCode="eur")
    same = {"name": "Alps", "groupId": None}
    changed = (await shop.ask(UPDATE_MARKET, token=token, id=market["id"], input=same)).payload("updateMarket")
    again = (await shop.ask(UPDATE_MARKET, token=token, id=market["id"], input=same)).payload("updateMarket")
    gone = (await shop.ask(DELETE_MARKET, token=token, id=market["id"])).payload("deleteMarket")

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
    assert await shop.count("markets") == 0
    assert (await shop.audit())[-3:] == ["market.created", "market.updated", "market.deleted"]


async def test_a_private_market_follows_the_membership_at_the_next_request(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    token = await shop.integration()
    trade, family = await create(shop, token, "trade"), await create(shop, token, "family")
    await create_market(shop, token, "open")
    await create_market(shop, token, "trade", groupId=trade["id"])
    await create_market(shop, token, "family", groupId=family["id"])

    assert await markets(shop) == await markets(shop, ann.token) == await markets(shop, token) == ["open"]
    (await assign(shop, token, ann.id, trade["id"])).payload("assignCustomerGroup")
    assert await markets(shop, ann.token) == ["open", "trade"]
    assert await markets(shop, bob.token) == ["open"]
    (await assign(shop, token, ann.id, family["id"])).payload("assignCustomerGroup")
    assert await markets(shop, ann.token) == ["family", "open"]
    (await assign(shop, token, ann.id, None)).payload("assignCustomerGroup")
    assert await markets(shop, ann.token) == ["open"]


async def test_a_private_market_is_answered_like_an_unknown_one(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    trade = await create(shop, token, "trade")
    await create_market(shop, token, "secret", groupId=trade["id"])

    assert (await shop.ask(ONE, token=ann.token, code="secret")).data["market"] is None
    (await assign(shop, token, ann.id, trade["id"])).payload("assignCustomerGroup")
    assert (await shop.ask(ONE, token=ann.token, code="secret")).data["market"] == {"code": "secret"}
    assert (await shop.ask(ONE, code="secret")).data["market"] is None


async def test_only_the_back_office_sees_the_markets_of_all_groups(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    trade = await create(shop, token, "trade")
    await create_market(shop, token, "secret", groupId=trade["id"])

    for allowed in (await shop.staff(Scope.CUSTOMERS_READ), await shop.integration(Scope.GROUPS_WRITE)):
        assert (await shop.ask(MARKETS, token=allowed, all=True)).data["markets"] == [{"code": "secret"}]
    for caller, code in (
        (None, "UNAUTHENTICATED"),
        (ann.token, "FORBIDDEN"),
        (await shop.integration(Scope.ORDERS_WRITE), "FORBIDDEN"),
    ):
        assert (await shop.ask(MARKETS, token=caller, all=True)).codes == [code]
        assert (await shop.ask(ONE, token=caller, code="secret", all=True)).codes == [code]


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
    shop: Shop, fields: dict[str, str], refused: list[tuple[str, list[str]]]
) -> None:
    token = await shop.integration()
    await create_market(shop, token, "there")
    market = await create_market(shop, token, "here")
    before = await shop.counts()
    given = {"code": "new", "name": "New", "currencyCode": "CHF", **fields}

    made = await shop.ask(CREATE_MARKET, token=token, input=given)
    changed = await shop.ask(UPDATE_MARKET, token=token, id=market["id"], input=fields)

    assert made.refusals("createMarket") == refused
    assert changed.refusals("updateMarket") == refused
    assert await shop.counts() == before
    assert await markets(shop) == ["here", "there"]


async def test_only_null_makes_a_private_market_public(shop: Shop) -> None:
    token = await shop.integration()
    group = await create(shop, token, "trade")
    market = await create_market(shop, token, "secret", groupId=group["id"])

    blank = await shop.ask(UPDATE_MARKET, token=token, id=market["id"], input={"groupId": ""})

    assert blank.refusals("updateMarket") == [("NOT_FOUND", ["groupId"])]
    assert await markets(shop) == []
    (await shop.ask(UPDATE_MARKET, token=token, id=market["id"], input={"groupId": None})).payload("updateMarket")
    assert await markets(shop) == ["secret"]


async def test_markets_of_another_organization_do_not_exist(shop: Shop) -> None:
    other = await shop.create_organization("other")
    token, elsewhere = await shop.integration(), await shop.integration(organization=other)
    theirs = await create(shop, elsewhere, "trade")
    market = await create_market(shop, token, "here")

    assert await markets(shop, elsewhere) == []
    foreign = await shop.ask(UPDATE_MARKET, token=elsewhere, id=market["id"], input={"name": "x"})
    assert foreign.refusals("updateMarket") == [("NOT_FOUND", ["id"])]
    deleted = await shop.ask(DELETE_MARKET, token=elsewhere, id=market["id"])
    assert deleted.refusals("deleteMarket") == [("NOT_FOUND", ["id"])]
    grouped = await shop.ask(UPDATE_MARKET, token=token, id=market["id"], input={"groupId": theirs["id"]})
    assert grouped.refusals("updateMarket") == [("NOT_FOUND", ["groupId"])]
    assert await markets(shop) == ["here"]


async def test_only_integrations_with_the_scope_change_markets(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    market = await create_market(shop, await shop.integration(), "here")
    reading = await shop.integration(Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE)

    for caller, code in ((None, "UNAUTHENTICATED"), (ann.token, "FORBIDDEN"), (reading, "FORBIDDEN")):
        given = {"code": "x", "name": "x", "currencyCode": "CHF"}
        answers = [
            await shop.ask(CREATE_MARKET, token=caller, input=given),
            await shop.ask(UPDATE_MARKET, token=caller, id=market["id"], input={}),
            await shop.ask(DELETE_MARKET, token=caller, id=market["id"]),
        ]
        assert [one.codes for one in answers] == [[code]] * 3
