"""Translates Stripe's responses and errors into instruments and `AppError`s."""

import stripe
import structlog

from app.customers.payment_methods.gateways.interface import (
    GatewayDeclined,
    GatewayUnavailable,
    Instrument,
    PaymentMethodType,
)
from app.platform.errors import AppError

log = structlog.get_logger(__name__)

NAME = "stripe"
# What Stripe's codes mean to the person; its own messages are in English only.
DECLINED = {
    "expired_card": "The payment gateway refused this card: it has expired. Use another one.",
    "incorrect_cvc": "The payment gateway refused this card: its security code is wrong. Enter the card again.",
    "invalid_cvc": "The payment gateway refused this card: its security code is wrong. Enter the card again.",
    "incorrect_number": "The payment gateway refused this card: its number is wrong. Enter the card again.",
    "insufficient_funds": "The payment gateway refused this card: there is not enough money. Use another one.",
}
MONTHS = range(1, 13)
TYPES = {
    "card": PaymentMethodType.CARD,
    "sepa_debit": PaymentMethodType.BANK_ACCOUNT,
    "us_bank_account": PaymentMethodType.BANK_ACCOUNT,
    "bacs_debit": PaymentMethodType.BANK_ACCOUNT,
    "au_becs_debit": PaymentMethodType.BANK_ACCOUNT,
    "acss_debit": PaymentMethodType.BANK_ACCOUNT,
    "paypal": PaymentMethodType.WALLET,
    "link": PaymentMethodType.WALLET,
    "cashapp": PaymentMethodType.WALLET,
    "amazon_pay": PaymentMethodType.WALLET,
    "revolut_pay": PaymentMethodType.WALLET,
}
# A wrong configuration of this service: the customer cannot fix it, so it is logged for the operator.
MISCONFIGURED = (stripe.AuthenticationError, stripe.PermissionError, stripe.IdempotencyError)


def to_instrument(method: stripe.PaymentMethod, *, gateway_customer: str) -> Instrument:
    """The instrument for Stripe's payment method."""
    details = getattr(method, method.type, None)
    month = getattr(details, "exp_month", None)
    return Instrument(
        gateway=NAME,
        gateway_token=method.id,
        gateway_customer=gateway_customer,
        type=TYPES.get(method.type, PaymentMethodType.OTHER),
        brand=getattr(details, "brand", None) or (None if method.type == "card" else method.type),
        last4=getattr(details, "last4", None),
        expiry_month=month if month in MONTHS else None,
        expiry_year=getattr(details, "exp_year", None),
        funding=getattr(details, "funding", None),
        country=getattr(details, "country", None),
        fingerprint=getattr(details, "fingerprint", None),
    )


def attached_customer(method: stripe.PaymentMethod) -> str | None:
    """The id of the Stripe customer it is attached to, if any."""
    return method.customer if isinstance(method.customer, str | None) else method.customer.id


def to_app_error(error: stripe.StripeError) -> AppError:
    """The `AppError` for an error of Stripe's.

    | Stripe's error                                              | Raised               | Log                     |
    | ----------------------------------------------------------- | -------------------- | ----------------------- |
    | `CardError`                                                 | `GatewayDeclined`    | none; see `DECLINED` |
    | `InvalidRequestError`                                       | `GatewayDeclined`    | none                    |
    | `AuthenticationError`, `PermissionError`, `IdempotencyError` | `GatewayUnavailable` | `gateway_misconfigured` |
    | any other                                                   | `GatewayUnavailable` | none                    |
    """
    if isinstance(error, stripe.CardError):
        return GatewayDeclined(DECLINED.get((error.error and error.error.decline_code) or error.code or ""))
    if isinstance(error, stripe.InvalidRequestError):
        return GatewayDeclined()
    if isinstance(error, MISCONFIGURED):
        log.error("gateway_misconfigured", gateway=NAME, reason=type(error).__qualname__, asked=error.request_id)
    return GatewayUnavailable()


def is_missing(error: stripe.StripeError) -> bool:
    """Whether Stripe answers that the object does not exist (any more)."""
    return isinstance(error, stripe.InvalidRequestError) and (
        error.http_status == 404 or error.code == "resource_missing"  # noqa: PLR2004 - HTTP: not found
    )
