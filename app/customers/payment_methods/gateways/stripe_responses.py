"""Translates Stripe's responses and errors into instruments and `AppError`s."""

import stripe
import structlog

from app.customers.payment_methods.gateway_references import refuse_card_data
from app.customers.payment_methods.gateways.interface import (
    GatewayDeclined,
    GatewayUnavailable,
    Instrument,
    PaymentMethodType,
)
from app.platform.cards import CardDataRefused
from app.platform.errors import AppError

log = structlog.get_logger(__name__)

NAME = "stripe"
MAX_MESSAGE_LENGTH = 200
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
    | `CardError`                                                 | `GatewayDeclined`    | none; its message shown |
    | `InvalidRequestError`                                       | `GatewayDeclined`    | none                    |
    | `AuthenticationError`, `PermissionError`, `IdempotencyError` | `GatewayUnavailable` | `gateway_misconfigured` |
    | any other                                                   | `GatewayUnavailable` | none                    |
    """
    if isinstance(error, stripe.CardError):
        return GatewayDeclined(_safe_message(error.user_message))
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


def _safe_message(message: str | None) -> str | None:
    """Stripe's message for the cardholder; None when it is too long or contains card data."""
    if not message or len(message) > MAX_MESSAGE_LENGTH:
        return None
    try:
        refuse_card_data(message)
    except CardDataRefused:
        return None
    return message
