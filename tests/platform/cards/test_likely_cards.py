"""What programs write: identifiers of other systems pass, cards do not, and the page with the rates is current."""

import random

import pytest

from app.platform.cards import CardDataRefused, passes_luhn, refuse_card_numbers
from app.platform.likely_cards import refuse_likely_card_numbers
from tests.platform.cards.alarms import CARDS, PAGE, RULES, SHAPES, in_fours, misses

ISSUED_TODAY = [card for network, cards in CARDS.items() for card in cards if not misses(RULES[1], network)]
STATED = {
    cells[0]: cells[1:]
    for line in PAGE.read_text().splitlines()
    if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) in {3, 4}
}
WRITTEN = [
    "{}",
    "visa:{}",
    "card {}",
    '{{"card": "{}"}}',
    '{{"card": {}}}',
    "{} 12/29 123",
    "2026-01-31 {}",
    "x\n{}\ny",
]
IDENTIFIERS = [
    "order_4242424242424242",
    "ORD4242424242424242",
    "gid://shopify/Order/4242424242424242",
    "address.4242424242424242",
    "0.4242424242424242",
    "42424242424242424",
    "4242-4242-4242-42424",
    "[4242, 4242, 4242, 4242]",
    "6501015009088",
    "6943720014146",
    "3a4242424242424242",
]


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("card", ISSUED_TODAY)
def test_a_card_of_today_is_refused_in_one_group_and_in_fours(card: str, written: str) -> None:
    assert passes_luhn(card)

    for spelling in (card, in_fours(card), in_fours(card).replace(" ", "-")):
        with pytest.raises(CardDataRefused):
            refuse_likely_card_numbers(written.format(spelling))


@pytest.mark.parametrize(
    "card", ["3782 822463 10005", "3782-822463-10005", "3056 930902 5904", "4242 – 4242 – 4242 – 4242"]
)
def test_a_card_is_refused_in_the_groups_printed_on_it(card: str) -> None:
    with pytest.raises(CardDataRefused):
        refuse_likely_card_numbers(card)


def test_digits_of_other_scripts_count() -> None:
    with pytest.raises(CardDataRefused):
        refuse_likely_card_numbers("④②" * 8)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_an_identifier_of_another_system_passes(identifier: str) -> None:
    refuse_likely_card_numbers(identifier)


@pytest.mark.parametrize("network", CARDS)
def test_the_page_states_what_is_missed(network: str) -> None:
    assert STATED[network] == [str(len(CARDS[network])), *(str(misses(rule, network)) for rule in RULES)]
    assert misses(refuse_card_numbers, network) == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_the_page_states_what_is_refused(shape: str) -> None:
    chance = random.Random(shape)
    refused = 0
    for _ in range(300):
        try:
            refuse_likely_card_numbers(SHAPES[shape](chance))
        except CardDataRefused:
            refused += 1

    # The samples of the page begin with these.
    assert refused <= float(STATED[shape][1].rstrip("%")) * 100
    assert (refused == 0) or STATED[shape][1] != "0.00%"
