"""Recording orders: validation, idempotency, address copies, access."""

from typing import Any

import pytest

from app.platform.principal import Scope
from tests.customers.orders.builders import FIND, HOME, RECORD, ask_to_record, history, order_input, record, snapshot
from tests.shop import CONTRACT, Shop


async def test_the_contracts_operations_record_an_order_and_show_the_history(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration(Scope.ORDERS_WRITE)

    payload = (await shop.ask("RecordOrder", token=token, input=order_input(customerId=ann.id))).payload("recordOrder")

    order = payload["order"]
    assert order == {
        "id": order["id"],
        "number": "1001",
        "status": "PLACED",
        "placedAt": "2026-01-31T12:00:00.000Z",
        "total": {"amount": "49.90", "currencyCode": "CHF"},
    }
    assert payload["customer"] == {"id": ann.id, "status": "ACQUIRED", "orders": {"totalCount": 1}}
    seen = (await shop.ask("OrderHistory", token=ann.token, first=10)).data["me"]["orders"]
    assert seen["totalCount"] == 1
    assert seen["pageInfo"]["hasNextPage"] is False
    assert seen["nodes"] == [{**order, "itemCount": 2}]
    assert "RecordOrder" in CONTRACT


async def test_an_order_keeps_its_own_copy_of_the_addresses(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    home = (await shop.ask("CreateAddress", token=ann.token, input=HOME)).payload("createAddress")["address"]

    await record(shop, token, customerId=ann.id, shippingAddress=HOME, billingAddress={"country": "DE"})
    (await shop.ask("UpdateAddress", token=ann.token, id=home["id"], input={"line1": "Bellevue 2"})).payload(
        "updateAddress"
    )
    (await shop.ask("DeleteAddress", token=ann.token, id=home["id"])).payload("deleteAddress")

    (order,) = (await history(shop, ann.token))["orders"]["nodes"]
    assert order["countryCode"] == "CH"
    assert order["shippingAddress"] == {
        **HOME,
        "phone": "+41446681800",
        "zone": {"code": "ZH", "name": "Zurich"},
        "country": {"code": "CH", "name": "Switzerland"},
        "company": None,
        "line2": None,
        "formatted": ["Ann Archer", "Limmatquai 1", "CH-8001 Zürich", "SWITZERLAND"],
    }
    assert order["billingAddress"]["country"] == {"code": "DE", "name": "Germany"}


async def test_the_same_order_again_is_the_same_order(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    first = await record(shop, token, customerId=ann.id, shippingAddress=HOME)
    before = await snapshot(shop, ann)

    again = await record(shop, token, customerId=ann.id, shippingAddress={**HOME, "phone": "+41 44 668 18 00"})

    assert again["created"] is False
    assert {**again, "created": True} == first
    assert await snapshot(shop, ann) == before


async def test_a_repeated_call_finds_the_order_after_it_was_changed(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    first = await record(shop, token, customerId=ann.id)
    cancel = "mutation ($by: OrderBy!) { cancelOrder(by: $by) { userErrors { code } } }"
    (await shop.ask(cancel, token=token, by={"number": "1001"})).payload("cancelOrder")

    again = await record(shop, token, customerId=ann.id)

    assert again["created"] is False
    assert again["order"]["id"] == first["order"]["id"]
    assert again["order"]["status"] == "CANCELLED"


@pytest.mark.parametrize(
    "other",
    [
        {"total": {"amount": "49.91", "currencyCode": "CHF"}},
        {"total": {"amount": "49.90", "currencyCode": "EUR"}},
        {"itemCount": 3},
        {"status": "PENDING"},
        {"placedAt": "2026-01-31T12:00:01Z"},
        {"placedAt": None},
        {"shippingAddress": HOME},
    ],
)
async def test_the_same_number_with_another_content_is_a_conflict(shop: Shop, other: dict[str, Any]) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    await record(shop, token, customerId=ann.id)
    before = await snapshot(shop, ann)

    answer = await ask_to_record(shop, token, customerId=ann.id, **other)

    assert answer.refusals("recordOrder") == [("CONFLICT", ["number"])]
    assert answer.data["recordOrder"]["userErrors"][0]["__typename"] == "ConflictError"
    assert await snapshot(shop, ann) == before


async def test_the_number_is_unique_among_all_customers_of_one_organization_only(shop: Shop) -> None:
    other = await shop.create_organization("other")
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    zoe = await shop.register("zoe@example.org", organization=other)
    token = await shop.integration()
    await record(shop, token, customerId=ann.id)

    bobs = await ask_to_record(shop, token, customerId=bob.id)
    zoes = await record(shop, await shop.integration(organization=other), customerId=zoe.id)

    assert bobs.refusals("recordOrder") == [("CONFLICT", ["number"])]
    assert zoes["created"] is True
    assert await shop.count("orders") == 2


async def test_all_wrong_fields_are_reported_at_once_and_nothing_is_written(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await shop.integration()
    before = await snapshot(shop, ann)

    answer = await ask_to_record(
        shop,
        token,
        number=" ",
        email="ann at example.org",
        itemCount=-1,
        total={"amount": "1.234", "currencyCode": "ABC"},
        shippingAddress={"country": "ZZ", "line1": "4242 4242 4242 4242"},
        billingAddress={"country": "CH", "firstName": "x" * 256},
    )

    assert sorted(answer.refusals("recordOrder")) == sorted(
        [
            ("REQUIRED", ["number"]),
            ("INVALID", ["email"]),
            ("INVALID", ["itemCount"]),
            ("INVALID", ["total", "currencyCode"]),
            ("INVALID", ["shippingAddress", "country"]),
            ("CARD_DATA_REFUSED", ["shippingAddress", "line1"]),
            ("TOO_LONG", ["billingAddress", "firstName"]),
        ]
    )
    assert await snapshot(shop, ann) == before


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("49.9", "CHF", "49.90"),
        ("0", "chf", "0.00"),
        ("4990", "JPY", "4990"),
        ("1.234", "KWD", "1.234"),
        ("999999999999.99", "EUR", "999999999999.99"),
        ("7", "HRK", "7.00"),
    ],
)
async def test_amounts_have_the_decimals_of_their_currency(shop: Shop, amount: str, currency: str, shown: str) -> None:
    ann = await shop.register("ann@example.org")

    recorded = await record(
        shop, await shop.integration(), customerId=ann.id, total={"amount": amount, "currencyCode": currency}
    )

    assert recorded["order"]["total"] == {"amount": shown, "currencyCode": currency.upper()}


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("49.905", "CHF", "INVALID"),
        ("49.0", "JPY", "INVALID"),
        ("-1", "CHF", "INVALID"),
        ("1e3", "CHF", "INVALID"),
        ("1,000", "CHF", "INVALID"),
        ("٤", "CHF", "INVALID"),
        ("", "CHF", "REQUIRED"),
        ("10000000000000", "CHF", "TOO_LONG"),
    ],
)
async def test_other_amounts_are_refused_and_never_rounded(shop: Shop, amount: str, currency: str, code: str) -> None:
    ann = await shop.register("ann@example.org")
    total = {"amount": amount, "currencyCode": currency}

    answer = await ask_to_record(shop, await shop.integration(), customerId=ann.id, total=total)

    assert answer.refusals("recordOrder") == [(code, ["total", "amount"])]
    assert await shop.count("orders") == 0


async def test_an_order_is_never_refused_for_its_postal_code(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    odd = {**HOME, "postalCode": "80", "zone": "Atlantis", "phone": "ask at the door"}

    recorded = await record(shop, await shop.integration(), customerId=ann.id, shippingAddress=odd)

    assert [(one["code"], one["field"]) for one in recorded["warnings"]] == [
        ("INVALID_POSTAL_CODE", ["shippingAddress", "postalCode"]),
        ("INVALID_ZONE", ["shippingAddress", "zone"]),
        ("INVALID_PHONE", ["shippingAddress", "phone"]),
    ]
    kept = recorded["order"]["shippingAddress"]
    assert (kept["postalCode"], kept["zone"]["code"], kept["phone"]) == ("80", "Atlantis", "ask at the door")


@pytest.mark.parametrize(
    ("number", "refused"), [("4242424242424242", True), ("④②" * 8, True), ("1763791200001", False), ("17" * 8, False)]
)
async def test_a_long_number_is_no_card_number_unless_it_begins_like_one(
    shop: Shop, number: str, *, refused: bool
) -> None:
    ann = await shop.register("ann@example.org")

    answer = await ask_to_record(shop, await shop.integration(), customerId=ann.id, number=number)

    assert answer.refusals("recordOrder") == ([("CARD_DATA_REFUSED", ["number"])] if refused else [])


@pytest.mark.parametrize(
    ("phone", "kept"),
    [
        ("+49 1512 3456780", "+4915123456780"),
        ("+4915112345033", "+4915112345033"),
        ("01 23 45 67 89 ext. 4", "01 23 45 67 89 ext. 4"),
    ],
)
async def test_no_order_is_refused_for_its_telephone_number(shop: Shop, phone: str, kept: str) -> None:
    ann = await shop.register("ann@example.org")
    address = {"country": "FR", "phone": phone}

    recorded = await record(shop, await shop.integration(), customerId=ann.id, shippingAddress=address)

    assert recorded["order"]["shippingAddress"]["phone"] == kept


async def test_an_order_names_one_buyer_of_the_organization(shop: Shop) -> None:
    other = await shop.create_organization("other")
    zoe = await shop.register("zoe@example.org", organization=other)
    ann = await shop.register("ann@example.org")
    token = await shop.integration()

    nobody = await ask_to_record(shop, token)
    both = await ask_to_record(shop, token, customerId=ann.id, email="ann@example.org")
    stranger = await ask_to_record(shop, token, customerId=zoe.id)
    nonsense = await ask_to_record(shop, token, customerId="x")

    assert nobody.refusals("recordOrder") == [("REQUIRED", ["customerId"])]
    assert both.refusals("recordOrder") == [("INVALID", ["email"])]
    assert stranger.refusals("recordOrder") == nonsense.refusals("recordOrder") == [("NOT_FOUND", ["customerId"])]
    assert await shop.count("orders") == 0


async def test_only_integrations_with_the_scope_record_orders(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    reading = await shop.integration(Scope.CUSTOMERS_WRITE)

    for token, code in ((None, "UNAUTHENTICATED"), (ann.token, "FORBIDDEN"), (reading, "FORBIDDEN")):
        answer = await shop.ask(RECORD, token=token, input=order_input(customerId=ann.id))
        assert answer.codes == [code]
    assert (await record(shop, await shop.staff(Scope.ORDERS_WRITE), customerId=ann.id))["created"] is True


async def test_an_order_is_found_by_its_owner_and_the_back_office_and_by_nobody_else(shop: Shop) -> None:
    other = await shop.create_organization("other")
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    token = await shop.integration()
    order = (await record(shop, token, customerId=ann.id))["order"]
    names = ({"id": order["id"]}, {"number": "1001"})

    for by in names:
        assert (await shop.ask(FIND, token=ann.token, by=by)).data["order"] == order
        assert (await shop.ask(FIND, token=await shop.staff(Scope.CUSTOMERS_READ), by=by)).data["order"] == order
        assert (await shop.ask(FIND, token=bob.token, by=by)).data["order"] is None
        assert (await shop.ask(FIND, token=await shop.integration(organization=other), by=by)).data["order"] is None
        assert (await shop.ask(FIND, by=by)).codes == ["UNAUTHENTICATED"]
    assert (await shop.ask(FIND, token=token, by={"id": "x"})).data["order"] is None
    assert (await shop.audit()).count("order.read") == 2
