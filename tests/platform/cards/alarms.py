"""Measures how often identifiers are refused as card numbers, and which cards are missed: scripts/card-alarms."""

import argparse
import random
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from app.platform.cards import IBAN_MODULUS, CardDataRefused, passes_luhn, refuse_card_numbers
from app.platform.likely_cards import refuse_likely_card_numbers

PAGE = Path(__file__).parents[3] / "docs" / "card-numbers.md"
BEGIN, END = "<!-- made by scripts/card-alarms -->", "<!-- end -->"
SAMPLES = 10_000


def digits(chance: Random, count: int) -> str:
    return "".join(chance.choices("0123456789", k=count))


def beginning(prefix: str, count: int) -> Callable[[Random], str]:
    """Numbers of `count` digits that begin with `prefix`."""
    return lambda chance: prefix + digits(chance, count - len(prefix))


def with_luhn(body: str) -> str:
    """`body` and its check digit."""
    return next(body + last for last in "0123456789" if passes_luhn(body + last))


def day(chance: Random, pattern: str) -> str:
    """A birthday; `pattern` names year (Y), short year (y), month (m) and day (d)."""
    year = chance.randint(1940, 2008)
    values = {"Y": f"{year}", "y": f"{year % 100:02}", "m": f"{chance.randint(1, 12):02}"}
    values["d"] = f"{chance.randint(1, 28):02}"
    return "".join(values.get(letter, letter) for letter in pattern)


def weighted(body: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))


def south_africa(chance: Random) -> str:
    return with_luhn(f"{day(chance, 'ymd')}{digits(chance, 4)}08")


def china(chance: Random) -> str:
    area = chance.choice(["11", "31", "32", "37", "44", "50", "51", "61", "62", "65"])
    body = f"{area}{digits(chance, 4)}{day(chance, 'Ymd')}{digits(chance, 3)}"
    return body + "10X98765432"[weighted(body, [2**power % 11 for power in range(17, 0, -1)]) % 11]


def egypt(chance: Random) -> str:
    year = chance.randint(1940, 2008)
    born = f"{2 if year < 2000 else 3}{year % 100:02}{day(chance, 'md')}"
    return born + chance.choice(["01", "02", "12", "21", "29", "88"]) + digits(chance, 5)


def brazil(chance: Random) -> str:
    body = digits(chance, 8) + "0001"
    for weights in ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)):
        remainder = weighted(body, weights) % 11
        body += "0" if remainder < 2 else str(11 - remainder)
    return body


def indonesia(chance: Random) -> str:
    area = chance.choice(["11", "12", "31", "32", "33", "34", "35", "36", "51", "52", "61", "62", "63", "64", "73"])
    return f"{area}{chance.randint(1, 79):02}{digits(chance, 2)}{day(chance, 'dmy')}{digits(chance, 4)}"


def iban(chance: Random, country: str, count: int) -> str:
    body = digits(chance, count)
    number = int(body + "".join(str(int(character, 36)) for character in country) + "00")
    return f"{country}{IBAN_MODULUS + 1 - number % IBAN_MODULUS:02}{body}"


def in_fours(text: str) -> str:
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


