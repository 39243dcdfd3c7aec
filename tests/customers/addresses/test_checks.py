"""Validation of addresses: what is accepted, and which field each error names."""

import dataclasses
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.customers.addresses.checks import CheckedAddress, Strictness, check_address
from app.customers.addresses.records import AddressDetails, AddressRecord, AddressRow
from app.platform.errors import AppErrorGroup
from app.platform.validation import Validation

ANN = AddressDetails(first_name="Ann", last_name="Lee", line1="Limmatquai 1", city="Zürich", postal_code="8001")
PINNED = AddressDetails(first_name="Ann", last_name="Lee", latitude=0.0, longitude=0.0)
CARD = "4111 1111 1111 1111"


def replace(details: AddressDetails, **changes: Any) -> AddressDetails:
    return dataclasses.replace(details, **changes)


def check(
    typed: AddressDetails,
    country: str = "CH",
    *,
    strictness: Strictness = "strict",
    existing: AddressRecord | None = None,
) -> CheckedAddress:
    validation = Validation()
    address = check_address(validation, country, typed, strictness=strictness, existing=existing)
    validation.raise_errors()
    return address


def refusals(
    typed: AddressDetails,
    country: str = "CH",
    *,
    strictness: Strictness = "strict",
    existing: AddressRecord | None = None,
) -> list[tuple[str, str]]:
    with pytest.raises(AppErrorGroup) as caught:
        check(typed, country, strictness=strictness, existing=existing)
    return sorted((error.code.value, ".".join(error.field or ())) for error in caught.value.errors)


def record(details: AddressDetails, country: str = "CH") -> AddressRecord:
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    row = AddressRow(UUID(int=1), UUID(int=2), country, b"", *(False, False), 1, moment, moment)
    return AddressRecord(row, details)


def test_a_valid_address_is_stored_as_typed() -> None:
    assert check(ANN) == CheckedAddress("CH", ANN, [])


def test_blanks_are_absent_and_codes_become_upper_case() -> None:
    typed = replace(ANN, line1="  Limmatquai 1 ", line2=" ", company="", zone="zürich", postal_code="ch-8001")

    existing = check(typed, "ch")

    assert existing.country_code == "CH"
    assert existing.details == replace(ANN, zone="ZH", postal_code="8001")


def test_a_zone_of_a_country_without_zones_is_free_text() -> None:
    typed = AddressDetails(
        first_name="A", last_name="B", line1="1 High St", city="Oxford", postal_code="OX1 1AA", zone="Oxfordshire"
    )

    assert check(typed, "GB").details.zone == "Oxfordshire"


def test_a_telephone_number_without_country_code_belongs_to_the_country_of_the_address() -> None:
    assert check(replace(ANN, phone="044 668 18 00")).details.phone == "+41446681800"
    assert check(replace(ANN, phone="+49 30 901820")).details.phone == "+4930901820"


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("first_name", "x" * 33, ("TOO_LONG", "firstName")),
        ("last_name", "x" * 33, ("TOO_LONG", "lastName")),
        ("first_name", " ", ("REQUIRED", "firstName")),
        ("last_name", None, ("REQUIRED", "lastName")),
        ("company", "x" * 256, ("TOO_LONG", "company")),
        ("line1", "x" * 129, ("TOO_LONG", "line1")),
        ("line1", None, ("REQUIRED", "line1")),
        ("line2", "x" * 129, ("TOO_LONG", "line2")),
        ("line2", "two\nlines", ("INVALID", "line2")),
        ("city", "x" * 129, ("TOO_LONG", "city")),
        ("city", None, ("REQUIRED", "city")),
        ("postal_code", "8" * 17, ("TOO_LONG", "postalCode")),
        ("postal_code", "80001", ("INVALID_POSTAL_CODE", "postalCode")),
        ("postal_code", None, ("REQUIRED", "postalCode")),
        ("zone", "x" * 129, ("TOO_LONG", "zone")),
        ("zone", "Bavaria", ("INVALID_ZONE", "zone")),
        ("phone", "12", ("TOO_SHORT", "phone")),
        ("phone", "0" * 33, ("TOO_LONG", "phone")),
        ("phone", "044 668", ("INVALID_PHONE", "phone")),
        ("notes", "x" * 1001, ("TOO_LONG", "notes")),
        ("notes", "bell\x07", ("INVALID", "notes")),
        ("place_id", "x" * 256, ("TOO_LONG", "placeId")),
    ],
)
def test_one_wrong_field_is_one_refusal(field: str, value: str | None, error: tuple[str, str]) -> None:
    assert refusals(replace(ANN, **{field: value})) == [error]


@pytest.mark.parametrize(
    "field", ["first_name", "last_name", "company", "line1", "line2", "city", "zone", "notes", "place_id"]
)
def test_a_card_number_is_refused_everywhere(field: str) -> None:
    camel = {"first_name": "firstName", "last_name": "lastName", "place_id": "placeId"}.get(field, field)

    for strictness in ("strict", "warn"):
        assert refusals(replace(ANN, **{field: CARD}), strictness=strictness) == [("CARD_DATA_REFUSED", camel)]


