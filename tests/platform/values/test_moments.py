"""A moment of an input: any zone is right, and a wrong one is an error of its field."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.platform.errors import Invalid
from app.platform.values import iso_datetime
from app.server.schema import SCHEMA
from tests.customers.orders.builders import UPDATE, ask_to_record, record
from tests.shop import Shop

WRONG = ["x", "2026-01-31", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z", "0001-01-01T00:00:00+14:00", "1769860800"]
HOLD = """mutation ($input: PlaceLegalHoldInput!) { placeLegalHold(input: $input) {
    hold { until } userErrors { code field } } }"""


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-3))])
def test_any_zone_is_the_same_moment(zone: timezone) -> None:
    moment = datetime(2026, 1, 31, 12, 0, 0, 123000, tzinfo=UTC)

    assert iso_datetime(f" {moment.astimezone(zone).isoformat()} ") == moment


@pytest.mark.parametrize("raw", WRONG)
def test_what_is_no_moment_is_refused(raw: str) -> None:
    with pytest.raises(Invalid, match="with its zone"):
        iso_datetime(raw)


async def test_a_wrong_moment_is_an_error_of_its_field_beside_the_others(shop: Shop) -> None:
    ann, token, staff = await shop.register("ann@example.org"), await shop.integration(), await shop.staff()
    await record(shop, token, customerId=ann.id, number="kept")

    for raw in WRONG:
        recorded = await ask_to_record(shop, token, customerId=ann.id, number=" ", placedAt=raw)
        changed = await shop.ask(UPDATE, token=token, by={"number": "kept"}, input={"placedAt": raw, "itemCount": -1})
        held = await shop.ask(HOLD, token=staff, input={"customerId": ann.id, "reason": " ", "until": raw})

        assert recorded.refusals("recordOrder") == [("REQUIRED", ["number"]), ("INVALID", ["placedAt"])]
        assert changed.refusals("updateOrder") == [("INVALID", ["placedAt"]), ("INVALID", ["itemCount"])]
        assert held.refusals("placeLegalHold") == [("REQUIRED", ["reason"]), ("INVALID", ["until"])]
    assert await shop.count("orders") == 1


async def test_a_wrong_moment_of_a_filter_is_named(shop: Shop) -> None:
    token = await shop.integration()
    customers = "query ($at: DateTime) { customers(where: {createdAt: {gte: $at}}) { totalCount } }"

    for raw in WRONG:
        answer = await shop.ask(customers, token=token, at=raw)

        assert answer.codes == ["BAD_USER_INPUT"]
        assert "`where.createdAt.gte`" in answer.body["errors"][0]["message"]


async def test_a_blank_moment_of_a_filter_is_an_open_bound(shop: Shop) -> None:
    await shop.register("ann@example.org")
    customers = "query ($at: DateTime) { customers(where: {createdAt: {gte: $at, lt: $at}}) { totalCount } }"

    answer = await shop.ask(customers, token=await shop.integration(), at="")

    assert answer.data["customers"]["totalCount"] == 1


def test_every_moment_of_an_input_is_read_by_whoever_takes_it() -> None:
    """Of an annotation with `datetime` Python would make no moment: the scalar hands on the text."""
    annotations = [
        argument.type_annotation.annotation
        for concrete in SCHEMA.schema_converter.type_map.values()
        for field in getattr(concrete.definition, "fields", ())
        for argument in (field.arguments or ())
    ] + [
        field.type_annotation.annotation
        for concrete in SCHEMA.schema_converter.type_map.values()
        if getattr(concrete.definition, "is_input", False)
        for field in getattr(concrete.definition, "fields", ())
        if field.type_annotation is not None
    ]

    assert len(annotations) > 300
    assert [one for one in annotations if "datetime" in repr(one)] == []
