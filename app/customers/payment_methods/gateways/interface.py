"""What a payment gateway does for us, whichever it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from app.platform.errors import AppError, ErrorCode


class PaymentMethodType(Enum):
    """What kind of thing a customer pays with."""

    CARD = "CARD"
    BANK_ACCOUNT = "BANK_ACCOUNT"
    WALLET = "WALLET"
    OTHER = "OTHER"


class GatewayDeclined(AppError):
    """The gateway looked at it and said no; asking the same again is pointless."""

    code = ErrorCode.GATEWAY_DECLINED
    message = "The payment gateway refused this payment method. Enter it again or use another one."


class GatewayUnavailable(AppError):
    """The gateway did not answer, or not in time; whatever it did meanwhile is put right by the reconciler."""

    code = ErrorCode.GATEWAY_UNAVAILABLE
    message = "The payment gateway does not answer at the moment. Nothing was saved; try again in a minute."


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A payment method as the gateway describes it: enough to be recognised by its owner, never to pay with.

    `expiry_year` has four digits; `country` is that of the bank (ISO 3166-1 alpha-2).
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupSession:
    """An opened form of the gateway, into which the customer types the card in the browser.

    `client_secret` opens this one form only and is meant for the browser of the customer.
    """

    id: str
    gateway: str
    publishable_key: str
    client_secret: str
    expires_at: datetime


class Gateway(Protocol):
    """One gateway. Every method raises `GatewayDeclined` or `GatewayUnavailable`, and nothing else that is expected.

    An `idempotency_key` belongs to one intention: a gateway that sees it again must not act twice.
    None of them takes longer than `DEADLINE_SECONDS` to answer or to give up.
    """

    @property
    def name(self) -> str:
        """The name kept in every row that belongs to this gateway; never changes."""

    async def create_customer(self, *, shopper_reference: str, idempotency_key: str) -> str:
        """Make the person known to the gateway by a reference that says nothing; return its id there."""

    async def attach(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        """Keep what `token` stands for with the customer. What is attached to this customer already is a success."""

    async def find_attached(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument | None:
        """What an `attach` with this key left at the gateway when its answer was lost; None when nothing.

        It attaches nothing: a token that is still unused stays usable.
        """

    async def detach(self, gateway_token: str, *, idempotency_key: str) -> None:
        """Make the instrument useless for ever. One that is gone already is a success."""

    async def delete_customer(self, gateway_customer: str, *, idempotency_key: str) -> None:
        """Delete the person at the gateway. One that is gone already is a success."""

    async def create_setup_session(self, *, gateway_customer: str, idempotency_key: str) -> SetupSession:
        """Open a form for the customer."""

    async def finalize(self, session_id: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        """What the customer typed into the form; it may be asked again and answers the same.

        `GatewayDeclined` when the form is not of this customer, not completed, or too old.
        """

    async def close(self) -> None:
        """Close the connections."""


DEADLINE_SECONDS = 20.0


class Gateways:
    """The gateways of the house by name; the first one takes what is new."""

    def __init__(self, gateways: Sequence[Gateway]) -> None:
        """Keep them; without any, every payment method is refused as `GatewayUnavailable`."""
        self._gateways = {gateway.name: gateway for gateway in gateways}

    @property
    def default(self) -> Gateway:
        """The gateway that takes what is new."""
        return self.by_name(next(iter(self._gateways), ""))

    def by_name(self, name: str) -> Gateway:
        """The gateway a row belongs to; `GatewayUnavailable` when the house does not have it (any more)."""
        gateway = self._gateways.get(name)
        if gateway is None:
            raise GatewayUnavailable
        return gateway

    def has(self, name: str) -> bool:
        """Whether the house has this gateway."""
        return name in self._gateways

    async def close(self) -> None:
        """Close the connections of all."""
        for gateway in self._gateways.values():
            await gateway.close()
