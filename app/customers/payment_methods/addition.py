"""Adds a payment method: the gateway stores the card, Patron stores what identifies it to its owner."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.payment_methods import attempts, expiry_notices
from app.customers.payment_methods.attempts import ATTACH_TIMEOUT, AttemptKind, AttemptPayload, NewAttempt
from app.customers.payment_methods.customer_payment_methods import CustomerPaymentMethods, lock_payment_methods
from app.customers.payment_methods.gateway_customers import get_or_create_gateway_customer
from app.customers.payment_methods.gateway_references import GatewayReference, ReferenceKind
from app.customers.payment_methods.gateways.interface import (
    Gateway,
    GatewayDeclined,
    Gateways,
    GatewayUnavailable,
    Instrument,
)
from app.customers.payment_methods.records import TABLE, PaymentMethodDetails, PaymentMethodRecord
from app.customers.payment_methods.repository import request_detach, token_hash
from app.customers.payment_methods.tables import PaymentMethod
from app.platform.audit.log import Action
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.errors import AppError, Conflict, ErrorCode
from app.platform.principal import RequestOrigin
from app.platform.vault.vault import Store

MAX_PAYMENT_METHODS = 50


class PaymentMethodLimitReached(AppError):
    """The customer already has the maximum number of payment methods."""

    code: ClassVar[ErrorCode] = ErrorCode.LIMIT_REACHED
    message = "There are {max} payment methods already, the most a customer can have. Delete one first."
    values = MappingProxyType({"max": MAX_PAYMENT_METHODS})


class DetachPending(Conflict):
    """The payment method was deleted here, and the gateway has not detached it yet.

    Saving it now would lose it as soon as the pending detach is carried out.
    """

    message = "This payment method was deleted and is still being removed. Try again in a minute, or choose another."


@dataclass(frozen=True, slots=True)
class NewPaymentMethod:
    """A payment method to save, and its owner."""

    customer_id: UUID
    reference: GatewayReference
    make_default: bool


@dataclass(frozen=True, slots=True)
class _Attached:
    attempt_id: UUID
    instrument: Instrument


async def add(
    session: AsyncSession, store: Store, gateways: Gateways, origin: RequestOrigin, new: NewPaymentMethod
) -> PaymentMethodRecord:
    """Attach the payment method at the gateway and save it; it becomes the default if wanted, or if it is the first.

    | Step                  | Transaction | A failure here leaves                                                      |
    | --------------------- | ----------- | -------------------------------------------------------------------------- |
    | gateway customer      | its own     | the gateway's customer, which the next call reuses                         |
    | attempt ATTACH written | its own    | nothing at the gateway                                                     |
    | gateway call          | none        | DONE when declined; else PENDING, which the reconciler settles             |
    | finish attempt + save | `session`   | PENDING after the rollback: the reconciler detaches what nobody saved      |

    A payment method that is saved already is returned unchanged, so a caller who lost the answer may repeat the call. A
    card or account whose number is saved already keeps its id, with the new dates.
    `session` must have executed no statement yet: the gateway is called before its first one, so that no lock waits
    for the network. Raise `NotFound`, `PaymentMethodLimitReached`, `DetachPending`, `GatewayDeclined`,
    `GatewayUnavailable`.
    """
    attached = await _attach(store, gateways.default, origin, new)
    organization_id = origin.principal.organization.id
    methods = await lock_payment_methods(
        session, store.vault, origin, organization_id=organization_id, customer_id=new.customer_id
    )
    if not await attempts.finish_attach(session, customer_id=new.customer_id, attempt_id=attached.attempt_id):
        raise GatewayUnavailable
    return await _save(methods, attached.instrument, new)


async def _attach(store: Store, gateway: Gateway, origin: RequestOrigin, new: NewPaymentMethod) -> _Attached:
    organization_id, customer_id, reference = origin.principal.organization.id, new.customer_id, new.reference
    gateway_customer = await get_or_create_gateway_customer(
        store, gateway, organization_id=organization_id, customer_id=customer_id
    )
    payload = AttemptPayload(
        token=reference.value if reference.kind is ReferenceKind.TOKEN else None,
        session_id=reference.value if reference.kind is ReferenceKind.SESSION else None,
        gateway_customer=gateway_customer,
    )
    async with store.database.transaction() as session:
        methods = await lock_payment_methods(
            session, store.vault, origin, organization_id=organization_id, customer_id=customer_id
        )
        if len(methods.rows) >= MAX_PAYMENT_METHODS:
            raise PaymentMethodLimitReached
        new_attempt = NewAttempt(
            kind=AttemptKind.ATTACH, gateway=gateway.name, payload=payload, due_at=now() + ATTACH_TIMEOUT
        )
        attempt_id = attempts.add(session, store.vault, methods, new_attempt)
    try:
        return _Attached(attempt_id, await _call_gateway(gateway, gateway_customer, reference, key=attempt_id.hex))
    except GatewayDeclined as refusal:
        await attempts.mark_done(store, customer_id=customer_id, attempt_id=attempt_id)
        raise refusal.with_field(reference.kind.value) from None


async def _call_gateway(
    gateway: Gateway, gateway_customer: str, reference: GatewayReference, *, key: str
) -> Instrument:
    call = gateway.attach if reference.kind is ReferenceKind.TOKEN else gateway.finalize
    return await call(reference.value, gateway_customer=gateway_customer, idempotency_key=key)


async def _save(methods: CustomerPaymentMethods, instrument: Instrument, new: NewPaymentMethod) -> PaymentMethodRecord:
    hashed = token_hash(methods.vault, instrument.gateway, instrument.gateway_token)
    if await attempts.is_being_detached(methods.session, customer_id=methods.customer_id, token_hash=hashed):
        raise DetachPending(field=(new.reference.kind.value,))
    row = methods.by_token_hash(hashed)
    if row is None:
        row = methods.by_fingerprint(instrument)
        if row is not None:
            _replace(methods, row, instrument, hashed)
    if row is None:
        if len(methods.rows) >= MAX_PAYMENT_METHODS:
            raise PaymentMethodLimitReached
        row = _row(methods, instrument, hashed)
        await methods.add(row)
    if new.make_default or len(methods.rows) == 1:
        await methods.make_default(row)
    return methods.open(row)


def _replace(methods: CustomerPaymentMethods, row: PaymentMethod, instrument: Instrument, hashed: bytes) -> None:
    """The same number typed again: its date may be newer, so the new instrument stays, and the old one is detached."""
    request_detach(methods.session, methods.vault, row, methods.cipher)
    moment, details = now(), PaymentMethodDetails.from_instrument(instrument)
    row.token_hash = hashed
    row.sealed = methods.cipher.seal(TABLE, row.id, details)
    row.expiry_notice_at = expiry_notices.pending_notice_at(details, moment)
    row.updated_at = moment
    methods.session.add(row)
    methods.audit(Action.PAYMENT_METHOD_UPDATED, row)


def _row(methods: CustomerPaymentMethods, instrument: Instrument, hashed: bytes) -> PaymentMethod:
    row_id, moment, details = new_id(), now(), PaymentMethodDetails.from_instrument(instrument)
    return PaymentMethod(
        id=row_id,
        organization_id=methods.organization_id,
        customer_id=methods.customer_id,
        gateway=instrument.gateway,
        type=instrument.type.value,
        token_hash=hashed,
        sealed=methods.cipher.seal(TABLE, row_id, details),
        expiry_notice_at=expiry_notices.pending_notice_at(details, moment),
        created_at=moment,
        updated_at=moment,
    )
