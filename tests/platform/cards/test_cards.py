"""Card numbers: detected however they are written, and not where other text has many digits."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.platform.cards import IBAN_MODULUS, CardDataRefused, passes_luhn, refuse_card_numbers

# Test numbers published by gateways, and one made for each network and length.
CARDS = [
    "4242424242424242",
    "4222222222222",
    "4000000000000000006",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "341111111111111",
    "30569309025904",
    "36227206271667",
    "6011111111111117",
    "6500000000000002",
    "3566002020360505",
    "6200000000000005",
    "6205500000000000004",
    "8171999927660000",
    "5019717010103742",
    "6759649826438453",
    "2200000000000004",
    "6071820000000002",
    "9792020000000001",
]
SPELLINGS = [
    "{}",
    "visa:{}",
    "{}1229",
    "{}122029",
    "{}1229123",
    "{}123",
    "{} 12/29 123",
    "2026-01-31 {}",
    "IBAN DE89 3704 0044 0532 0130 00, {}",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301 {}",
    "7 {}",
]
WRITTEN = [
    "4242    4242    4242    4242",
    "4242-----4242-----4242-----4242",
    "4242 / / / 4242 / / / 4242 / / / 4242",
    "4242+4242+4242+4242",
    "4242\n\n\n\n\n4242\n\n\n\n\n4242\n\n\n\n\n4242",
    "42 42 42 42 42 42 42 42",
    "3782 822463 10005",
    "42424242-4242-4242-0000-000000000000",
    "42424242-4242-4242-",
    "47.42424, 4242424242424242",
    "424.2424242424242",
]
NO_CARDS = [
    "1Z999AA10123456784",
    "RR123456785CH",
    "9400 1000 0000 0000 0000 00",
    "420123459400100000000000000000",
    "00340434161094042557",
    "JJD000390007882823141",
    "99.60.683794.68485549",
    "https://www.openstreetmap.org/#map=15/47.37689/8.54169",
    "https://www.google.com/maps/place/Z/@47.3774682,8.3930421,11z/data=!3m1!4b1!4m6!3m5!8m2!3d47.3768866!4d8.541694",
    "POINT (8.541694 47.376887)",
    "+41 44 668 18 00 / +41 79 123 45 67",
    "044 668 18 00 or 079 123 45 67",
    "42424242-4242-4242-8242-42424242424a",
    "4242 4242 4242 4241",
    "1242424242424242424",
]
START = datetime(2000, 1, 1, tzinfo=UTC)
Random = random.Random


def digits(chance: Random, count: int) -> str:
    return "".join(chance.choices("0123456789", k=count))


def moment(chance: Random) -> datetime:
    return START + timedelta(microseconds=chance.randrange(50 * 365 * 86_400 * 10**6))


def place(chance: Random) -> tuple[float, float]:
    return chance.uniform(-90, 90), chance.uniform(-180, 180)


def iban(chance: Random, country: str, count: int) -> str:
    body = digits(chance, count)
    number = int(body + "".join(str(int(character, 36)) for character in country) + "00")
    return f"{country}{IBAN_MODULUS + 1 - number % IBAN_MODULUS:02}{body}"


def in_fours(text: str) -> str:
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


ORDINARY: dict[str, Callable[[Random], str]] = {
    "moment": lambda chance: f"{moment(chance):%Y-%m-%d %H:%M:%S}",
    "moment with microseconds": lambda chance: f"{moment(chance):%Y-%m-%d %H:%M:%S.%f}",
    "moment of RFC 3339": lambda chance: moment(chance).isoformat(),
    "moment without separators": lambda chance: f"{moment(chance):%Y%m%d%H%M%S%f}",
    "European moment": lambda chance: f"{moment(chance):%d.%m.%Y, %H:%M:%S}",
    "American moment": lambda chance: f"{moment(chance):%m/%d/%Y %H:%M:%S}",
    "span": lambda chance: f"{moment(chance):%d.%m.%Y %H:%M} - {moment(chance):%d.%m.%Y %H:%M}",
    "epoch": lambda chance: f"{1_700_000_000_000 + chance.randrange(10**11)}",
    "coordinates": lambda chance: "{:.6f}, {:.6f}".format(*place(chance)),
    "fine coordinates": lambda chance: "{:.7f},{:.7f}".format(*place(chance)),
    "coordinates without comma": lambda chance: "{:.6f} {:.6f}".format(*place(chance)),
    "map": lambda chance: "https://www.google.com/maps/@{:.7f},{:.7f},17z".format(*place(chance)),
    "open map": lambda chance: "https://www.openstreetmap.org/#map=15/{:.5f}/{:.5f}".format(*place(chance)),
    "place of a map": lambda chance: f"https://maps.google.com/?cid={chance.randrange(10**18, 2**64)}",
    "German IBAN": lambda chance: iban(chance, "DE", 18),
    "German IBAN in fours": lambda chance: in_fours(iban(chance, "DE", 18)),
    "Swiss IBAN in fours": lambda chance: in_fours(iban(chance, "CH", 17)),
    "French IBAN in fours": lambda chance: in_fours(iban(chance, "FR", 23)),
    "UUID": lambda chance: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
    "DHL": lambda chance: f"00340{digits(chance, 15)}",
    "UPS": lambda chance: f"1Z999AA1{digits(chance, 10)}",
    "USPS": lambda chance: f"94{digits(chance, 20)}",
    "USPS in fours": lambda chance: in_fours(f"94{digits(chance, 20)}"),
    "Swiss Post": lambda chance: f"99.{digits(chance, 2)}.{digits(chance, 6)}.{digits(chance, 8)}",
    "FedEx": lambda chance: digits(chance, 12),
    "Universal Postal Union": lambda chance: f"RR{digits(chance, 9)}CH",
    "telephone numbers": lambda chance: f"+41 44 {digits(chance, 3)} 18 00 / +41 79 {digits(chance, 3)} 45 67",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("card", CARDS)
def test_cards_of_all_networks_are_refused(card: str, spelling: str) -> None:
    assert passes_luhn(card)

    for written in (card, in_fours(card)):
        with pytest.raises(CardDataRefused):
            refuse_card_numbers(spelling.format(written))


@pytest.mark.parametrize("written", WRITTEN)
def test_a_card_number_is_refused_however_far_its_digits_are_apart(written: str) -> None:
    with pytest.raises(CardDataRefused):
        refuse_card_numbers(written)


@pytest.mark.parametrize("written", NO_CARDS)
def test_other_numbers_pass(written: str) -> None:
    refuse_card_numbers(written)


@pytest.mark.parametrize("kind", ORDINARY)
def test_what_has_many_digits_by_nature_passes(kind: str) -> None:
    chance = Random(kind)

    for _ in range(500):
        refuse_card_numbers(ORDINARY[kind](chance))


@given(some.text(max_size=200))
def test_any_text_is_read_to_its_end(raw: str) -> None:
    try:
        refuse_card_numbers(raw)
    except CardDataRefused:
        assert sum(one.isdigit() for one in raw) >= len("4222222222222")
