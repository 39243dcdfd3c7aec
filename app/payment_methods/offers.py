"""What a caller hands over to be saved: a gateway's token or a finished session, never a card."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from app.errors import Invalid, Required, TooLong
from app.validation import Validation
from app.values import CardDataRefused, clean, luhn

LONGEST = 255
TOO_LONG = f"At most {LONGEST} characters."
VISIBLE = re.compile(r"[!-~]+")
DIGIT_RUN = re.compile(r"\d(?:[\W_]{0,3}\d){12,}")
CARD_LENGTHS = range(13, 20)
CARD_STARTS = frozenset(range(2, 7))
# Some gateways use them as tokens; one in fifty would pass for a card number by chance.
UUID_SHAPE = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


class OfferKind(Enum):
    """The field of the input it came in."""

    TOKEN = "token"
    SESSION = "sessionId"


class Offer(NamedTuple):
    """A name by which only the gateway knows a payment method."""

    kind: OfferKind
    value: str


def offer(*, token: str | None, session_id: str | None) -> Offer:
    """The one of both that was given; blank counts as absent.

    Raise `Rejected` with `CARD_DATA_REFUSED` for anything like a card number, whatever else is wrong with it.
    """
    validation = Validation()
    checked_token = validation.allow("token", reference, token)
    checked_session = validation.allow("sessionId", reference, session_id)
    if not validation.failed and checked_token and checked_session:
        validation.add(Invalid("Send a token or the id of a session, not both."), "sessionId")
    if not validation.failed and not checked_token and not checked_session:
        validation.add(Required("Send the token the payment gateway gave to the browser."), "token")
    validation.finish()
    return Offer(OfferKind.TOKEN, checked_token) if checked_token else Offer(OfferKind.SESSION, checked_session or "")


def reference(raw: str) -> str:
    """1 to 255 visible ASCII characters that cannot be a card number."""
    refuse_cards(raw)
    value = clean(raw) if len(raw) <= LONGEST * 4 else raw
    if len(value) > LONGEST:
        raise TooLong(TOO_LONG)
    if not VISIBLE.fullmatch(value):
        raise Invalid("This is not a token of a payment gateway. Send it exactly as the gateway gave it.")
    return value


def refuse_cards(raw: str) -> None:
    """Raise `CardDataRefused` for digits alone, and for a card number with anything before, between or after it.

    Stricter than for names and notes: a number followed by its expiry or CVC is longer than any card number.
    """
    if not re.search(r"[^\W\d_]", raw) and re.search(r"\d", raw):
        raise CardDataRefused
    for run in DIGIT_RUN.finditer(UUID_SHAPE.sub("", raw)):
        digits = [int(character) for character in run.group() if character.isdecimal()]
        if any(luhn(part) for part in _card_sized(digits)):
            raise CardDataRefused


def _card_sized(digits: list[int]) -> Iterator[list[int]]:
    """Every part of `digits` that has the length and the first digit of a payment card (ISO/IEC 7812-1)."""
    for start, digit in enumerate(digits):
        if digit in CARD_STARTS:
            yield from (digits[start : start + length] for length in CARD_LENGTHS if start + length <= len(digits))
