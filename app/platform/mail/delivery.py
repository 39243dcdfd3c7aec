"""Mail delivery: sends what is in the outbox, at least once, with a stable Message-ID and a limit of attempts.

    lease    up to 20 due mails: `due_at` moves 15 minutes ahead, `attempts` counts up, committed
    send     over one connection
    settle   SENT; or due again after 10 s, doubling up to 1 h; or FAILED after a permanent error or 15 attempts

A worker that dies between two steps leaves mails that the next one may send again. Both copies have the same
Message-ID, so the receiving side can recognise them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy
import structlog
from aiosmtplib import SMTPException
from sqlalchemy import bindparam, delete, func
from sqlmodel import col

from app.platform.clock import now
from app.platform.db.locks import NO_KEY
from app.platform.db.queues import Queue, retry_delay
from app.platform.db.reading import Read, columns
from app.platform.db.sweeping import Sweep
from app.platform.mail.outbox import TABLE, MailContent, MailState
from app.platform.mail.rendering import email_message
from app.platform.mail.smtp import MailServer, SendMessage, is_permanent
from app.platform.mail.tables import OutgoingMail
from app.platform.mail.templates import Template
from app.platform.vault.vault import Store

log = structlog.get_logger(__name__)

BATCH = 20
LEASE = timedelta(minutes=15)
MAX_ATTEMPTS = 15


class _State(NamedTuple):
    state: str


class _Count(NamedTuple):
    state: str
    mails: int


_COUNTS = Read(
    sqlalchemy.select(*columns(OutgoingMail, _State), func.count()).group_by(col(OutgoingMail.state)),
    _Count._make,
)
_SETTLED = Sweep(
    OutgoingMail,
    col(OutgoingMail.organization_id) == bindparam("organization_id"),
    col(OutgoingMail.settled_at) < bindparam("before"),
)
_QUEUED = Queue(OutgoingMail, OutgoingMail.due_at, col(OutgoingMail.state) == MailState.QUEUED.value)


@dataclass(frozen=True, slots=True)
class MailTransport:
    """How mail is sent. Without a `server`, and with `keep_sent`, mails stay readable in the development mailbox."""

    server: MailServer | None
    sender: str
    fallback_url: str
    keep_sent: bool = False


@dataclass(frozen=True, slots=True)
class LeasedMail:
    """A mail that this worker may deliver until its lease ends."""

    id: UUID
    customer_id: UUID
    template: Template
    sealed: bytes | None
    attempts: int


async def deliver_due(store: Store, transport: MailTransport) -> int:
    """Deliver all mails that are due; return how many were delivered."""
    if transport.server is None and not transport.keep_sent:
        return 0
    delivered = 0
    while leased := await lease_due(store):
        delivered += await _deliver(store, transport, leased)
    return delivered


async def lease_due(store: Store) -> list[LeasedMail]:
    """Lease the oldest due mails; other workers skip them until the lease ends."""
    moment = now()
    async with _QUEUED.lock_due(store.database, moment=moment, limit=BATCH) as rows:
        for row in rows:
            row.due_at = moment + LEASE
            row.attempts += 1
        return [LeasedMail(row.id, row.customer_id, Template(row.template), row.sealed, row.attempts) for row in rows]


async def _deliver(store: Store, transport: MailTransport, leased: list[LeasedMail]) -> int:
    contents = await _unseal(store, leased)
    # Mails to an address without an account, or to an erased customer, cannot be opened.
    await _discard(store, [mail for mail in leased if mail.id not in contents])
    openable = [mail for mail in leased if mail.id in contents]
    if not openable:
        return 0
    if transport.server is None:
        return sum([await _settle(store, transport, mail, None) for mail in openable])
    try:
        async with transport.server.connect() as send:
            return sum([await _attempt(store, transport, mail, contents[mail.id], send) for mail in openable])
    except (OSError, SMTPException) as fault:
        for mail in openable:
            await _settle(store, transport, mail, fault)
        return 0


async def _unseal(store: Store, leased: list[LeasedMail]) -> dict[UUID, MailContent]:
    ciphers = await store.vault.ciphers({mail.customer_id for mail in leased})
    return {
        mail.id: ciphers[mail.customer_id].open_as(MailContent, TABLE, mail.id, mail.sealed)
        for mail in leased
        if mail.customer_id in ciphers and mail.sealed is not None
    }


async def _attempt(
    store: Store, transport: MailTransport, mail: LeasedMail, content: MailContent, send: SendMessage
) -> int:
    # Asked again for each mail, as an erasure may have come since the first one of the batch.
    if not await store.vault.has_key(mail.customer_id):
        await _discard(store, [mail])
        return 0
    fault: Exception | None = None
    try:
        await send(
            email_message(mail.id, mail.template, content, fallback_url=transport.fallback_url, sender=transport.sender)
        )
    except Exception as caught:  # noqa: BLE001 - one mail that fails must not delay the others
        fault = caught
    return await _settle(store, transport, mail, fault)


async def _settle(store: Store, transport: MailTransport, mail: LeasedMail, fault: Exception | None) -> int:
    async with store.database.transaction() as session:
        row = await session.get(OutgoingMail, (mail.customer_id, mail.id), with_for_update=NO_KEY)
        if row is None or row.state != MailState.QUEUED.value:
            return 0
        if fault is None:
            row.state, row.settled_at, row.failure = MailState.SENT.value, now(), None
        else:
            row.failure = type(fault).__qualname__[:64]
            row.due_at = now() + retry_delay(mail.attempts)
            if is_permanent(fault) or mail.attempts >= MAX_ATTEMPTS:
                row.state, row.settled_at = MailState.FAILED.value, now()
        if row.state != MailState.QUEUED.value and not transport.keep_sent:
            row.sealed = None
        session.add(row)
    if fault is not None:
        event = "mail_given_up" if row.state == MailState.FAILED.value else "mail_delayed"
        log.warning(event, mail_id=mail.id.hex, attempts=mail.attempts, kind=row.failure)
    return int(fault is None)


async def _discard(store: Store, mails: list[LeasedMail]) -> None:
    async with store.database.transaction() as session:
        for mail in mails:
            its_row = (col(OutgoingMail.customer_id) == mail.customer_id, col(OutgoingMail.id) == mail.id)
            await session.exec(delete(OutgoingMail).where(*its_row))


async def counts(store: Store) -> dict[MailState, int]:
    """The number of mails in each state; an operator should look at those that `FAILED`."""
    by_state = {row.state: row.mails for row in await store.database.rows(_COUNTS)}
    return {state: by_state.get(state.value, 0) for state in MailState}


async def sweep(store: Store, *, organization_id: UUID, before: datetime) -> int:
    """Delete an organization's mails that were settled before then; return how many."""
    return await _SETTLED.run(store.database, organization_id=organization_id, before=before)