SHAPES: dict[str, Callable[[Random], str]] = {
    "any 13 digits": beginning("", 13),
    "any 14 digits": beginning("", 14),
    "any 15 digits": beginning("", 15),
    "any 16 digits": beginning("", 16),
    "any 17 digits": beginning("", 17),
    "any 18 digits": beginning("", 18),
    "any 19 digits": beginning("", 19),
    "13 digits from 6 (Shopify customers)": beginning("6", 13),
    "13 digits from 4 (Shopify orders)": beginning("4", 13),
    "14 digits from 3600 (Zendesk)": beginning("3600", 14),
    "16 digits from 4": beginning("4", 16),
    "16 digits from 8 (AliExpress orders)": beginning("8", 16),
    "17 digits from 6": beginning("6", 17),
    "19 digits from 4": beginning("4", 19),
    "19 digits from 50": beginning("50", 19),
    "Shopify global id": lambda chance: f"gid://shopify/Customer/6{digits(chance, 12)}",
    "Amazon order": lambda chance: f"{chance.randint(301, 408)}-{digits(chance, 7)}-{digits(chance, 7)}",
    "Google Play order": lambda chance: f"GPA.{'-'.join(digits(chance, 4) for _ in range(3))}-{digits(chance, 5)}",
    "Mapbox place": lambda chance: f"address.{chance.randint(1, 9)}{digits(chance, 15)}",
    "Facebook picture": lambda chance: (
        f"https://cdn.example.org/v/t1.0-1/p200x200/{digits(chance, 8)}_{digits(chance, 17)}_{digits(chance, 19)}_n.jpg"
    ),
    "snowflake": lambda chance: str(chance.randrange(10**18, 2 * 10**18)),
    "milliseconds": lambda chance: str(1_700_000_000_000 + chance.randrange(10**11)),
    "microseconds": lambda chance: str(1_700_000_000_000_000 + chance.randrange(10**14)),
    "UUID": lambda chance: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
    "fraction of a JSON number": lambda chance: f'{{"share": {chance.random()!r}}}',
    "list of JSON numbers": lambda chance: f"[{', '.join(digits(chance, 4) for _ in range(6))}]",
    "South African identity number": south_africa,
    "Chinese resident identity number": china,
    "Egyptian identity number": egypt,
    "Brazilian company number": brazil,
    "Indonesian identity number": indonesia,
    "Korean resident number": lambda chance: f"{day(chance, 'ymd')}-{digits(chance, 7)}",
    "Romanian personal code": lambda chance: f"{chance.randint(1, 6)}{day(chance, 'ymd')}{digits(chance, 6)}",
    "French social security number": lambda chance: f"{chance.randint(1, 2)}{day(chance, 'ym')}{digits(chance, 10)}",
    "Emirates identity number": lambda chance: with_luhn(f"784{day(chance, 'Y')}{digits(chance, 7)}"),
    "IMEI": lambda chance: with_luhn(f"{chance.choice(['35', '86', '01'])}{digits(chance, 12)}"),
    "ICCID": lambda chance: with_luhn(f"89{digits(chance, 16)}"),
    "EAN-13 from 4": beginning("4", 13),
    "GTIN-14": lambda chance: f"{chance.randint(1, 8)}{digits(chance, 13)}",
    "DPD parcel": lambda chance: f"{chance.choice(['01', '05', '09', '15'])}{digits(chance, 12)}",
    "Evri parcel": lambda chance: f"{chance.choice(['C00', 'H00', 'T00'])}{digits(chance, 13)}",
    "Canada Post parcel": lambda chance: f"{chance.choice('1234578')}{digits(chance, 15)}",
    "USPS parcel": lambda chance: f"94{digits(chance, 20)}",
    "DHL parcel (SSCC)": lambda chance: f"00340{digits(chance, 15)}",
    "UPS parcel": lambda chance: f"1Z999AA1{digits(chance, 10)}",
    "German IBAN": lambda chance: iban(chance, "DE", 18),
    "Swiss IBAN in fours": lambda chance: in_fours(iban(chance, "CH", 17)),
    "Mexican CLABE": lambda chance: f"{chance.randint(2, 738):03}{digits(chance, 15)}",
    "phone number with +": lambda chance: f"+{chance.choice(['49', '41', '1', '86'])}{digits(chance, 11)}",
    "phone number without +": lambda chance: f"{chance.choice(['49', '41', '55', '62'])}{digits(chance, 11)}",
}

