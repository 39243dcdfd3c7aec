"""Anonymization requests: request one, cancel one. `erasure` has the table of their states."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers
from app.customers.anonymizations.repository import AnonymizationRow, AnonymizationStatus
from app.customers.anonymizations.tables import AnonymizationRequest
from app.customers.identifiers import IdentifierKind
from app.customers.orders import recording
from app.customers.orders import repository as orders
from app.customers.tables import Customer
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.inserts import insert_if_absent
from app.platform.db.locks import NO_KEY, lock_customer
from app.platform.errors import AppError, ErrorCode, NotFound
from app.platform.values import EmailAddress
from app.platform.vault import ledger
from app.platform.vault.ledger import Entry, ErasureStatus, Subject
from app.platform.vault.vault import Vault

Status = AnonymizationStatus


class AlreadyRequested(AppError):
    """The person has an open anonymization request, or was anonymized."""

    code = ErrorCode.ALREADY_REQUESTED
    message = "The anonymization was requested already."
    field = ("customerId",)


class AlreadyStarted(AppError):
    """The anonymization has started, so it cannot be cancelled."""

    code = ErrorCode.ALREADY_STARTED
    message = "The anonymization has started and can no longer be cancelled."
    field = ("customerId",)


class NothingRequested(AppError):
    """There is no request that could be cancelled."""

    code = ErrorCode.NOT_FOUND
    message = "No anonymization is requested."
    field = ("customerId",)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is to be forgotten: a customer, or a guest whose orders `guest_hash` finds; `field` named it."""

    field: str
    customer_id: UUID | None = None
    guest_hash: bytes | None = None

    @property
    def id(self) -> UUID:
        """What the ledger calls the person; for a guest it is derived from the hash."""
        if self.customer_id:
            return self.customer_id
        assert self.guest_hash is not None  # noqa: S101 - a person is one of the two
        return UUID(bytes=self.guest_hash[:16])


async def by_email(session: AsyncSession, vault: Vault, *, organization_id: UUID, email: EmailAddress) -> Person:
    """The customer who has the address, or else the guest who ordered with it; raise `NotFound`."""
    customer_id = await identifiers.owner_id(
        session, vault, organization_id=organization_id, kind=IdentifierKind.EMAIL, canonical=email.canonical
    )
    if customer_id:
        return Person("email", customer_id=customer_id)
    hashed = recording.guest_hash(vault, organization_id=organization_id, email_canonical=email.canonical)
    if not await orders.has_guest_orders(session, organization_id=organization_id, guest_hash=hashed):
        raise NotFound("Nobody has this address, and no guest has ordered with it.", field=("email",))
    return Person("email", guest_hash=hashed)


async def by_order_number(session: AsyncSession, *, organization_id: UUID, number: str) -> Person:
    """The customer or the guest who placed an order; raise `NotFound`, or `AlreadyRequested` of an erased guest."""
    found = await orders.buyer(session, organization_id=organization_id, number=number)
    if found is None:
        raise NotFound("There is no order with this number.", field=("orderNumber",))
    customer_id, guest_hash = found
    if customer_id is None and guest_hash is None:
        raise AlreadyRequested("The guest of this order was anonymized.", field=("orderNumber",))
    return Person("orderNumber", customer_id=customer_id, guest_hash=guest_hash)


async def request(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    person: Person,
    requester_id: UUID | None,
    delay: timedelta,
) -> AnonymizationRow:
    """Request that the person be anonymized after `delay`; raise `NotFound`, `AlreadyRequested`.

    Without a `requester_id` the retention of the organization asks for it.

    The key store has the request before the main database. If the main database then fails, the request is open, and
    `restores` (or the next call) writes it into the main database.
    """
    if person.customer_id:
        await _lock(session, organization_id=organization_id, customer_id=person.customer_id, field=person.field)
    moment = now()
    wanted = Entry(
        new_id(),
        organization_id,
        (Subject.CUSTOMER if person.customer_id else Subject.GUEST).value,
        person.id,
        requested_at=moment,
        starts_after=moment + delay,
        guest_hash=person.guest_hash,
        requester_id=requester_id,
    )
    entry = await ledger.add_request(vault.keystore, wanted)
    if not await add_from_ledger(session, entry):
        raise AlreadyRequested(field=(person.field,))
    return await _row(session, entry)


