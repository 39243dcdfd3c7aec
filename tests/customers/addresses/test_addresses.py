"""The lifecycle of an address: create, read, update in part, delete."""

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from app.platform.audit.tables import AuditEvent
from tests.customers.addresses.builders import (
    ask_to_create,
    ask_to_update,
    create,
    list_addresses,
    register_person,
    snapshot,
    update,
)
from tests.shop import Shop

FULL = {
    "company": "Migros",
    "isBusiness": True,
    "line2": "3. Stock",
    "zone": "zürich",
    "phone": "044 668 18 00",
    "notes": "Ring twice.\nMind the dog.",
    "latitude": 0,
    "longitude": -0.5,
    "placeId": "ChIJGaK-SZcLkEcRA9wf5_GNbuY",
}
GOOGLE = {
    "firstName": "Anna",
    "lastName": "Li",
    "line1": "1600 Amphitheatre Pkwy",
    "city": "Mountain View",
    "postalCode": "94043",
    "zone": "California",
    "country": "US",
    "phone": "(650) 253-0000",
}


async def address_audit(shop: Shop) -> list[tuple[str, list[str]]]:
    """The audited actions on addresses, and the fields they name."""
    async with shop.runtime.store.database.engine.connect() as connection:
        rows = await connection.execute(select(AuditEvent.action, AuditEvent.fields).order_by(col(AuditEvent.id)))
        return [(action, fields) for action, fields in rows if action.startswith("address.")]


async def test_the_contract_s_operations_cover_the_whole_lifecycle(shop: Shop) -> None:
    ann = await register_person(shop)
    given = {"firstName": "Ann", "lastName": "Lee", "line1": "Limmatquai 1", "city": "Zürich", "country": "CH"}

    made = await shop.ask("CreateAddress", token=ann.token, input={**given, "postalCode": "8001"})
    first = made.payload("createAddress")["address"]
    changed = await shop.ask("UpdateAddress", token=ann.token, id=first["id"], input={"line2": "3. Stock"})
    second = await create(shop, ann.token, line1="Bahnhofstrasse 1")
    moved = await shop.ask("SetDefaultAddress", token=ann.token, id=second["id"], type="BILLING")
    gone = await shop.ask("DeleteAddress", token=ann.token, id=first["id"], replacementId=second["id"])
    me = await shop.ask("Me", token=ann.token)

    assert first["isDefaultShipping"] is first["isDefaultBilling"] is True
    assert first["formatted"] == ["Ann Lee", "Limmatquai 1", "CH-8001 Zürich", "SWITZERLAND"]
    assert changed.payload("updateAddress")["address"]["line2"] == "3. Stock"
    assert moved.payload("setDefaultAddress")["address"]["isDefaultBilling"] is True
    assert gone.payload("deleteAddress")["deletedAddressId"] == first["id"]
    assert [one["id"] for one in me.data["me"]["addresses"]] == [second["id"]]
    assert me.data["me"]["addresses"][0]["isDefaultShipping"] is True


async def test_everything_that_was_typed_is_shown_again(shop: Shop) -> None:
    ann = await register_person(shop)

    address = await create(shop, ann.token, **FULL)

    assert address == (await list_addresses(shop, ann.token))[0]
    assert {**FULL, "zone": None, "phone": None}.items() <= {**address, "zone": None, "phone": None}.items()
    assert address["zone"] == {"code": "ZH", "name": "Zurich"}
    assert address["country"] == {"code": "CH", "alpha3": "CHE", "name": "Switzerland"}
    assert (address["phone"], address["phoneNational"]) == ("+41446681800", "044 668 18 00")
    assert (address["version"], address["createdAt"]) == (1, address["updatedAt"])
    assert address["formatted"] == ["Migros", "Ann Lee", "Limmatquai 1", "3. Stock", "CH-8001 Zürich", "SWITZERLAND"]


