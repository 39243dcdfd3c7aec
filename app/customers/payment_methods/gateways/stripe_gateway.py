"""The Stripe gateway, on Stripe's official library."""

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

# The API version this code was written for; the account's default can be changed in Stripe's dashboard.
API_VERSION = "2026-10-28.endive"
RETRIES = 1
TOKEN = re.compile(r"(?:pm|tok)_\w+", re.ASCII)
SESSION = re.compile(r"seti_\w+", re.ASCII)
SESSION_LIFETIME = timedelta(hours=24)
# They log complete URLs and responses, which contain tokens and the last digits of cards.
VERBOSE_LOGGERS = ("stripe", "httpx", "httpcore")


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAccount:
    """Credentials and options of the Stripe account; `api_base` is for tests and proxies only.

    `allowed_types` are the types a form may offer; empty means whatever is enabled in Stripe's dashboard. Timeouts are
    in seconds: `timeout_seconds` for one HTTP request, `deadline_seconds` for a whole call of the gateway.
    """

    secret_key: str = field(repr=False)
    publishable_key: str
    webhook_secret: str = field(default="", repr=False)
    api_base: str = "https://api.stripe.com"
    timeout_seconds: float = 8.0
    deadline_seconds: float = DEADLINE_SECONDS
    allowed_types: tuple[str, ...] = ("card",)


class StripeGateway:
    """Stores payment methods at Stripe customers, one Stripe customer for each customer.

    Tokens are payment methods (`pm_…`) made by Stripe.js, or its older card tokens (`tok_…`). Every request that
    writes has an idempotency key, so the library may retry it once by itself.
    """

    name = NAME

    def __init__(self, account: StripeAccount) -> None:
        """Configure the client; it connects with the first request."""
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
        """Create a Stripe customer without name or email; its metadata carries the reference."""
        async with self._translating_errors():
            customer = await self._customers.create_async(
                {"metadata": {"shopper_reference": shopper_reference}}, {"idempotency_key": idempotency_key}
            )
        return customer.id

    async def attach(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        """Attach an unattached payment method; `GatewayDeclined` when it is attached to another customer."""
        async with self._translating_errors():
            method = await self._retrieve(token, gateway_customer, idempotency_key)
            if attached_customer(method) is None:
                method = await self._attach(method.id, gateway_customer, idempotency_key)
        if attached_customer(method) != gateway_customer:
            raise GatewayDeclined
        return to_instrument(method, gateway_customer=gateway_customer)

    async def find_attached(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument | None:
        """The payment method behind the token, if it is attached to the customer."""
        async with self._translating_errors():
            method = await self._retrieve(token, gateway_customer, idempotency_key)
        return (
            to_instrument(method, gateway_customer=gateway_customer)
            if attached_customer(method) == gateway_customer
            else None
        )

    async def detach(self, gateway_token: str, *, idempotency_key: str) -> None:
        """Detach the payment method; Stripe never allows it to be used again."""
        async with self._translating_errors(ignore_missing=True):
            method = await self._methods.retrieve_async(gateway_token)
            if attached_customer(method) is not None:
                await self._methods.detach_async(gateway_token, None, {"idempotency_key": f"{idempotency_key}-detach"})

    async def delete_customer(self, gateway_customer: str, *, idempotency_key: str) -> None:  # noqa: ARG002 - deletions need none
        """Delete the Stripe customer, with the payment methods of forms that were completed but never saved here."""
        async with self._translating_errors(ignore_missing=True):
            await self._customers.delete_async(gateway_customer)

    async def create_setup_session(self, *, gateway_customer: str, idempotency_key: str) -> SetupSession:
        """Create a setup intent; Stripe.js needs its client secret and the publishable key."""
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
            assert isinstance(method, PaymentMethod)  # noqa: S101 - `completed` implies it
            if attached_customer(method) is None:
                method = await self._attach(method.id, gateway_customer, idempotency_key)
        return to_instrument(method, gateway_customer=gateway_customer)

    async def current_instrument(self, gateway_token: str) -> Instrument | None:
        """The current state of the payment method; None when it is attached to nobody (any more)."""
        owner = None
        async with self._translating_errors(ignore_missing=True):
            method = await self._methods.retrieve_async(gateway_token)
            owner = attached_customer(method)
        return to_instrument(method, gateway_customer=owner) if owner else None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def _retrieve(self, token: str, gateway_customer: str, idempotency_key: str) -> PaymentMethod:
        """The payment method behind a token, in its current state, not a response that Stripe stored for the key."""
        if not TOKEN.fullmatch(token):
            raise GatewayDeclined
        if token.startswith("tok_"):
            created = await self._methods.create_async(
                {"type": "card", "card": {"token": token}}, {"idempotency_key": f"{idempotency_key}-create"}
            )
            token = created.id
        if "_" in token.removeprefix("pm_"):
            # Stripe's test cards, such as pm_card_visa: every read of one makes a new one.
            return await self._attach(token, gateway_customer, idempotency_key)
        return await self._methods.retrieve_async(token)

    async def _attach(self, token: str, gateway_customer: str, idempotency_key: str) -> PaymentMethod:
        return await self._methods.attach_async(
            token, {"customer": gateway_customer}, {"idempotency_key": f"{idempotency_key}-attach"}
        )

    @asynccontextmanager
    async def _translating_errors(self, *, ignore_missing: bool = False) -> AsyncIterator[None]:
        """Translate Stripe's errors, and raise `GatewayUnavailable` after `deadline_seconds`."""
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
