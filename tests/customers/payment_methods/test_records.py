"""Expiry of cards."""

from datetime import date

import pytest

from app.customers.payment_methods.records import PaymentMethodDetails


@pytest.mark.parametrize(
    ("today", "soon"),
    [
        (date(2028, 1, 1), False),
        (date(2028, 1, 30), False),
        (date(2028, 1, 31), True),
        (date(2028, 2, 29), True),
        (date(2028, 3, 1), True),
        (date(2030, 1, 1), True),
    ],
)
def test_a_card_expires_soon_within_thirty_days_of_the_end_of_its_month(today: date, soon: bool) -> None:  # noqa: FBT001
    assert PaymentMethodDetails(token="pm_1", expiry_month=2, expiry_year=2028).expires_soon(today) is soon


@pytest.mark.parametrize(("month", "year"), [(None, None), (None, 2020), (1, None)])
def test_what_has_no_expiry_never_expires(month: int | None, year: int | None) -> None:
    assert (
        PaymentMethodDetails(token="pm_1", expiry_month=month, expiry_year=year).expires_soon(date(2026, 1, 1)) is False
    )


def test_a_december_card_is_valid_until_new_year_s_eve() -> None:
    details = PaymentMethodDetails(token="pm_1", expiry_month=12, expiry_year=2027)

    assert details.expires_soon(date(2027, 12, 1)) is False
    assert details.expires_soon(date(2027, 12, 2)) is True
