"""Parses what a caller sends to be saved: a gateway's token or a finished session, never card data."""

import re
from enum import Enum
from typing import NamedTuple

from app.platform.cards import CardDataRefused, refuse_card_numbers
from app.platform.errors import Invalid, Required, TooLong
from app.platform.validation import Validation
from app.platform.values import normalize_text

MAX_LENGTH = 255
VISIBLE_ASCII = re.compile(r"[!-~]+")


class ReferenceKind(Enum):
    """The GraphQL input field that carried the reference."""

    TOKEN = "token"
    SESSION = "sessionId"


class GatewayReference(NamedTuple):
    """An identifier of a payment method that is meaningful at the gateway only."""

    kind: ReferenceKind
    value: str


def parse_gateway_reference(*, token: str | None, session_id: str | None) -> GatewayReference:
    """The token or the session, whichever was given; blank counts as absent.

    Raise `AppErrorGroup`: with `CARD_DATA_REFUSED` for anything that looks like a card number, whatever else is wrong
    with it; when both or neither are given.
    """
    validation = Validation()
    checked_token = validation.optional("token", parse_reference_value, token)
    checked_session = validation.optional("sessionId", parse_reference_value, session_id)
    if not validation.failed and checked_token and checked_session:
        validation.add(Invalid("Send a token or the id of a session, not both."), "sessionId")
    if not validation.failed and not checked_token and not checked_session:
        validation.add(Required("Send the token the payment gateway gave to the browser."), "token")
    validation.raise_errors()
    return (
        GatewayReference(ReferenceKind.TOKEN, checked_token)
        if checked_token
        else GatewayReference(ReferenceKind.SESSION, checked_session or "")
    )


def parse_reference_value(raw: str) -> str:
    """A value of 1 to 255 visible ASCII characters that cannot be a card number."""
    refuse_card_data(raw)
    value = normalize_text(raw) if len(raw) <= MAX_LENGTH * 4 else raw
    if len(value) > MAX_LENGTH:
        raise TooLong("At most {max} characters.", max=MAX_LENGTH)
    if not VISIBLE_ASCII.fullmatch(value):
        raise Invalid("This is not a token of a payment gateway. Send it exactly as the gateway gave it.")
    return value


def refuse_card_data(raw: str) -> None:
    """Raise `CardDataRefused` for anything that looks like a card number, and for digits without letters."""
    if not re.search(r"[^\W\d_]", raw) and re.search(r"\d", raw):
        raise CardDataRefused
    refuse_card_numbers(raw)
