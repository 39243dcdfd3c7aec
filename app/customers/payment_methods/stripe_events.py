"""Stripe webhook: applies changes and detachments that were made at Stripe."""

from typing import NamedTuple

import orjson
import stripe

from app.customers.payment_methods import deletion, expiry_notices, repository
from app.customers.payment_methods.customer_payment_methods import CustomerPaymentMethods, lock_payment_methods
from app.customers.payment_methods.gateways.interface import Gateways, Instrument
from app.customers.payment_methods.gateways.stripe_gateway import StripeGateway
from app.customers.payment_methods.gateways.stripe_responses import NAME
from app.customers.payment_methods.records import TABLE, PaymentMethodDetails, open_row
from app.customers.payment_methods.repository import Owner, token_hash
from app.customers.payment_methods.tables import PaymentMethod
from app.platform.audit.log import Action
from app.platform.clock import now
from app.platform.errors import NotFound
from app.platform.vault.vault import Store

HANDLED_EVENT_TYPES = frozenset(
    {"payment_method.detached", "payment_method.updated", "payment_method.automatically_updated"}
)


class InvalidSignature(Exception):
    """The signature is missing, wrong or too old, the body is no event, or no secret is set: answer 400, do nothing."""


class _Event(NamedTuple):
    type: str
    object_id: str


async def handle_stripe_event(store: Store, gateways: Gateways, body: bytes, signature: str) -> None:
    """Apply an event about a payment method; events that concern no stored one are ignored. Idempotent.

    The event only names the payment method: its current state is read from Stripe, so neither the order nor the age of
    events matters. Raise `InvalidSignature`; `GatewayUnavailable`, to be answered with 503 so that Stripe retries.
    """
    gateway = gateways.by_name(NAME)
    assert isinstance(gateway, StripeGateway)  # noqa: S101 - the name is StripeGateway's own
    event = _verify(body, signature, gateway.account.webhook_secret)
    if event.type not in HANDLED_EVENT_TYPES:
        return
    hashed = token_hash(store.vault, NAME, event.object_id)
    owners = await repository.owners_of_token(store, hashed=hashed)
    if owners:
        instrument = await gateway.current_instrument(event.object_id)
        for owner in owners:
            await _apply(store, owner, hashed, instrument)


def _verify(body: bytes, signature: str, secret: str) -> _Event:
    if not secret:
        # Without a secret anybody could sign; do not depend on how the library treats an empty one.
        raise InvalidSignature
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
        event = orjson.loads(body)
        return _Event(str(event["type"]), str(event["data"]["object"].get("id")))
    except (stripe.SignatureVerificationError, ValueError, TypeError, LookupError, AttributeError):
        raise InvalidSignature from None


async def _apply(store: Store, owner: Owner, hashed: bytes, instrument: Instrument | None) -> None:
    async with store.database.transaction() as session:
        try:
            methods = await lock_payment_methods(
                session, store.vault, None, organization_id=owner.organization_id, customer_id=owner.customer_id
            )
        except NotFound:
            return
        row = methods.by_token_hash(hashed)
        if row is None:
            return
        if instrument is None:
            await deletion.remove_and_choose_default(methods, row)
        else:
            _update(methods, row, PaymentMethodDetails.from_instrument(instrument))


def _update(methods: CustomerPaymentMethods, row: PaymentMethod, details: PaymentMethodDetails) -> None:
    before, moment = open_row(row, methods.cipher), now()
    if details == before:
        return
    row.sealed = methods.cipher.seal(TABLE, row.id, details)
    row.updated_at = moment
    if details.valid_until != before.valid_until:
        row.expiry_notice_at = expiry_notices.pending_notice_at(details, moment)
    methods.session.add(row)
    methods.audit(Action.PAYMENT_METHOD_UPDATED, row)
