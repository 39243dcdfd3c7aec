"""An in-process gateway for development and tests: no money, no cards, no network."""

import secrets
from collections import OrderedDict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app.customers.payment_methods.gateways.interface import (
    GatewayDeclined,
    GatewayUnavailable,
    Instrument,
    PaymentMethodType,
    SetupSession,
)
from app.platform.clock import now

SESSION_LIFETIME = timedelta(hours=24)
MAX_REMEMBERED = 10_000
YEARS_VALID = 3

CARDS: dict[str, dict[str, Any]] = {
    "tok_visa": {"brand": "visa", "last4": "4242", "funding": "credit", "country": "US"},
    "tok_visa_debit": {"brand": "visa", "last4": "5556", "funding": "debit", "country": "DE"},
    "tok_mastercard": {"brand": "mastercard", "last4": "4444", "funding": "credit", "country": "CH"},
    "tok_amex": {"brand": "amex", "last4": "8431", "funding": "credit", "country": "US"},
    "tok_expiring": {"brand": "visa", "last4": "0341", "funding": "credit", "country": "US"},
}
BANK_ACCOUNTS: dict[str, dict[str, Any]] = {
    "tok_bank_account": {"brand": "sepa", "last4": "3000", "country": "DE"},
}
EXPIRING = "tok_expiring"
UNAVAILABLE = "tok_unavailable"


class SandboxGateway:
    """Accepts the tokens of `CARDS` and `BANK_ACCOUNTS`, is unavailable for `tok_unavailable`, and declines all others.

    Every attach makes a new instrument, as if another card had been typed. A session counts as completed with a Visa
    card as soon as it is opened. The state is in memory: each process has its own.
    """

    name = "sandbox"

    def __init__(self) -> None:
        """Start with no instruments."""
        self.instruments: OrderedDict[str, Instrument] = OrderedDict()
        self._sessions: OrderedDict[str, tuple[str, datetime]] = OrderedDict()
        self._done: OrderedDict[str, Instrument] = OrderedDict()

    async def create_customer(self, *, shopper_reference: str, idempotency_key: str) -> str:  # noqa: ARG002
        """An id derived from the reference: the same customer gets the same id, also after a restart."""
        return f"cus_sandbox_{shopper_reference}"

    async def attach(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        """Make a new instrument; repeated with the same key, return the same one."""
        if token == UNAVAILABLE:
            raise GatewayUnavailable
        return self._idempotent(idempotency_key, _instrument(token, gateway_customer))

    async def find_attached(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument | None:  # noqa: ARG002
        """The instrument that was attached with this key, unless it was detached."""
        instrument = self._done.get(idempotency_key)
        return self.instruments.get(instrument.gateway_token) if instrument else None

    async def detach(self, gateway_token: str, *, idempotency_key: str) -> None:  # noqa: ARG002
        """Remove the instrument."""
        self.instruments.pop(gateway_token, None)

    async def delete_customer(self, gateway_customer: str, *, idempotency_key: str) -> None:  # noqa: ARG002
        """Remove all instruments of the customer."""
        for token, instrument in list(self.instruments.items()):
            if instrument.gateway_customer == gateway_customer:
                del self.instruments[token]

    async def create_setup_session(self, *, gateway_customer: str, idempotency_key: str) -> SetupSession:  # noqa: ARG002
        """Open a session that counts as completed."""
        session_id = f"seti_sandbox_{secrets.token_hex(12)}"
        expires_at = now() + SESSION_LIFETIME
        _remember(self._sessions, session_id, (gateway_customer, expires_at))
        return SetupSession(
            id=session_id,
            gateway=self.name,
            publishable_key="pk_sandbox",
            client_secret=f"{session_id}_secret_{secrets.token_hex(12)}",
            expires_at=expires_at,
        )

    async def finalize(self, session_id: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:  # noqa: ARG002
        """A Visa card, the same one whenever the call is repeated."""
        owner, expires_at = self._sessions.get(session_id, ("", now()))
        if owner != gateway_customer or expires_at <= now():
            raise GatewayDeclined
        return self._idempotent(session_id, _instrument("tok_visa", gateway_customer))

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _idempotent(self, key: str, instrument: Instrument) -> Instrument:
        if key in self._done:
            return self._done[key]
        _remember(self._done, key, instrument)
        _remember(self.instruments, instrument.gateway_token, instrument)
        return instrument


def _remember(memory: OrderedDict[str, Any], key: str, value: object) -> None:
    memory[key] = value
    if len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)


def _instrument(token: str, gateway_customer: str) -> Instrument:
    instrument = Instrument(
        gateway=SandboxGateway.name,
        gateway_token=f"pm_sandbox_{secrets.token_hex(12)}",
        gateway_customer=gateway_customer,
        type=PaymentMethodType.CARD,
    )
    if token in BANK_ACCOUNTS:
        return replace(instrument, type=PaymentMethodType.BANK_ACCOUNT, **BANK_ACCOUNTS[token])
    if token not in CARDS:
        raise GatewayDeclined
    today = now()
    expiry = (today.month, today.year) if token == EXPIRING else (12, today.year + YEARS_VALID)
    return replace(instrument, expiry_month=expiry[0], expiry_year=expiry[1], **CARDS[token])
