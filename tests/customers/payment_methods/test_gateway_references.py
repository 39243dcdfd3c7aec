"""Parsing of gateway tokens and session ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.customers.payment_methods.gateway_references import (
    GatewayReference,
    ReferenceKind,
    parse_gateway_reference,
    refuse_card_data,
)
from app.platform.cards import CardDataRefused, passes_luhn
from app.platform.errors import AppErrorGroup

digits = some.sampled_from([12, 15, 18]).flatmap(lambda size: some.text("0123456789", min_size=size, max_size=size))
separators = some.sampled_from(["", " ", "-", ".", "_", "/", " - "])


@pytest.mark.parametrize(
    "token",
    [
        "tok_visa",
        "pm_1PqRsT2eZvKYlo2C0aBcDeFg",
        "pm_card_visa",
        "seti_1PqRsT2eZvKYlo2C0aBcDeFg",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "42424242-4242-4242-8242-42424242424a",
        "payment/12345",
    ],
)
def test_tokens_of_gateways_are_taken_as_they_are(token: str) -> None:
    assert parse_gateway_reference(token=token, session_id=None) == GatewayReference(ReferenceKind.TOKEN, token)
    assert parse_gateway_reference(token=" ", session_id=token) == GatewayReference(ReferenceKind.SESSION, token)


@given(digits, some.lists(separators, min_size=18, max_size=18), some.text("abcxyz:", max_size=6), digits)
def test_a_card_number_is_found_however_it_is_written(body: str, between: list[str], prefix: str, suffix: str) -> None:
    number = f"4{body[1:]}"
    number += next(check for check in "0123456789" if passes_luhn(number + check))
    written = "".join(digit + separator for digit, separator in zip(number, [*between, ""], strict=False))

    for raw in (written, prefix + written, written + suffix[:3], prefix + written + " " + suffix[:3]):
        with pytest.raises(CardDataRefused):
            refuse_card_data(raw)


@given(some.text("0123456789 -./", min_size=1, max_size=40).filter(lambda raw: any(one.isdigit() for one in raw)))
def test_digits_alone_are_never_a_token(raw: str) -> None:
    with pytest.raises(CardDataRefused):
        refuse_card_data(raw)


def test_a_card_number_is_refused_as_such_even_when_it_is_also_too_long() -> None:
    with pytest.raises(AppErrorGroup) as refusal:
        parse_gateway_reference(token="x" * 300 + "4242424242424242", session_id=None)

    assert isinstance(refusal.value.errors[0], CardDataRefused)


def test_both_fields_are_reported_at_once() -> None:
    with pytest.raises(AppErrorGroup) as refusal:
        parse_gateway_reference(token="4242424242424242", session_id="not a session")

    assert [(error.code.value, error.field) for error in refusal.value.errors] == [
        ("CARD_DATA_REFUSED", ("token",)),
        ("INVALID", ("sessionId",)),
    ]