@pytest.mark.parametrize(
    ("field", "digits"),
    [
        ("postal_code", "4111111111111111"),
        ("postal_code", "④①①①①①①①①①①①①①①①"),
        ("phone", "4111111111111111"),
    ],
)
def test_a_card_number_is_refused_in_short_fields_too(field: str, digits: str) -> None:
    assert [code for code, _ in refusals(replace(ANN, **{field: digits}))] == ["CARD_DATA_REFUSED"]


@pytest.mark.parametrize("country", ["XX", "UK", "Schweiz", CARD])
def test_an_unknown_country_is_refused_and_nothing_is_guessed_from_it(country: str) -> None:
    assert refusals(replace(ANN, phone="044 668 18 00", zone="ZH"), country) == [("INVALID", "country")]
    assert refusals(ANN, " ") == [("REQUIRED", "country")]


def test_all_wrong_fields_are_reported_at_once() -> None:
    typed = AddressDetails(
        first_name="x" * 33,
        line1="Limmatquai 1",
        postal_code="1",
        zone="?",
        phone="1234",
        latitude=91.0,
        longitude=0.0,
        notes=CARD,
    )

    assert refusals(typed) == [
        ("CARD_DATA_REFUSED", "notes"),
        ("INVALID", "latitude"),
        ("INVALID_PHONE", "phone"),
        ("INVALID_POSTAL_CODE", "postalCode"),
        ("INVALID_ZONE", "zone"),
        ("REQUIRED", "city"),
        ("REQUIRED", "lastName"),
        ("TOO_LONG", "firstName"),
    ]


def test_an_empty_address_lacks_every_field_its_country_requires() -> None:
    assert refusals(AddressDetails(), "US") == [
        ("REQUIRED", "city"),
        ("REQUIRED", "firstName"),
        ("REQUIRED", "lastName"),
        ("REQUIRED", "line1"),
        ("REQUIRED", "postalCode"),
        ("REQUIRED", "zone"),
    ]


@pytest.mark.parametrize("pin", [{"latitude": 0.0, "longitude": 0.0}, {"place_id": "ChIJGaK-SZcLkEcRA9wf5_GNbuY"}])
def test_coordinates_or_a_place_id_are_an_address_and_zero_is_a_coordinate(pin: dict[str, Any]) -> None:
    address = check(AddressDetails(first_name="Ann", last_name="Lee", **pin), "US")

    assert (address.details.latitude, address.details.longitude) == (pin.get("latitude"), pin.get("longitude"))
    assert address.warnings == []


def test_an_address_with_coordinates_is_still_checked_in_its_other_fields() -> None:
    typed = replace(PINNED, postal_code="1", zone="Bavaria")

    assert refusals(typed) == [("INVALID_POSTAL_CODE", "postalCode"), ("INVALID_ZONE", "zone")]


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_coordinates_out_of_range_are_refused(latitude: float, longitude: float) -> None:
    typed = replace(PINNED, latitude=latitude, longitude=longitude)
    expected = [("INVALID", "latitude")] if abs(latitude) > 90 else []
    expected += [("INVALID", "longitude")] if abs(longitude) > 180 else []

    if expected:
        assert refusals(typed) == expected
    else:
        assert check(typed).details == typed


@pytest.mark.parametrize(("half", "other"), [("latitude", "longitude"), ("longitude", "latitude")])
def test_one_coordinate_without_the_other_is_refused_even_with_a_street(half: str, other: str) -> None:
    assert refusals(replace(ANN, **{half: 0.0})) == [("REQUIRED", other)]


def test_a_business_needs_its_company_and_no_names() -> None:
    nameless = replace(ANN, first_name=None, last_name=None)

    assert refusals(replace(nameless, is_business=True)) == [("REQUIRED", "company")]
    assert refusals(replace(nameless, company="Migros")) == [("REQUIRED", "firstName"), ("REQUIRED", "lastName")]
    assert check(replace(nameless, company="Migros", is_business=True)).warnings == []


def test_where_the_organization_only_warns_the_address_is_kept_as_typed() -> None:
    typed = replace(ANN, postal_code="80001", zone="Bavaria", city=None)

    address = check(typed, strictness="warn")

    assert address.details == typed
    assert [(error.code.value, error.field) for error in address.warnings] == [
        ("REQUIRED", ("city",)),
        ("INVALID_POSTAL_CODE", ("postalCode",)),
        ("INVALID_ZONE", ("zone",)),
    ]


def test_where_the_organization_only_warns_required_fields_stay_required() -> None:
    assert refusals(replace(ANN, line1=None, first_name=None), strictness="warn") == [
        ("REQUIRED", "firstName"),
        ("REQUIRED", "line1"),
    ]


def test_values_accepted_before_do_not_block_another_change() -> None:
    old = replace(ANN, postal_code="80001", phone="+4112")

    address = check(replace(old, notes="Ring twice"), existing=record(old))

    assert address == CheckedAddress("CH", replace(old, notes="Ring twice"), [])


def test_a_change_of_the_location_checks_the_whole_location() -> None:
    old = replace(ANN, postal_code="80001")

    assert refusals(replace(old, line1="Limmatquai 2"), existing=record(old)) == [("INVALID_POSTAL_CODE", "postalCode")]
    assert refusals(replace(ANN, zone="ZH"), "DE", existing=record(replace(ANN, zone="ZH"))) == [
        ("INVALID_POSTAL_CODE", "postalCode"),
    ]