async def test_free_text_is_a_zone_where_the_country_has_none(shop: Shop) -> None:
    ann = await register_person(shop)

    address = await create(shop, ann.token, country="GB", city="Oxford", postalCode="ox1 1aa", zone="Oxfordshire")

    assert address["zone"] == {"code": "Oxfordshire", "name": "Oxfordshire"}
    assert address["postalCode"] == "OX1 1AA"


async def test_addresses_are_listed_oldest_first(shop: Shop) -> None:
    ann = await register_person(shop)

    made = [(await create(shop, ann.token, line1=f"Limmatquai {number}"))["id"] for number in range(5)]
    await update(shop, ann.token, made[1], isDefaultShipping=True)

    assert [one["id"] for one in await list_addresses(shop, ann.token)] == made


async def test_a_field_left_away_stays_and_a_null_clears_it(shop: Shop) -> None:
    ann = await register_person(shop)
    before = await create(shop, ann.token, **FULL)

    after = await update(shop, ann.token, before["id"], line2=None, notes="Ring once.")

    unchanged = {"line2", "notes", "version", "updatedAt", "formatted"}
    assert (after["line2"], after["notes"], after["version"]) == (None, "Ring once.", 2)
    assert after["updatedAt"] >= before["updatedAt"]
    assert {name: value for name, value in after.items() if name not in unchanged} == {
        name: value for name, value in before.items() if name not in unchanged
    }


async def test_every_field_can_be_changed_and_what_may_be_missing_can_be_cleared(shop: Shop) -> None:
    ann = await register_person(shop)
    address = await create(shop, ann.token)

    moved = await update(shop, ann.token, address["id"], **{**FULL, **GOOGLE})
    cleared = await update(
        shop,
        ann.token,
        address["id"],
        **dict.fromkeys(("firstName", "lastName", "line1", "line2", "city", "postalCode", "zone", "phone", "notes")),
        placeId=None,
    )

    assert (moved["zone"], moved["country"]["code"]) == ({"code": "CA", "name": "California"}, "US")
    assert (moved["firstName"], moved["lastName"], moved["phoneNational"]) == ("Anna", "Li", "(650) 253-0000")
    assert {name for name, value in cleared.items() if value is None} == {
        *("firstName", "lastName", "line1", "line2", "city", "postalCode", "zone", "phone", "phoneNational", "notes"),
        "placeId",
    }
    assert (cleared["latitude"], cleared["longitude"], cleared["company"]) == (0, -0.5, "Migros")


async def test_a_country_cannot_be_cleared(shop: Shop) -> None:
    ann = await register_person(shop)
    address = await create(shop, ann.token)

    answer = await ask_to_update(shop, ann.token, address["id"], country=None)

    assert answer.refusals("updateAddress") == [("REQUIRED", ["country"])]
    assert await list_addresses(shop, ann.token) == [address]


async def test_a_null_business_flag_is_false(shop: Shop) -> None:
    ann = await register_person(shop)
    address = await create(shop, ann.token, **FULL)

    assert (await update(shop, ann.token, address["id"], isBusiness=None))["isBusiness"] is False


async def test_a_change_that_changes_nothing_writes_nothing(shop: Shop) -> None:
    ann = await register_person(shop)
    address = await create(shop, ann.token, **FULL)
    before = await snapshot(shop, ann.token)

    same = await update(shop, ann.token, address["id"], line1=" Limmatquai 1", zone="Zurich", isDefaultBilling=True)

    assert same == address
    assert await snapshot(shop, ann.token) == before


async def test_a_stale_version_is_a_conflict_and_nothing_is_written(shop: Shop) -> None:
    ann = await register_person(shop)
    address = await create(shop, ann.token)
    await update(shop, ann.token, address["id"], line2="3. Stock", expectedVersion=1)
    before = await snapshot(shop, ann.token)

    answer = await ask_to_update(shop, ann.token, address["id"], line2="4. Stock", expectedVersion=1)

    (error,) = answer.data["updateAddress"]["userErrors"]
    assert (error["__typename"], error["code"], error["field"]) == ("ConflictError", "CONFLICT", ["expectedVersion"])
    assert answer.data["updateAddress"]["address"] is None
    assert await snapshot(shop, ann.token) == before


