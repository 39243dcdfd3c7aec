"""Delivers events to endpoints, at least once, with a stable `webhook-id`.

    spread    each due event of the outbox becomes a delivery for every endpoint that subscribes to it; one transaction
    lease     up to 50 due deliveries: `due_at` moves 5 minutes ahead, `attempts` counts up, committed
    send      those of one endpoint one after the other, endpoints at the same time
    settle    see below

| answer                   | the delivery                                    | the endpoint                        |
| ------------------------ | ----------------------------------------------- | ----------------------------------- |
| 2xx                      | DELIVERED                                       | has not failed any more             |
| 410                      | FAILED                                          | is switched off: GONE               |
| any other, a redirect,   | again after 5 s, 5 min, 30 min, 2, 5, 10, 14,   | fails since the first of them; the  |
| none, or the address is  | 20 and 24 h, each up to a fifth longer and not  | rest of its batch waits with it and |
| inside the network       | before `Retry-After`; then FAILED               | is not counted                      |
| as above, for five days  | FAILED                                          | is switched off: FAILING            |
| (off, or deleted)        | FAILED                                          |                                     |

What FAILED can be sent again, one by one or of a time.

Erased people have no deliveries but those that announce it, which are the organization's (`events.OUTLIVING`).
"""

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

import httpcore
import orjson
import sqlalchemy
import structlog
from sqlalchemy import bindparam, delete, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.webhooks import endpoints, signatures
from app.accounts.webhooks.egress import Egress, EgressRefused, Sent
from app.accounts.webhooks.endpoints import DisabledReason, Secrets
from app.accounts.webhooks.messages import message
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.locks import NO_KEY
from app.platform.db.queues import Queue
from app.platform.db.reading import Read, columns
from app.platform.db.sweeping import Sweep
from app.platform.errors import NotFound
from app.platform.graphql.pagination import COUNT_LIMIT
from app.platform.vault.vault import Store
from app.platform.webhooks.events import Announcement, WebhookEvent
from app.platform.webhooks.outbox import DECOY, columns_of
from app.platform.webhooks.tables import WebhookDelivery, WebhookEndpoint, WebhookOutboxEvent, WebhookSubscription

log = structlog.get_logger(__name__)

BATCH = 50
LEASE = timedelta(minutes=5)
# Standard Webhooks, "Deliverability and reliability".
DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MAX_ATTEMPTS = len(DELAYS) + 1
JITTER = 0.2
MAX_RETRY_AFTER = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(days=5)
# How long it is known what came of a delivery.
RETENTION = timedelta(days=30)
GONE = 410


MAX_REPLAYED = 1000
# After a failure, for what the endpoint would have got besides.
PAUSE = timedelta(minutes=1)


class _Key(NamedTuple):
    owner_id: UUID
    id: UUID


class _Count(NamedTuple):
    rows: int


