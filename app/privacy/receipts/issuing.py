"""Issues receipts: the first after an erasure is completed, the second when it became irrecoverable.

A worker that dies leaves the next one to issue it; the primary key decides between two that do so at the same time.

| Receipt | Issued when                                                                   | Not while             |
| ------- | ----------------------------------------------------------------------------- | --------------------- |
| first   | ledger and main database say COMPLETED                                        | something is left     |
| second  | every key version up to the one that was current at the erasure is destroyed  | there is no first one |
"""

from dataclasses import dataclass
from uuid import UUID

import jwt
import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.anonymizations.repository import AnonymizationStatus, unanswered_gateways
from app.customers.anonymizations.tables import AnonymizationRequest
from app.platform.clock import now
from app.platform.vault import versions
from app.platform.vault.ledger import Entry, Subject
from app.platform.vault.schedule import KeySchedule
from app.platform.vault.vault import Store
from app.platform.vault.versions import VersionRow
from app.privacy import inventory
from app.privacy.inventory import Inventory
from app.privacy.receipts import keys, repository
from app.privacy.receipts.contents import FINAL, FIRST, TYPE, Findings, Irrecoverable, claims
from app.privacy.receipts.keys import ReceiptKey
from app.privacy.receipts.repository import Completed, StoredReceipt
from app.privacy.requests import owner_id

log = structlog.get_logger(__name__)
_SMALLEST_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: `url` is the public address of the service, and `schedule` tells when key versions are destroyed."""

    url: str
    schedule: KeySchedule


async def issue_receipts(store: Store, issuer: Issuer) -> int:
    """Issue all receipts that are due; return how many."""
    issued, after = 0, _SMALLEST_ID
    rows = await versions.all_versions(store.vault.keystore)
    while found := await repository.without_first(store.vault.keystore, after=after):
        issued += await _issue_all(store, issuer, rows, found, number=FIRST)
        after = found[-1].erasure.id
    after = _SMALLEST_ID
    oldest = min((row.version for row in rows if row.destroyed_at is None), default=0)
    while found := await repository.without_final(store.vault.keystore, after=after, oldest_version=oldest):
        issued += await _issue_all(store, issuer, rows, found, number=FINAL)
        after = found[-1].erasure.id
    return issued


async def _issue_all(
    store: Store, issuer: Issuer, rows: list[VersionRow], found: list[Completed], *, number: int
) -> int:
    key = (await keys.all_keys(store.vault))[-1]
    return sum([await _issue(store, issuer, key, rows, one, number=number) for one in found])


async def _issue(
    store: Store, issuer: Issuer, key: ReceiptKey, rows: list[VersionRow], completed: Completed, *, number: int
) -> bool:
    erasure, version = completed
    findings = await _read_again(store, erasure)
    if findings is None:
        return False
    irrecoverable = Irrecoverable(None, None)
    if version is not None:
        by = issuer.schedule.irrecoverable_by(rows, version=version)
        irrecoverable = Irrecoverable(by, versions.all_destroyed_at(rows, version=version))
    earlier = await repository.receipts(store.vault.keystore, erasure_id=erasure.id) if number == FINAL else []
    issued_at = now()
    content = claims(
        erasure,
        findings,
        irrecoverable,
        number=number,
        issuer=issuer.url,
        issued_at=issued_at,
        previous=earlier[-1].jws if earlier else None,
    )
    jws = jwt.encode(content, key.private, algorithm="EdDSA", headers={"typ": TYPE, "kid": key.kid})
    receipt = StoredReceipt(erasure.id, number, erasure.organization_id, jws, issued_at)
    return await repository.add(store.vault.keystore, receipt)


async def _read_again(store: Store, erasure: Entry) -> Findings | None:
    """What every store has; None while the erasure is not completed, or when something is left that should be gone."""
    customer_id = erasure.person_id if erasure.subject == Subject.CUSTOMER.value else None
    async with store.database.transaction() as session:
        counted = await _counted(session, erasure)
        if counted is None:
            return None
        left = await inventory.left_of(
            session, store.vault.keystore, customer_id=customer_id, guest_orders=counted.guest_orders
        )
        if left:
            log.error("erasure_incomplete", anonymization_id=erasure.id.hex, stores=sorted(left))
            return None
        if customer_id is None:
            return Findings(counted, {}, [])
        kept = await inventory.kept_of(session, customer_id=customer_id)
    [unanswered] = await unanswered_gateways(store, erasure.organization_id, [customer_id])
    return Findings(counted, kept, unanswered)


async def _counted(session: AsyncSession, erasure: Entry) -> Inventory | None:
    """What the erasure found; None while the main database does not say that it is completed."""
    row = await session.get(AnonymizationRequest, (owner_id(erasure), erasure.id))
    if row is None or row.status != AnonymizationStatus.COMPLETED.value:
        return None
    return Inventory.from_json(row.counts)