async def test_losing_a_default_is_a_change_too(shop: Shop) -> None:
    ann = await register_person(shop)
    first = await create(shop, ann.token)
    await create(shop, ann.token, isDefaultShipping=True)

    answer = await ask_to_update(shop, ann.token, first["id"], line2="3. Stock", expectedVersion=1)

    assert answer.refusals("updateAddress") == [("CONFLICT", ["expectedVersion"])]


@pytest.mark.alone("looks at whole tables")
async def test_every_write_is_audited_by_the_names_of_what_changed(shop: Shop) -> None:
    ann = await register_person(shop)

    first = await create(shop, ann.token)
    second = await create(shop, ann.token)
    await update(shop, ann.token, second["id"], notes="Ring", country="DE", postalCode="10115", isDefaultBilling=True)
    await shop.ask("SetDefaultAddress", token=ann.token, id=second["id"], type="SHIPPING")
    await shop.ask("SetDefaultAddress", token=ann.token, id=second["id"], type="SHIPPING")
    await shop.ask("DeleteAddress", token=ann.token, id=second["id"], replacementId=first["id"])

    filled = ["city", "country", "firstName", "lastName", "line1", "postalCode"]
    assert await address_audit(shop) == [
        ("address.created", sorted([*filled, "isDefaultBilling", "isDefaultShipping"])),
        ("address.created", filled),
        ("address.updated", ["country", "isDefaultBilling", "notes", "postalCode"]),
        ("address.made_default", ["isDefaultShipping"]),
        ("address.deleted", []),
        ("address.made_default", ["isDefaultBilling", "isDefaultShipping"]),
    ]


async def test_an_organization_may_take_an_address_with_a_warning(shop: Shop) -> None:
    lenient = await shop.create_organization("lenient", address_strictness="warn")
    ann = await register_person(shop, organization=lenient)

    made = (await ask_to_create(shop, ann.token, postalCode="80001", zone="Bavaria")).payload("createAddress")
    moved = (await ask_to_update(shop, ann.token, made["address"]["id"], city=None)).payload("updateAddress")
    noted = (await ask_to_update(shop, ann.token, made["address"]["id"], notes="Ring")).payload("updateAddress")

    wrong = [
        {"code": "INVALID_POSTAL_CODE", "field": ["postalCode"]},
        {"code": "INVALID_ZONE", "field": ["zone"]},
    ]
    assert made["warnings"] == wrong
    assert (made["address"]["postalCode"], made["address"]["zone"]["code"]) == ("80001", "Bavaria")
    assert moved["warnings"] == [{"code": "REQUIRED", "field": ["city"]}, *wrong]
    assert noted["warnings"] == []


@pytest.mark.alone("looks at whole tables")
async def test_nothing_personal_is_stored_readable(shop: Shop) -> None:
    ann = await register_person(shop)

    await create(shop, ann.token, **FULL)

    async with shop.runtime.store.database.engine.connect() as connection:
        row = (await connection.execute(text("SELECT * FROM addresses"))).one()
    stored = repr(tuple(row)).casefold()
    assert row.country_code == "CH"
    assert not [word for word in ("migros", "limmatquai", "446681800", "stock", "zürich") if word in stored]


async def test_an_address_in_the_shop_s_own_country_does_not_name_it(shop: Shop) -> None:
    domestic = await shop.create_organization("domestic", default_country="CH")
    ann = await register_person(shop, organization=domestic)
    for country, city, code in (("CH", "Zürich", "8001"), ("DE", "Bonn", "53113")):
        given = {"firstName": "Ann", "lastName": "Lee", "line1": "Limmatquai 1", "city": city, "country": country}
        (await shop.ask("CreateAddress", token=ann.token, organization=domestic, input={**given, "postalCode": code}))

    me = await shop.ask("{ me { addresses { formatted } } }", token=ann.token, organization=domestic)

    assert [one["formatted"][-1] for one in me.data["me"]["addresses"]] == ["CH-8001 Zürich", "GERMANY"]