CARDS: dict[str, Sequence[str]] = {
    "Visa": (
        "4242424242424242",
        "4000056655665556",
        "4012888888881881",
        "4111111111111111",
        "4005519200000004",
        "4009348888881881",
        "4012000033330026",
        "4012000077777777",
        "4217651111111119",
        "4500600000000061",
        "4988438843884305",
        "4166676667666746",
        "4000000000003220",
        "4917610000000000",
    ),
    "Visa of 13 digits": ("4222222222222", "4917300000008"),
    "Visa of 19 digits": ("4000000000000000006",),
    "Mastercard": (
        "5555555555554444",
        "5200828282828210",
        "5105105105105100",
        "2223003122003222",
        "2223000048400011",
        "5454545454545454",
        "5136333333333335",
        "5585558555855583",
        "2222400010000008",
        "2222400070000005",
        "5555341244441115",
        "5577000055770004",
    ),
    "American Express": ("378282246310005", "371449635398431", "378734493671000", "341111111111111", "370000000000002"),
    "Discover": ("6011111111111117", "6011000990139424", "6500000000000002", "6445644564456445", "6011601160116611"),
    "Diners Club": ("30569309025904", "38520000023237", "36227206271667", "36006666333344", "30000000000004"),
    "Diners Club of 16 digits": ("3056930009020004",),
    "JCB": ("3566002020360505", "3530111333300000", "3569990010095841", "3566111111111113"),
    "UnionPay": ("6200000000000005", "6243030000000001", "6205500000000000004", "6212345678901232"),
    "UnionPay from 81": ("8171999927660000", "8171999900000000021"),
    "Maestro": ("6759649826438453", "6304000000000000", "5018000000000009", "5020620000000000", "6761000000000006"),
    "Maestro of other lengths": ("6799990100000000019", "6304939304310009610"),
    "Dankort": ("5019717010103742", "5019555544445555"),
    "Elo": ("5066991111111118", "6362970000457013", "5041752000000006"),
    "Hipercard": ("6062828888666688", "6062826786276634"),
    "RuPay": ("6071820000000002", "5085460000000003", "6522000000000006"),
    "Mir": ("2200000000000004", "2204290100000006"),
    "Troy": ("9792020000000001", "6501700194147183"),
    "Verve": ("5060990580000217499", "5061460410120223210", "5060666666666666666"),
}
"""Numbers that gateways and networks publish for tests, and some made for here, with a right check digit."""


def refuses(rule: Callable[[str], None], value: str) -> bool:
    try:
        rule(value)
    except CardDataRefused:
        return True
    return False


def refusal_rate(rule: Callable[[str], None], shape: str, samples: int) -> float:
    """The share of random values of this shape that the rule refuses; the same at each call."""
    chance = random.Random(shape)
    return sum(refuses(rule, SHAPES[shape](chance)) for _ in range(samples)) / samples


def misses(rule: Callable[[str], None], network: str) -> int:
    """How many of the network's cards the rule lets pass."""
    return sum(not refuses(rule, card) for card in CARDS[network])


RULES = (refuse_card_numbers, refuse_likely_card_numbers)


def tables(samples: int) -> str:
    """Both tables as Markdown."""
    refused = [
        f"| {shape} | {' | '.join(f'{refusal_rate(rule, shape, samples):.2%}' for rule in RULES)} |" for shape in SHAPES
    ]
    missed = [
        f"| {network} | {len(cards)} | {' | '.join(str(misses(rule, network)) for rule in RULES)} |"
        for network, cards in CARDS.items()
    ]
    return "\n".join(
        [
            f"Refused of {samples:,} random values of each shape:",
            "",
            "| shape | free text of customers | what programs write |",
            "|---|--:|--:|",
            *refused,
            "",
            "Missed of the test cards of each network, written in one group:",
            "",
            "| network | cards | free text of customers | what programs write |",
            "|---|--:|--:|--:|",
            *missed,
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/card-numbers.md")
    arguments = parser.parse_args()
    made = tables(arguments.samples)
    print(made)  # noqa: T201 - its purpose
    if arguments.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