class DeliveryState(Enum):
    """What has come of a delivery."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


_EVENTS = Queue(WebhookOutboxEvent, WebhookOutboxEvent.due_at)
_PENDING = Queue(WebhookDelivery, WebhookDelivery.due_at, col(WebhookDelivery.state) == DeliveryState.PENDING.value)
_SETTLED = Sweep(WebhookDelivery, col(WebhookDelivery.settled_at) < bindparam("before"))


@dataclass(frozen=True, slots=True)
class _Result:
    """What one attempt came to; `failure` says why there was no status."""

    status: int | None
    failure: str | None = None
    retry_after: timedelta | None = None

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110, section 15.3


async def deliver_due(store: Store, egress: Egress) -> int:
    """Spread all events and send all deliveries that are due; return how many were delivered."""
    while await spread(store):
        pass
    delivered = 0
    while leased := await _lease(store):
        by_endpoint: dict[UUID, list[WebhookDelivery]] = defaultdict(list)
        for one in leased:
            by_endpoint[one.endpoint_id].append(one)
        delivered += sum(await asyncio.gather(*(_deliver(store, egress, key, its) for key, its in by_endpoint.items())))
    return delivered


async def spread(store: Store) -> int:
    """Make deliveries of the events that are due; return how many events there were."""
    moment = now()
    async with _EVENTS.lock_due(store.database, moment=moment, limit=BATCH) as rows:
        for row in rows:
            row.due_at = moment + LEASE
        keys = [(row.owner_id, row.id) for row in rows]
    for key in keys:
        async with store.database.transaction() as session:
            event = await session.get(WebhookOutboxEvent, key, with_for_update=NO_KEY)
            if event is None:
                continue
            if event.event != DECOY:
                await _make_deliveries(session, event)
            await session.delete(event)
    return len(keys)


async def _make_deliveries(session: AsyncSession, event: WebhookOutboxEvent) -> None:
    subscribed = select(WebhookSubscription.endpoint_id).where(
        WebhookSubscription.organization_id == event.organization_id, WebhookSubscription.event == event.event
    )
    announcement = Announcement(
        event=WebhookEvent(event.event),
        organization_id=event.organization_id,
        customer_id=event.customer_id,
        object_id=event.object_id,
        fields=event.fields,
        actor_kind=event.actor_kind,
        at=event.at,
    )
    for endpoint_id in (await session.exec(subscribed)).all():
        add(session, endpoint_id, announcement)


def add(session: AsyncSession, endpoint_id: UUID, what: Announcement) -> WebhookDelivery:
    """A delivery that is due at once."""
    delivery = WebhookDelivery(
        **columns_of(what), id=new_id(), endpoint_id=endpoint_id, state=DeliveryState.PENDING.value, due_at=now()
    )
    session.add(delivery)
    return delivery


async def _lease(store: Store) -> list[WebhookDelivery]:
    moment = now()
    async with _PENDING.lock_due(store.database, moment=moment, limit=BATCH) as rows:
        for row in rows:
            row.due_at = moment + LEASE
            row.attempts += 1
        return list(rows)


async def _deliver(store: Store, egress: Egress, endpoint_id: UUID, leased: list[WebhookDelivery]) -> int:
    """Send what one endpoint gets, in the order of the events; stop at the first that it does not take."""
    async with store.database.transaction() as session:
        endpoint = await session.get(WebhookEndpoint, endpoint_id)
    if endpoint is None or not endpoint.enabled:
        for one in leased:
            await _give_up(store, one, "EndpointDeleted" if endpoint is None else "EndpointDisabled")
        return 0
    ciphers = await store.vault.ciphers([endpoint.id])
    if endpoint.id not in ciphers:
        log.error("webhook_secret_lost", endpoint_id=endpoint.id.hex)
        for one in leased:
            await _settle(store, one, _Result(None, "SecretLost"))
        return 0
    secrets = ciphers[endpoint.id].open_as(Secrets, endpoints.TABLE, endpoint.id, endpoint.secrets)
    for number, one in enumerate(leased):
        result = await _attempt(egress, endpoint, secrets, one)
        await _settle(store, one, result)
        if not result.is_delivered:
            for later in leased[number + 1 :]:
                await _put_back(store, later)
            return number
    return len(leased)


async def _attempt(egress: Egress, endpoint: WebhookEndpoint, secrets: Secrets, delivery: WebhookDelivery) -> _Result:
    moment = now()
    until = endpoint.previous_secret_until
    signed_with = [secrets.current, *([secrets.previous] if secrets.previous and until and moment < until else [])]
    body = orjson.dumps(message(delivery))
    headers = signatures.headers(f"msg_{delivery.id.hex}", moment, body, signed_with)
    try:
        sent = await egress.post(
            endpoint.url, body, {"content-type": "application/json", "user-agent": "Patron-Webhooks", **headers}
        )
    except (EgressRefused, OSError, TimeoutError, httpcore.NetworkError, httpcore.ProtocolError) as fault:
        return _Result(None, type(fault).__qualname__)
    except httpcore.TimeoutException as fault:
        return _Result(None, type(fault).__qualname__)
    return _Result(sent.status, retry_after=_retry_after(sent, moment))


def _retry_after(sent: Sent, moment: datetime) -> timedelta | None:
    """`Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), at most a day."""
    if sent.retry_after is None:
        return None
    try:
        if sent.retry_after.isascii() and sent.retry_after.isdecimal():
            found = timedelta(seconds=min(int(sent.retry_after), MAX_RETRY_AFTER.total_seconds()))
        else:
            found = parsedate_to_datetime(sent.retry_after) - moment
    except (ValueError, TypeError, OverflowError):
        return None
    return min(found, MAX_RETRY_AFTER)


async def _settle(store: Store, leased: WebhookDelivery, result: _Result) -> None:
    moment = now()
    async with store.database.transaction() as session:
        row = await _lock_pending(session, leased)
        if row is None:
            return
        row.last_status, row.failure = result.status, (result.failure or "")[:64] or None
        if result.is_delivered:
            row.state, row.settled_at = DeliveryState.DELIVERED.value, moment
        elif result.status == GONE or row.attempts >= MAX_ATTEMPTS:
            row.state, row.settled_at = DeliveryState.FAILED.value, moment
        else:
            row.due_at = moment + _delay(row.attempts, result.retry_after)
        await _note_outcome(session, leased.endpoint_id, result, moment)
    if not result.is_delivered:
        log.warning(
            "webhook_not_delivered",
            delivery_id=leased.id.hex,
            endpoint_id=leased.endpoint_id.hex,
            attempts=leased.attempts,
            status=result.status,
            kind=result.failure,
        )


async def _note_outcome(session: AsyncSession, endpoint_id: UUID, result: _Result, moment: datetime) -> None:
    endpoint = await session.get(WebhookEndpoint, endpoint_id)
    if endpoint is None or (result.is_delivered and endpoint.failing_since is None):
        return
    endpoint = await session.get(WebhookEndpoint, endpoint_id, with_for_update=NO_KEY, populate_existing=True)
    if endpoint is None or not endpoint.enabled:
        return
    if result.is_delivered:
        endpoint.failing_since = None
    elif result.status == GONE:
        await endpoints.disable(session, endpoint, DisabledReason.GONE)
    elif endpoint.failing_since is None:
        endpoint.failing_since = moment
    elif moment - endpoint.failing_since > GIVEN_UP_AFTER:
        await endpoints.disable(session, endpoint, DisabledReason.FAILING)
    session.add(endpoint)


def _delay(attempts: int, retry_after: timedelta | None) -> timedelta:
    planned = DELAYS[min(attempts, len(DELAYS)) - 1] * (1 + JITTER * random.random())  # noqa: S311 - no secret
    return max(planned, retry_after) if retry_after else planned


async def _put_back(store: Store, leased: WebhookDelivery) -> None:
    """Undo the lease of one that was not sent."""
    async with store.database.transaction() as session:
        row = await _lock_pending(session, leased)
        if row is not None:
            row.attempts -= 1
            row.due_at = now() + PAUSE


async def _give_up(store: Store, leased: WebhookDelivery, reason: str) -> None:
    async with store.database.transaction() as session:
        row = await _lock_pending(session, leased)
        if row is not None:
            row.attempts -= 1
            row.state, row.settled_at, row.failure = DeliveryState.FAILED.value, now(), reason


async def _lock_pending(session: AsyncSession, leased: WebhookDelivery) -> WebhookDelivery | None:
    """The row of a leased delivery; None when it was erased or settled meanwhile."""
    row = await session.get(WebhookDelivery, (leased.owner_id, leased.id), with_for_update=NO_KEY)
    return row if row is not None and row.state == DeliveryState.PENDING.value else None


class DeliveryRow(NamedTuple):
    """What is shown of a delivery."""

    owner_id: UUID
    id: UUID
    endpoint_id: UUID
    event: str
    state: str
    attempts: int
    at: datetime
    due_at: datetime
    settled_at: datetime | None
    last_status: int | None
    failure: str | None


_BY_KEY = Read(
    sqlalchemy.select(*columns(WebhookDelivery, DeliveryRow)).where(
        col(WebhookDelivery.owner_id) == bindparam("owner_id"),
        col(WebhookDelivery.id) == bindparam("id"),
        col(WebhookDelivery.organization_id) == bindparam("organization_id"),
    ),
    DeliveryRow._make,
)


def row_of(delivery: WebhookDelivery) -> DeliveryRow:
    """What is shown of a row."""
    return DeliveryRow._make(getattr(delivery, name) for name in DeliveryRow._fields)


def _conditions(organization_id: UUID, endpoint_id: UUID, state: DeliveryState | None) -> list[Any]:
    found: list[Any] = [
        col(WebhookDelivery.organization_id) == organization_id,
        col(WebhookDelivery.endpoint_id) == endpoint_id,
    ]
    return found if state is None else [*found, col(WebhookDelivery.state) == state.value]


async def by_id(store: Store, *, organization_id: UUID, owner_id: UUID, delivery_id: UUID) -> DeliveryRow | None:
    """A delivery of the organization; None if there is none."""
    return await store.database.row(_BY_KEY, owner_id=owner_id, id=delivery_id, organization_id=organization_id)


async def page(
    store: Store,
    *,
    organization_id: UUID,
    endpoint_id: UUID,
    state: DeliveryState | None,
    before: UUID | None,
    limit: int,
) -> list[DeliveryRow]:
    """Up to `limit` deliveries of an endpoint before the delivery `before`, newest first."""
    conditions = _conditions(organization_id, endpoint_id, state)
    if before is not None:
        conditions.append(col(WebhookDelivery.id) < before)
    statement = sqlalchemy.select(*columns(WebhookDelivery, DeliveryRow)).where(*conditions)
    newest_first = statement.order_by(col(WebhookDelivery.id).desc()).limit(limit)
    return await store.database.rows(Read(newest_first, DeliveryRow._make))


async def count(store: Store, *, organization_id: UUID, endpoint_id: UUID, state: DeliveryState | None) -> int:
    """How many deliveries an endpoint has, up to the limit of counting."""
    found = sqlalchemy.select(col(WebhookDelivery.id)).where(*_conditions(organization_id, endpoint_id, state))
    statement = sqlalchemy.select(func.count()).select_from(found.limit(COUNT_LIMIT).subquery())
    [row] = await store.database.rows(Read(statement, _Count._make))
    return row.rows


async def replay(session: AsyncSession, *, organization_id: UUID, owner_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Make a settled delivery due again, with the same `webhook-id`; raise `NotFound`."""
    row = await session.get(WebhookDelivery, (owner_id, delivery_id), with_for_update=NO_KEY)
    if row is None or row.organization_id != organization_id:
        raise NotFound("There is no delivery with this id.", field=("id",))
    if row.state != DeliveryState.PENDING.value:
        row.state, row.attempts, row.settled_at = DeliveryState.PENDING.value, 0, None
    row.due_at = now()
    return row


async def replay_range(
    session: AsyncSession, store: Store, *, organization_id: UUID, endpoint_id: UUID, since: datetime, until: datetime
) -> int:
    """Make the FAILED deliveries of a time due again, oldest first, at most `MAX_REPLAYED`; return how many."""
    statement = (
        sqlalchemy.select(*columns(WebhookDelivery, _Key))
        .where(*_conditions(organization_id, endpoint_id, DeliveryState.FAILED))
        .where(col(WebhookDelivery.at) >= since, col(WebhookDelivery.at) < until)
        .order_by(col(WebhookDelivery.id))
        .limit(MAX_REPLAYED)
    )
    keys = await store.database.rows(Read(statement, _Key._make))
    for key in keys:
        await replay(session, organization_id=organization_id, owner_id=key.owner_id, delivery_id=key.id)
    return len(keys)


async def sweep(store: Store) -> int:
    """Delete deliveries that were settled 30 days ago; return how many."""
    return await _SETTLED.run(store.database, before=now() - RETENTION)


async def erase(session: AsyncSession, *, customer_id: UUID) -> int:
    """Delete what was to be announced of a customer; return how many deliveries. That it is erased is still said."""
    await session.exec(delete(WebhookOutboxEvent).where(col(WebhookOutboxEvent.owner_id) == customer_id))
    deleted = await session.exec(delete(WebhookDelivery).where(col(WebhookDelivery.owner_id) == customer_id))
    return deleted.rowcount
