"""What Stripe tells us by webhook: a payment method was changed or detached behind our back."""

from typing import NamedTuple

import orjson
import stripe

from app.customers.payment_methods import deletion, expiry, repository
from app.customers.payment_methods.gateways.interface import Gateways, Instrument
from app.customers.payment_methods.gateways.stripe_answers import NAME
from app.customers.payment_methods.gateways.stripe_gateway import StripeGateway
from app.customers.payment_methods.records import TABLE, Details, open_row
from app.customers.payment_methods.repository import Owner, token_hash
from app.customers.payment_methods.tables import PaymentMethod
from app.customers.payment_methods.wallets import Wallet, wallet_of
from app.platform.audit.log import Action
from app.platform.clock import now
from app.platform.errors import NotFound
from app.platform.vault.vault import Store

CHANGES = frozenset({"payment_method.detached", "payment_method.updated", "payment_method.automatically_updated"})


class SignatureRefused(Exception):
    """Not from Stripe, or too old, or no event, or there is no secret to tell by: answer 400 and do nothing."""


class _Event(NamedTuple):
    type: str
    object_id: str


async def handle_stripe_event(store: Store, gateways: Gateways, body: bytes, signature: str) -> None:
    """Follow what Stripe says of a payment method; what does not concern us is ignored. Repeating it is harmless.

    The event only says where to look: Stripe is asked how the payment method is now, so neither the order of
    events nor their age matters. Raise `SignatureRefused`; `GatewayUnavailable`, after which Stripe tells us again
    if the answer is 503.
    """
    gateway = gateways.named(NAME)
    assert isinstance(gateway, StripeGateway)  # noqa: S101 - nobody else has this name
    event = _verified(body, signature, gateway.account.webhook_secret)
    if event.type not in CHANGES:
        return
    hashed = token_hash(store.vault, NAME, event.object_id)
    owners = await repository.owners_of_token(store, hashed=hashed)
    if owners:
        instrument = await gateway.describe(event.object_id)
        for owner in owners:
            await _follow(store, owner, hashed, instrument)


def _verified(body: bytes, signature: str, secret: str) -> _Event:
    if not secret:
        # Whoever signs with nothing must not pass, whatever the library makes of it.
        raise SignatureRefused
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
        event = orjson.loads(body)
        return _Event(str(event["type"]), str(event["data"]["object"].get("id")))
    except (stripe.SignatureVerificationError, ValueError, TypeError, LookupError, AttributeError):
        raise SignatureRefused from None


async def _follow(store: Store, owner: Owner, hashed: bytes, instrument: Instrument | None) -> None:
    async with store.database.transaction() as session:
        try:
            wallet = await wallet_of(
                session, store.vault, None, organization_id=owner.organization_id, customer_id=owner.customer_id
            )
        except NotFound:
            return
        row = wallet.with_token(hashed)
        if row is None:
            return
        if instrument is None:
            await deletion.take_out(wallet, row)
        else:
            _update(wallet, row, Details.of(instrument))


def _update(wallet: Wallet, row: PaymentMethod, details: Details) -> None:
    before, moment = open_row(row, wallet.box), now()
    if details == before:
        return
    row.sealed = wallet.box.seal(TABLE, row.id, details)
    row.updated_at = moment
    if details.valid_until != before.valid_until:
        row.expiry_notice_at = expiry.awaited(details, moment)
    wallet.session.add(row)
    wallet.record(Action.PAYMENT_METHOD_UPDATED, row)
