"""Places and releases legal holds.

| Customer                                  | `place`          | Its erasure                                           |
| ----------------------------------------- | ---------------- | ----------------------------------------------------- |
| unknown, deleted, of another organization | `NotFound`       |                                                       |
| anonymized                                | `AlreadyStarted` |                                                       |
| with an erasure that has started          | `AlreadyStarted` | goes on                                               |
| with a request that waits                 | placed           | waits until no hold is in force, then starts          |
| with 20 holds in force                    | `TooManyHolds`   |                                                       |
| any other                                 | placed           | may be requested, and waits; `deleteCustomer` refuses |

Holds are of different people and courts: each is released for itself. Releasing twice changes nothing. What the
customer changes or deletes in its own account is not held back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.anonymizations.repository import AnonymizationStatus
from app.customers.anonymizations.tables import AnonymizationRequest
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.inserts import insert_if_absent
from app.platform.db.locks import NO_KEY, lock_customer
from app.platform.db.reading import Read, any_of, columns
from app.platform.errors import AppError, ErrorCode, NotFound
from app.platform.vault import holds
from app.platform.vault.holds import Hold
from app.platform.vault.vault import Store, Vault
from app.privacy.requests import AlreadyStarted, is_anonymized
from app.privacy.tables import LegalHold

TABLE = "legal_holds"
MAX_IN_FORCE = 20


class OnLegalHold(AppError):
    """The customer's data must stay while a legal hold is in force."""

    code = ErrorCode.LEGAL_HOLD
    message = "A legal hold is in force: this customer's data must stay. Release it first."


class TooManyHolds(AppError):
    """The customer has as many holds in force as there may be."""

    code = ErrorCode.LIMIT_REACHED
    message = "There are {max} legal holds in force already."


class HoldRow(NamedTuple):
    """The columns of a hold."""

    customer_id: UUID
    id: UUID
    sealed: bytes | None
    until: datetime | None
    placed_at: datetime
    placed_by_id: UUID | None
    released_at: datetime | None
    released_by_id: UUID | None


class HoldRecord(NamedTuple):
    """A hold and its reason; None once the customer was erased, or when a restore has lost it."""

    row: HoldRow
    reason: str | None


_OF_CUSTOMERS = Read(
    select(*columns(LegalHold, HoldRow))
    .where(
        col(LegalHold.organization_id) == bindparam("organization_id"),
        any_of(LegalHold.customer_id, "ids"),
    )
    .order_by(col(LegalHold.id)),
    HoldRow._make,
)


async def place(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    customer_id: UUID,
    reason: str,
    until: datetime | None,
    staff_id: UUID,
) -> HoldRecord:
    """Place a hold; raise as the module says. The key store has it before the main database."""
    if not await lock_customer(session, organization_id=organization_id, customer_id=customer_id):
        if await is_anonymized(session, organization_id=organization_id, customer_id=customer_id):
            raise AlreadyStarted("This customer was anonymized.")
        raise NotFound(field=("customerId",))
    in_force = await holds.in_force(vault.keystore, organization_id=organization_id, person_id=customer_id)
    if len(in_force) >= MAX_IN_FORCE:
        raise TooManyHolds(field=("customerId",), max=MAX_IN_FORCE)
    hold = Hold(new_id(), organization_id, customer_id, until, now())
    try:
        await holds.place(vault.keystore, hold)
    except holds.ErasureStarted:
        raise AlreadyStarted("The anonymization has started: nothing can be held back any more.") from None
    cipher = await vault.cipher(customer_id)
    await add_row(session, hold, sealed=cipher.seal(TABLE, hold.id, {"reason": reason}), placed_by_id=staff_id)
    row = HoldRow(customer_id, hold.id, None, until, hold.placed_at, staff_id, None, None)
    return HoldRecord(row, reason)


async def add_row(session: AsyncSession, hold: Hold, **values: object) -> None:
    """Write a hold of the key store into the main database, unless it is there."""
    await insert_if_absent(
        session,
        LegalHold,
        id=hold.id,
        customer_id=hold.person_id,
        organization_id=hold.organization_id,
        until=hold.until,
        placed_at=hold.placed_at,
        released_at=hold.released_at,
        **values,
    )


async def follow(session: AsyncSession, hold: Hold) -> None:
    """Bring the row of the main database up to what the key store says of the hold."""
    await add_row(session, hold)
    if hold.released_at is not None:
        late = update(LegalHold).where(
            col(LegalHold.customer_id) == hold.person_id,
            col(LegalHold.id) == hold.id,
            col(LegalHold.released_at).is_(None),
        )
        await session.exec(late.values(released_at=hold.released_at))


async def release(
    session: AsyncSession, store: Store, *, organization_id: UUID, hold_id: UUID, staff_id: UUID
) -> HoldRecord:
    """Release a hold, after which a request that waited for it is due; raise `NotFound`.

    One that was released stays as it is.
    """
    statement = select(LegalHold.customer_id).where(
        LegalHold.organization_id == organization_id, LegalHold.id == hold_id
    )
    customer_id = (await session.exec(statement)).first()
    if customer_id is None:
        raise NotFound("There is no such legal hold.", field=("id",))
    await lock_customer(session, organization_id=organization_id, customer_id=customer_id)
    row = await session.get_one(LegalHold, (customer_id, hold_id), with_for_update=NO_KEY, populate_existing=True)
    if row.released_at is None:
        row.released_at, row.released_by_id = now(), staff_id
        await holds.release(store.vault.keystore, hold_id, released_at=row.released_at)
        session.add(row)
        await _make_due(session, customer_id)
        await session.flush()
    [found] = await _open(store, [HoldRow._make(getattr(row, name) for name in HoldRow._fields)])
    return found


async def _make_due(session: AsyncSession, customer_id: UUID) -> None:
    moment = now()
    await session.exec(
        update(AnonymizationRequest)
        .where(
            col(AnonymizationRequest.owner_id) == customer_id,
            col(AnonymizationRequest.status) == AnonymizationStatus.REQUESTED.value,
            col(AnonymizationRequest.starts_after) <= moment,
        )
        .values(due_at=moment)
    )


async def of_customers(store: Store, organization_id: UUID, ids: Sequence[UUID]) -> list[list[HoldRecord]]:
    """The holds of each of these customers, oldest first."""
    found = await _open(store, await store.database.rows(_OF_CUSTOMERS, organization_id=organization_id, ids=ids))
    return [[record for record in found if record.row.customer_id == one] for one in ids]


async def _open(store: Store, rows: Sequence[HoldRow]) -> list[HoldRecord]:
    ciphers = await store.vault.ciphers({row.customer_id for row in rows if row.sealed})
    found = []
    for row in rows:
        cipher = ciphers.get(row.customer_id)
        opened = cipher.open(TABLE, row.id, row.sealed) if cipher and row.sealed else {}
        found.append(HoldRecord(row, opened.get("reason")))
    return found


async def erase(session: AsyncSession, *, customer_id: UUID) -> None:
    """Forget the reasons of a customer's holds; who placed them, and when, stays."""
    await session.exec(update(LegalHold).where(col(LegalHold.customer_id) == customer_id).values(sealed=None))
