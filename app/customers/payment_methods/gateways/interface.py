"""The interface of payment gateways, and the registry of the configured ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from app.platform.errors import AppError, ErrorCode


class PaymentMethodType(Enum):
    """The kinds of payment methods."""

    CARD = "CARD"
    BANK_ACCOUNT = "BANK_ACCOUNT"
    WALLET = "WALLET"
    OTHER = "OTHER"


class GatewayDeclined(AppError):
    """The gateway refused the request; repeating the same request is pointless."""

    code = ErrorCode.GATEWAY_DECLINED
    message = "The payment gateway refused this payment method. Enter it again or use another one."


class GatewayUnavailable(AppError):
    """The gateway did not answer in time; the reconciler undoes whatever it did meanwhile."""

    code = ErrorCode.GATEWAY_UNAVAILABLE
    message = "The payment gateway does not answer at the moment. Nothing was saved; try again in a minute."


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A payment method as the gateway describes it: its owner can recognise it, nobody can pay with it.

    `expiry_year` has four digits; `country` is that of the bank (ISO 3166-1 alpha-2). `fingerprint` is the gateway's
    name for the number of a card or account, the same whenever it is typed; None when the gateway has none.
    """

    gateway: str
    gateway_token: str
    gateway_customer: str
    type: PaymentMethodType
    brand: str | None = None
    last4: str | None = None
    expiry_month: int | None = None
    expiry_year: int | None = None
    funding: str | None = None
    country: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupSession:
    """An opened form of the gateway, into which the customer types the card in the browser.

    `client_secret` opens this form only and is meant for the customer's browser.
    """

    id: str
    gateway: str
    publishable_key: str
    client_secret: str
    expires_at: datetime


class Gateway(Protocol):
    """One gateway. The only expected errors of every method are `GatewayDeclined` and `GatewayUnavailable`.

    An `idempotency_key` identifies one intention: a gateway that receives it again must not act twice. No method takes
    longer than `DEADLINE_SECONDS`.
    """

    @property
    def name(self) -> str:
        """The name stored in every row that belongs to this gateway; never changes."""

    async def create_customer(self, *, shopper_reference: str, idempotency_key: str) -> str:
        """Create the person at the gateway under an opaque reference; return the id there."""

    async def attach(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        """Attach the instrument behind `token` to the customer; a success too when it already is attached to it."""

    async def find_attached(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument | None:
        """The instrument that an `attach` with this key left at the gateway when its answer was lost; None when none.

        It attaches nothing: a token that is still unused stays usable.
        """

    async def detach(self, gateway_token: str, *, idempotency_key: str) -> None:
        """Make the instrument unusable for ever. One that is gone already is a success."""

    async def delete_customer(self, gateway_customer: str, *, idempotency_key: str) -> None:
        """Delete the customer at the gateway. One that is gone already is a success."""

    async def create_setup_session(self, *, gateway_customer: str, idempotency_key: str) -> SetupSession:
        """Open a form in which the customer types a card."""

    async def finalize(self, session_id: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        """The instrument that the customer typed into the form; a repeated call returns the same.

        `GatewayDeclined` when the form is not of this customer, not completed, or expired.
        """

    async def close(self) -> None:
        """Close the connections."""


DEADLINE_SECONDS = 20.0


class Gateways:
    """The configured gateways by name; new payment methods go to the first one."""

    def __init__(self, gateways: Sequence[Gateway]) -> None:
        """Register the gateways; without any, every payment method is refused as `GatewayUnavailable`."""
        self._gateways = {gateway.name: gateway for gateway in gateways}

    @property
    def default(self) -> Gateway:
        """The gateway for new payment methods; raise `GatewayUnavailable` without any."""
        return self.by_name(next(iter(self._gateways), ""))

    def by_name(self, name: str) -> Gateway:
        """The gateway with this name; raise `GatewayUnavailable` when it is not configured (any more)."""
        gateway = self._gateways.get(name)
        if gateway is None:
            raise GatewayUnavailable
        return gateway

    def has(self, name: str) -> bool:
        """Whether this gateway is configured."""
        return name in self._gateways

    async def close(self) -> None:
        """Close the connections of all gateways."""
        for gateway in self._gateways.values():
            await gateway.close()