async def is_anonymized(session: AsyncSession, *, organization_id: UUID, customer_id: UUID) -> bool:
    """Whether a customer who cannot be locked was anonymized; otherwise there is none."""
    erased = select(Customer.id).where(
        Customer.id == customer_id, Customer.organization_id == organization_id, col(Customer.deleted_at).is_(None)
    )
    return (await session.exec(erased)).first() is not None


async def _lock(session: AsyncSession, *, organization_id: UUID, customer_id: UUID, field: str) -> None:
    if await lock_customer(session, organization_id=organization_id, customer_id=customer_id):
        return
    if not await is_anonymized(session, organization_id=organization_id, customer_id=customer_id):
        raise NotFound(field=(field,))
    raise AlreadyRequested("This customer was anonymized.", field=(field,))


async def add_from_ledger(session: AsyncSession, entry: Entry, *, requester_known: bool = True) -> bool:
    """Write a request of the ledger into the main database; False when it is there already."""
    values: Mapping[str, Any] = {
        "id": entry.id,
        "owner_id": owner_id(entry),
        "organization_id": entry.organization_id,
        "customer_id": entry.person_id if entry.subject == Subject.CUSTOMER.value else None,
        "guest_hash": entry.guest_hash,
        "status": entry.status,
        "requester_id": entry.requester_id if requester_known else None,
        "requested_at": entry.requested_at,
        "starts_after": entry.starts_after,
        "due_at": entry.starts_after,
        "started_at": entry.started_at,
        "attempts": 0,
    }
    return await insert_if_absent(session, AnonymizationRequest, **values)


def owner_id(entry: Entry) -> UUID:
    """The owner of a request in the main database: the customer, or the request itself when it is about a guest."""
    return entry.person_id if entry.subject == Subject.CUSTOMER.value else entry.id


async def _row(session: AsyncSession, entry: Entry) -> AnonymizationRow:
    row = await session.get_one(AnonymizationRequest, (owner_id(entry), entry.id))
    return AnonymizationRow(**{name: getattr(row, name) for name in AnonymizationRow._fields})


async def cancel(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    canceller_id: UUID,
    customer_id: UUID | None = None,
    request_id: UUID | None = None,
) -> AnonymizationRow:
    """Cancel the open request of a customer, or the one with this id.

    The ledger decides, whatever the status here: raise `NothingRequested`, or `AlreadyStarted` once it has started.
    """
    field = ("customerId",) if customer_id else ("id",)
    condition = (
        col(AnonymizationRequest.owner_id) == customer_id if customer_id else col(AnonymizationRequest.id) == request_id
    )
    latest = (
        select(AnonymizationRequest.owner_id, AnonymizationRequest.id)
        .where(AnonymizationRequest.organization_id == organization_id, condition)
        .order_by(col(AnonymizationRequest.id).desc())
        .limit(1)
    )
    key = (await session.exec(latest)).first()
    row = await session.get(AnonymizationRequest, key, with_for_update=NO_KEY) if key else None
    if row is None or row.status == Status.CANCELLED.value:
        raise NothingRequested(field=field)
    if row.status == Status.COMPLETED.value:
        raise AlreadyStarted("The anonymization is completed and can no longer be cancelled.", field=field)
    entry = await ledger.cancel(vault.keystore, row.id, canceller_id=canceller_id)
    if entry is None or entry.status != ErasureStatus.CANCELLED.value:
        raise AlreadyStarted(field=field)
    mark_cancelled(row, entry)
    session.add(row)
    return AnonymizationRow(**{name: getattr(row, name) for name in AnonymizationRow._fields})


def mark_cancelled(row: AnonymizationRequest, entry: Entry, *, canceller_known: bool = True) -> None:
    """Set a locked row to what the ledger says of a cancelled request."""
    row.status = Status.CANCELLED.value
    row.cancelled_at = entry.cancelled_at
    row.canceller_id = entry.canceller_id if canceller_known else None
    row.guest_hash = None
    row.failure = None
