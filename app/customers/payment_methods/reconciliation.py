"""The reconciler: carries out due gateway attempts until the gateways agree with the database."""

import asyncio
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import func, update
from sqlmodel import col, select

from app.customers.payment_methods import attempts
from app.customers.payment_methods.attempts import (
    TABLE,
    AttemptKind,
    AttemptPayload,
    AttemptState,
    NewAttempt,
    service_box,
)
from app.customers.payment_methods.gateways.interface import (
    Gateway,
    GatewayDeclined,
    Gateways,
    GatewayUnavailable,
    Instrument,
)
from app.customers.payment_methods.repository import is_saved, token_hash
from app.customers.payment_methods.tables import GatewayAttempt
from app.platform.clock import now
from app.platform.db.locks import lock_customer
from app.platform.db.queues import Queue
from app.platform.db.reading import Read
from app.platform.vault.vault import Store, Vault

log = structlog.get_logger(__name__)

# How long other workers skip an attempt that one has taken; longer than any gateway call.
LEASE = timedelta(minutes=1)
MAX_BACKOFF = timedelta(hours=1)
# About half a day, with the delays of `backoff`.
MAX_TRIES = 24


class _CountRow(NamedTuple):
    rows: int


_PENDING = Queue(
    GatewayAttempt, GatewayAttempt.next_attempt_at, col(GatewayAttempt.state) == AttemptState.PENDING.value
)
_FAILED = Read(select(func.count()).where(col(GatewayAttempt.state) == AttemptState.FAILED.value), _CountRow._make)


class _LeasedAttempt(NamedTuple):
    id: UUID
    organization_id: UUID
    customer_id: UUID
    kind: AttemptKind
    gateway: str
    payload: AttemptPayload
    tries: int


async def reconcile(store: Store, gateways: Gateways, *, limit: int = 20) -> int:
    """Carry out at most `limit` due attempts concurrently; return how many were tried. `attempts` has the tables.

    A failed call is retried with growing delays. The 24th failure (`MAX_TRIES`) sets FAILED, is logged as an error and
    counted by `count_failed`. Locks: the customer first, then the attempt.
    """
    leased = await _lease_due(store, limit)
    await asyncio.gather(*(_carry_out(store, gateways, attempt) for attempt in leased))
    return len(leased)


async def count_failed(store: Store) -> int:
    """How many attempts are FAILED and need an operator."""
    row = await store.database.row(_FAILED)
    return row.rows if row else 0


async def _lease_due(store: Store, limit: int) -> list[_LeasedAttempt]:
    moment = now()
    async with _PENDING.lock_due(store.database, moment=moment, limit=limit) as rows:
        for row in rows:
            row.attempts += 1
            row.next_attempt_at = moment + LEASE
        return [_leased(store.vault, row) for row in rows]


def _leased(vault: Vault, row: GatewayAttempt) -> _LeasedAttempt:
    payload = service_box(vault).open_as(AttemptPayload, TABLE, row.id, row.sealed)
    kind = AttemptKind(row.kind)
    return _LeasedAttempt(row.id, row.organization_id, row.customer_id, kind, row.gateway, payload, row.attempts)


async def _carry_out(store: Store, gateways: Gateways, attempt: _LeasedAttempt) -> None:
    action = {
        AttemptKind.ATTACH: _settle_attach,
        AttemptKind.DETACH: _detach,
        AttemptKind.DELETE_CUSTOMER: _delete_customer,
    }[attempt.kind]
    try:
        await action(store, gateways.by_name(attempt.gateway), attempt)
    except (GatewayDeclined, GatewayUnavailable) as refusal:
        await _postpone(store, attempt, refusal)
    except Exception as fault:  # noqa: BLE001 - one failing attempt must not stop the others
        await _postpone(store, attempt, fault)


async def _detach(store: Store, gateway: Gateway, attempt: _LeasedAttempt) -> None:
    await gateway.detach(attempt.payload.token or "", idempotency_key=_fresh_key(attempt))
    await attempts.mark_done(store, customer_id=attempt.customer_id, attempt_id=attempt.id)


async def _delete_customer(store: Store, gateway: Gateway, attempt: _LeasedAttempt) -> None:
    await gateway.delete_customer(attempt.payload.gateway_customer or "", idempotency_key=_fresh_key(attempt))
    await attempts.mark_done(store, customer_id=attempt.customer_id, attempt_id=attempt.id)


def _fresh_key(attempt: _LeasedAttempt) -> str:
    # Gateways replay even the failure of a key they have seen; a request that is safe to repeat needs a new key.
    return f"{attempt.id.hex}-{attempt.tries}"


async def _settle_attach(store: Store, gateway: Gateway, attempt: _LeasedAttempt) -> None:
    instrument = await _find_attached(gateway, attempt)
    if instrument is None:
        await attempts.mark_done(store, customer_id=attempt.customer_id, attempt_id=attempt.id)
        return
    hashed = token_hash(store.vault, instrument.gateway, instrument.gateway_token)
    async with store.database.transaction() as session:
        # Serialized with the customer's mutations by its lock: either one has saved the row, or it is detached.
        await lock_customer(session, organization_id=attempt.organization_id, customer_id=attempt.customer_id)
        if not await attempts.finish_attach(session, customer_id=attempt.customer_id, attempt_id=attempt.id):
            return
        if not await is_saved(session, customer_id=attempt.customer_id, hashed=hashed):
            payload = AttemptPayload(token=instrument.gateway_token)
            new_attempt = NewAttempt(
                kind=AttemptKind.DETACH, gateway=attempt.gateway, payload=payload, token_hash=hashed
            )
            attempts.add(session, store.vault, attempt, new_attempt)
    log.info("gateway_attach_reconciled", attempt_id=attempt.id.hex, gateway=attempt.gateway)


async def _find_attached(gateway: Gateway, attempt: _LeasedAttempt) -> Instrument | None:
    gateway_customer, key = attempt.payload.gateway_customer or "", attempt.id.hex
    try:
        if attempt.payload.session_id:
            return await gateway.finalize(
                attempt.payload.session_id, gateway_customer=gateway_customer, idempotency_key=key
            )
        return await gateway.find_attached(
            attempt.payload.token or "", gateway_customer=gateway_customer, idempotency_key=key
        )
    except GatewayDeclined:
        return None


async def _postpone(store: Store, attempt: _LeasedAttempt, reason: Exception) -> None:
    last = attempt.tries >= MAX_TRIES
    state = AttemptState.FAILED if last else AttemptState.PENDING
    moment = now()
    statement = (
        update(GatewayAttempt)
        .where(col(GatewayAttempt.customer_id) == attempt.customer_id, col(GatewayAttempt.id) == attempt.id)
        .where(col(GatewayAttempt.state) == AttemptState.PENDING.value)
        .values(state=state.value, next_attempt_at=moment + backoff(attempt.tries), updated_at=moment)
    )
    async with store.database.transaction() as session:
        await session.exec(statement)
    # Only the type of the error: its message may contain what was sent to the gateway.
    write_log = log.error if last else log.warning
    write_log(
        "gateway_attempt_given_up" if last else "gateway_attempt_postponed",
        attempt_id=attempt.id.hex,
        kind=attempt.kind.value,
        gateway=attempt.gateway,
        tries=attempt.tries,
        reason=type(reason).__qualname__,
    )


def backoff(tries: int) -> timedelta:
    """The delay after this many tries: 2 s, doubled with each try, at most an hour."""
    return min(timedelta(seconds=2 ** min(tries, 12)), MAX_BACKOFF)
