"""Builds exports in the background, and removes them when their time is over.

| Status      | Next                                                          | What is kept                          |
| ----------- | ------------------------------------------------------------- | ------------------------------------- |
| `REQUESTED` | READY, or FAILED                                              | who asked, when                       |
| `FAILED`    | READY; tried again after 10 s, 20 s … at most 1 h, for ever   | the kind of the failure               |
| `READY`     | gone after 7 days, with a newer one, or with the customer     | the ZIP file, sealed, in parts        |

An export is built in one transaction that holds the customer's lock: it is of one moment, and an erasure comes before
it or after it. A worker that dies leaves the next one to begin again when the lease ends.
"""

import asyncio
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations import repository as organizations
from app.customers import repository as customers
from app.customers.notices import notify
from app.customers.repository import LockedCustomer
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import Purpose
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.locks import NO_KEY
from app.platform.db.queues import Queue, retry_delay
from app.platform.db.sweeping import Sweep
from app.platform.languages import language_of
from app.platform.logs import log_exception
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from app.platform.vault.vault import Store
from app.privacy.exports import archive, repository, sections
from app.privacy.exports.repository import PARTS, DataExportStatus
from app.privacy.tables import DataExport, DataExportPart

LEASE = timedelta(minutes=5)
PART_BYTES = 256 * 1024
_QUEUE = Queue(DataExport, DataExport.due_at)
_EXPIRED = Sweep(
    DataExport,
    col(DataExport.expires_at) < bindparam("before"),
    belonging=[(DataExportPart, DataExportPart.customer_id, DataExportPart.export_id)],
)


class _Leased(NamedTuple):
    customer_id: UUID
    id: UUID
    organization_id: UUID


async def build_due(store: Store) -> int:
    """Build all exports that are due; return how many are ready."""
    built = 0
    while leased := await _lease_due(store):
        try:
            await _build(store, leased)
            built += 1
        except Exception as fault:  # noqa: BLE001 - any failure must be logged, stored and retried
            log_exception("data_export_failed", fault, export_id=leased.id.hex)
            await _fail(store, leased, type(fault).__qualname__)
    return built


async def sweep(store: Store) -> int:
    """Delete the exports whose time is over; return how many."""
    return await _EXPIRED.run(store.database, before=now())


async def _lease_due(store: Store) -> _Leased | None:
    moment = now()
    async with _QUEUE.lock_due(store.database, moment=moment, limit=1) as rows:
        for row in rows:
            row.due_at = moment + LEASE
            row.attempts += 1
            return _Leased(row.customer_id, row.id, row.organization_id)
    return None


async def _build(store: Store, leased: _Leased) -> None:
    async with store.database.transaction() as session:
        customer = await customers.lock(
            session, store.vault, organization_id=leased.organization_id, customer_id=leased.customer_id
        )
        row = await session.get(DataExport, (leased.customer_id, leased.id), with_for_update=NO_KEY)
        if row is None or customer is None or row.status == DataExportStatus.READY.value:
            return
        organization = await organizations.by_id(session, leased.organization_id)
        await _delete_earlier(session, row)
        row.size = await _write_parts(session, store, organization, customer, row)
        row.status, row.failure, row.due_at = DataExportStatus.READY.value, None, None
        row.ready_at = now()
        row.expires_at = row.ready_at + Purpose.DATA_EXPORT.lifetime
        session.add(row)
        if row.requested_by_id is None:
            await _mail_link(session, store, organization, customer)


async def _write_parts(
    session: AsyncSession, store: Store, organization: Organization, customer: LockedCustomer, row: DataExport
) -> int:
    """Write the sealed parts; return how many bytes they have together."""
    customer_id = customer.row.id
    found = await sections.read_all(store, organization_id=organization.id, customer_id=customer_id)
    content = await asyncio.to_thread(
        archive.make,
        found,
        organization=organization.name,
        customer_id=str(customer_id),
        created_at=now(),
        language=language_of(customer.personal.locale),
    )
    cipher = await store.vault.cipher(customer_id)
    for position, start in enumerate(range(0, len(content), PART_BYTES)):
        part_id = new_id()
        session.add(
            DataExportPart(
                customer_id=customer_id,
                id=part_id,
                export_id=row.id,
                position=position,
                sealed=cipher.seal_bytes(PARTS, part_id, content[start : start + PART_BYTES]),
            )
        )
    return len(content)


async def _delete_earlier(session: AsyncSession, row: DataExport) -> None:
    """Delete what the same side asked for before: one file of a kind is enough."""
    same_side = col(DataExport.requested_by_id).is_(None) == (row.requested_by_id is None)
    earlier = select(DataExport.id).where(DataExport.customer_id == row.customer_id, DataExport.id != row.id, same_side)
    for export_id in (await session.exec(earlier)).all():
        await repository.delete_export(session, customer_id=row.customer_id, export_id=export_id)


async def _mail_link(session: AsyncSession, store: Store, organization: Organization, customer: LockedCustomer) -> None:
    issued = await proofs.issue(
        session,
        store.vault,
        organization_id=organization.id,
        customer_id=customer.row.id,
        purpose=Purpose.DATA_EXPORT,
    )
    await notify(
        session,
        store.vault,
        organization=organization,
        customer_id=customer.row.id,
        personal=customer.personal,
        template=Template.DATA_EXPORT_READY,
        token=issued.token,
    )


async def _fail(store: Store, leased: _Leased, failure: str) -> None:
    async with store.database.transaction() as session:
        row = await session.get(DataExport, (leased.customer_id, leased.id), with_for_update=NO_KEY)
        if row is None:
            return
        row.status, row.failure = DataExportStatus.FAILED.value, failure[:64]
        row.due_at = now() + retry_delay(row.attempts)
        session.add(row)
