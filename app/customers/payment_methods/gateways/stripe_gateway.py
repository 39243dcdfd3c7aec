"""Stripe, through its official library."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import stripe
from stripe import PaymentMethod, StripeClient
from stripe.params import SetupIntentCreateParams

from app.customers.payment_methods.gateways.interface import (
    DEADLINE_SECONDS,
    GatewayDeclined,
    GatewayUnavailable,
    Instrument,
    SetupSession,
)
from app.customers.payment_methods.gateways.stripe_responses import (
    NAME,
    attached_customer,
    is_missing,
    to_app_error,
    to_instrument,
)
from app.platform.clock import now

# What our code was written against; the account's own default changes with the dashboard.
API_VERSION = "2026-10-28.endive"
RETRIES = 1
TOKEN = re.compile(r"(?:pm|tok)_\w+", re.ASCII)
SESSION = re.compile(r"seti_\w+", re.ASCII)
SESSION_LIFETIME = timedelta(hours=24)
# These log whole addresses and answers, with tokens and the last digits of cards in them.
VERBOSE_LOGGERS = ("stripe", "httpx", "httpcore")


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAccount:
    """Where and as whom Stripe is asked; `api_base` is for tests and proxies only.

    `allowed_types` are what a form may offer; empty means whatever is enabled in Stripe's dashboard.
    """

    secret_key: str = field(repr=False)
    publishable_key: str
    webhook_secret: str = field(default="", repr=False)
    api_base: str = "https://api.stripe.com"
    timeout_seconds: float = 8.0
    deadline_seconds: float = DEADLINE_SECONDS
    allowed_types: tuple[str, ...] = ("card",)


class StripeGateway:
    """Keeps payment methods with Stripe customers, one for each of ours.

    Tokens are payment methods (`pm_…`) made by Stripe.js, or its older card tokens (`tok_…`). Every request that
    writes has an idempotency key, so the library may repeat it once by itself.
    """

    name = NAME

    def __init__(self, account: StripeAccount) -> None:
        """Open no connection yet."""
        self.account = account
        for library in VERBOSE_LOGGERS:
            logging.getLogger(library).setLevel(logging.WARNING)
        self._http = stripe.HTTPXClient(timeout=account.timeout_seconds)
        client = StripeClient(
            account.secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": account.api_base},
            max_network_retries=RETRIES,
            http_client=self._http,
        )
        self._customers = client.v1.customers
        self._methods = client.v1.payment_methods
        self._setups = client.v1.setup_intents

    async def create_customer(self, *, shopper_reference: str, idempotency_key: str) -> str:
        """A Stripe customer without name or address, only with the reference."""
        async with self._translating_errors():
            customer = await self._customers.create_async(
                {"metadata": {"shopper_reference": shopper_reference}}, {"idempotency_key": idempotency_key}
            )
        return customer.id

    async def attach(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        """Attach a payment method that nobody has yet; one that this customer has already stays as it is."""
        async with self._translating_errors():
            method = await self._retrieve(token, gateway_customer, idempotency_key)
            if attached_customer(method) is None:
                method = await self._attach(method.id, gateway_customer, idempotency_key)
        if attached_customer(method) != gateway_customer:
            raise GatewayDeclined
        return to_instrument(method, gateway_customer=gateway_customer)

    async def find_attached(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument | None:
        """Whether the customer has what the token stands for."""
        async with self._translating_errors():
            method = await self._retrieve(token, gateway_customer, idempotency_key)
        return (
            to_instrument(method, gateway_customer=gateway_customer)
            if attached_customer(method) == gateway_customer
            else None
        )

    async def detach(self, gateway_token: str, *, idempotency_key: str) -> None:
        """Detach: Stripe never lets it be used again."""
        async with self._translating_errors(ignore_missing=True):
            method = await self._methods.retrieve_async(gateway_token)
            if attached_customer(method) is not None:
                await self._methods.detach_async(gateway_token, None, {"idempotency_key": f"{idempotency_key}-detach"})

    async def delete_customer(self, gateway_customer: str, *, idempotency_key: str) -> None:  # noqa: ARG002 - deletions need none
        """Delete the Stripe customer, and with it what was typed into forms that were never finished here."""
        async with self._translating_errors(ignore_missing=True):
            await self._customers.delete_async(gateway_customer)

    async def create_setup_session(self, *, gateway_customer: str, idempotency_key: str) -> SetupSession:
        """A setup intent; Stripe.js needs its client secret and our publishable key."""
        async with self._translating_errors():
            parameters: SetupIntentCreateParams = {"customer": gateway_customer, "usage": "off_session"}
            if self.account.allowed_types:
                parameters["allowed_payment_method_types"] = [*self.account.allowed_types]
            setup = await self._setups.create_async(parameters, {"idempotency_key": idempotency_key})
        return SetupSession(
            id=setup.id,
            gateway=self.name,
            publishable_key=self.account.publishable_key,
            client_secret=setup.client_secret or "",
            expires_at=_expiry(setup),
        )

    async def finalize(self, session_id: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        """The payment method that Stripe.js confirmed for the setup intent."""
        if not SESSION.fullmatch(session_id):
            raise GatewayDeclined
        async with self._translating_errors():
            setup = await self._setups.retrieve_async(session_id, {"expand": ["payment_method"]})
            method = setup.payment_method
            owner = setup.customer if isinstance(setup.customer, str | None) else setup.customer.id
            completed = setup.status == "succeeded" and isinstance(method, PaymentMethod)
            if owner != gateway_customer or not completed or _expiry(setup) <= now():
                raise GatewayDeclined
            assert isinstance(method, PaymentMethod)  # noqa: S101 - it is completed
            if attached_customer(method) is None:
                method = await self._attach(method.id, gateway_customer, idempotency_key)
        return to_instrument(method, gateway_customer=gateway_customer)

    async def current_instrument(self, gateway_token: str) -> Instrument | None:
        """The payment method as it is now; None when it is attached to nobody (any more)."""
        owner = None
        async with self._translating_errors(ignore_missing=True):
            method = await self._methods.retrieve_async(gateway_token)
            owner = attached_customer(method)
        return to_instrument(method, gateway_customer=owner) if owner else None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def _retrieve(self, token: str, gateway_customer: str, idempotency_key: str) -> PaymentMethod:
        """The payment method a token stands for, as it is now and not as Stripe remembers it for the key."""
        if not TOKEN.fullmatch(token):
            raise GatewayDeclined
        if token.startswith("tok_"):
            created = await self._methods.create_async(
                {"type": "card", "card": {"token": token}}, {"idempotency_key": f"{idempotency_key}-create"}
            )
            token = created.id
        if "_" in token.removeprefix("pm_"):
            # Stripe's own test cards, such as pm_card_visa: whoever reads one makes a new one.
            return await self._attach(token, gateway_customer, idempotency_key)
        return await self._methods.retrieve_async(token)

    async def _attach(self, token: str, gateway_customer: str, idempotency_key: str) -> PaymentMethod:
        return await self._methods.attach_async(
            token, {"customer": gateway_customer}, {"idempotency_key": f"{idempotency_key}-attach"}
        )

    @asynccontextmanager
    async def _translating_errors(self, *, ignore_missing: bool = False) -> AsyncIterator[None]:
        """Turn Stripe's failures into ours, and give up in time."""
        try:
            async with asyncio.timeout(self.account.deadline_seconds):
                yield
        except TimeoutError:
            raise GatewayUnavailable from None
        except stripe.StripeError as error:
            if not (ignore_missing and is_missing(error)):
                raise to_app_error(error) from None


def _expiry(setup: stripe.SetupIntent) -> datetime:
    return datetime.fromtimestamp(setup.created, UTC) + SESSION_LIFETIME
