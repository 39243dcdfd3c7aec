"""Real addresses of all continents pass the checks, and are formatted by the conventions of their country."""

import tomllib
from pathlib import Path

import pytest

from app.platform.geography import countries
from app.platform.geography.checks import check
from app.platform.geography.formatting import format_address
from app.platform.geography.postal_addresses import PostalAddress

HERE = Path(__file__).parent
NAMES = {
    "firstName": "first_name",
    "lastName": "last_name",
    "postalCode": "postal_code",
}


def right_addresses() -> dict[str, PostalAddress]:
    table = tomllib.loads((HERE / "addresses.toml").read_text(encoding="utf-8"))["address"]
    return {each.pop("title"): address(each) for each in table}


def address(fields: dict[str, str]) -> PostalAddress:
    country = countries.find(fields.pop("country"))
    assert country is not None
    named = {"first_name": "Ann", "last_name": "Example"}
    return PostalAddress(country, **{**named, **{NAMES.get(field, field): value for field, value in fields.items()}})


ADDRESSES = right_addresses()


@pytest.mark.parametrize("title", ADDRESSES)
def test_an_address_typed_as_people_of_the_country_type_it_is_right(title: str) -> None:
    assert check(ADDRESSES[title]) == []


def test_every_address_is_written_as_in_the_snapshot() -> None:
    """After a change, read every difference: `PYTHONPATH=. python tests/platform/geography/test_right_addresses.py`."""
    assert snapshot() == (HERE / "formatted.txt").read_text(encoding="utf-8")


def test_the_addresses_come_from_more_than_forty_countries() -> None:
    assert len({each.country for each in ADDRESSES.values()}) > 40


def snapshot() -> str:
    blocks = ("\n".join([f"## {title}", *format_address(each)]) for title, each in ADDRESSES.items())
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    (HERE / "formatted.txt").write_text(snapshot(), encoding="utf-8")
