"""Adds a payment method: the gateway keeps the card, we keep how to recognise it."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.payment_methods import attempts, expiry
from app.customers.payment_methods.attempts import PATIENCE, AttemptKind, Order, Work
from app.customers.payment_methods.gateway_customers import known_as
from app.customers.payment_methods.gateways.interface import (
    Gateway,
    GatewayDeclined,
    Gateways,
    GatewayUnavailable,
    Instrument,
)
from app.customers.payment_methods.offers import Offer, OfferKind
from app.customers.payment_methods.records import TABLE, Details, PaymentMethodRecord
from app.customers.payment_methods.repository import token_hash
from app.customers.payment_methods.tables import PaymentMethod
from app.customers.payment_methods.wallets import Wallet, wallet_of
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.errors import AppError, Conflict, ErrorCode
from app.platform.principal import Origin
from app.platform.vault.vault import Store

MOST = 50


class LimitReached(AppError):
    """The customer has as many payment methods as allowed."""

    code: ClassVar[ErrorCode] = ErrorCode.LIMIT_REACHED
    message = f"There are {MOST} payment methods already, which is the most a customer can have. Delete one first."


class StillLeaving(Conflict):
    """What is offered was deleted here, and the gateway has not let it go yet: kept now, it would be lost then."""

    message = "This payment method was deleted and is still being removed. Try again in a minute, or choose another."


@dataclass(frozen=True, slots=True)
class Addition:
    """What is to be saved, and for whom."""

    customer_id: UUID
    offer: Offer
    make_default: bool


@dataclass(frozen=True, slots=True)
class _Attached:
    attempt_id: UUID
    instrument: Instrument


async def add(
    session: AsyncSession, store: Store, gateways: Gateways, origin: Origin, wanted: Addition
) -> PaymentMethodRecord:
    """Have the gateway keep what is offered, and save it: as the default if wanted, or if it is the first.

    What is saved already is returned as it is: a caller who lost our answer may simply ask again. `session` must be
    fresh: the gateway is asked before its first statement. Raise `NotFound`, `LimitReached`, `StillLeaving`,
    `GatewayDeclined`, `GatewayUnavailable`; what the gateway did for nothing is undone by the reconciler.
    """
    attached = await _attach(store, gateways.default, origin, wanted)
    organization_id = origin.principal.organization.id
    wallet = await wallet_of(
        session, store.vault, origin, organization_id=organization_id, customer_id=wanted.customer_id
    )
    if not await attempts.finish_attach(session, attached.attempt_id):
        raise GatewayUnavailable
    return await _save(wallet, attached.instrument, wanted)


async def _attach(store: Store, gateway: Gateway, origin: Origin, wanted: Addition) -> _Attached:
    organization_id, customer_id, offer = origin.principal.organization.id, wanted.customer_id, wanted.offer
    known = await known_as(store, gateway, organization_id=organization_id, customer_id=customer_id)
    work = Work(
        token=offer.value if offer.kind is OfferKind.TOKEN else None,
        session_id=offer.value if offer.kind is OfferKind.SESSION else None,
        gateway_customer=known,
    )
    async with store.database.transaction() as session:
        wallet = await wallet_of(session, store.vault, origin, organization_id=organization_id, customer_id=customer_id)
        if len(wallet.rows) >= MOST:
            raise LimitReached
        order = Order(kind=AttemptKind.ATTACH, gateway=gateway.name, work=work, due=now() + PATIENCE)
        attempt_id = attempts.add(session, store.vault, wallet, order)
    try:
        return _Attached(attempt_id, await _ask(gateway, known, offer, key=attempt_id.hex))
    except GatewayDeclined as refusal:
        await attempts.settle(store, attempt_id)
        raise refusal.at(offer.kind.value) from None


async def _ask(gateway: Gateway, known: str, offer: Offer, *, key: str) -> Instrument:
    ask = gateway.attach if offer.kind is OfferKind.TOKEN else gateway.finalize
    return await ask(offer.value, gateway_customer=known, idempotency_key=key)


async def _save(wallet: Wallet, instrument: Instrument, wanted: Addition) -> PaymentMethodRecord:
    hashed = token_hash(wallet.vault, instrument.gateway, instrument.gateway_token)
    if await attempts.is_leaving(wallet.session, customer_id=wallet.customer_id, token_hash=hashed):
        raise StillLeaving(field=(wanted.offer.kind.value,))
    row = wallet.with_token(hashed)
    if row is None:
        if len(wallet.rows) >= MOST:
            raise LimitReached
        row = _row(wallet, instrument, hashed)
        await wallet.add(row)
    if wanted.make_default or len(wallet.rows) == 1:
        await wallet.make_default(row)
    return wallet.read(row)


def _row(wallet: Wallet, instrument: Instrument, hashed: bytes) -> PaymentMethod:
    row_id, moment, details = new_id(), now(), Details.of(instrument)
    return PaymentMethod(
        id=row_id,
        organization_id=wallet.organization_id,
        customer_id=wallet.customer_id,
        gateway=instrument.gateway,
        type=instrument.type.value,
        token_hash=hashed,
        sealed=wallet.box.seal(TABLE, row_id, details),
        expiry_notice_at=expiry.awaited(details, moment),
        created_at=moment,
        updated_at=moment,
    )
