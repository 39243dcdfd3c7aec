"""Deletion of customers without orders, and of removed staff: the data in one transaction, the data key after it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers
from app.customers import repository as customers
from app.customers.email_replacement import is_same_mailbox
from app.customers.identifiers import IdentifierKind
from app.customers.orders import repository as orders
from app.customers.orders.guest_order_keys import discard_spent_keys
from app.customers.repository import LockedCustomer
from app.identity.staff.tables import StaffMember
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.locks import NO_KEY
from app.platform.db.queues import Queue
from app.platform.db.reading import Read, columns
from app.platform.errors import AppError, Conflict, ErrorCode, NotFound
from app.platform.values import EmailAddress
from app.platform.vault import epochs, holds
from app.platform.vault.ledger import Subject
from app.platform.vault.vault import Store, Vault
from app.privacy.erasure import LEASE, erase_customer_data
from app.privacy.legal_holds.placing import OnLegalHold
from app.privacy.tables import Deletion

_DELETIONS = Queue(Deletion, Deletion.due_at)


class HasOrders(AppError):
    """The customer has orders, which must be kept together with the customer's id."""

    code = ErrorCode.HAS_ORDERS
    message = "This customer has orders and cannot be deleted. Have it anonymized with requestAnonymization instead."
    field = ("customerId",)


class _LeasedDeletion(NamedTuple):
    id: UUID
    organization_id: UUID
    customer_id: UUID


class _RemovedMember(NamedTuple):
    id: UUID
    organization_id: UUID


_REMOVED_STAFF = Read(
    select(*columns(StaffMember, _RemovedMember)).where(col(StaffMember.key_due_at).is_not(None)).limit(500),
    _RemovedMember._make,
)


async def delete(
    session: AsyncSession,
    store: Store,
    *,
    organization_id: UUID,
    customer: UUID | EmailAddress,
    expected_version: int | None,
    only_guest_before: datetime | None = None,
) -> Deletion:
    """Delete the customer with this id or address, and everything it owns.

    `finish_deletions` destroys the data key after this transaction. Raise `NotFound` (also for a customer who is
    deleted already), `HasOrders`, `OnLegalHold`, or `Conflict` when the version is not the expected one,
    or the customer is no guest any more or was changed at `only_guest_before` or later.
    """
    field = "email" if isinstance(customer, EmailAddress) else "customerId"
    found = await _lock(session, store.vault, organization_id, customer)
    if found is None:
        raise NotFound(field=(field,))
    customer_id = found.row.id
    if expected_version is not None and found.row.version != expected_version:
        raise Conflict(field=("expectedVersion",))
    if only_guest_before is not None and (
        found.row.sealed_password is not None or found.row.updated_at >= only_guest_before
    ):
        raise Conflict
    if await holds.in_force(store.vault.keystore, organization_id=organization_id, person_id=customer_id):
        raise OnLegalHold(field=(field,))
    if await orders.has_orders(session, organization_id=organization_id, customer_id=customer_id):
        raise HasOrders(field=(field,))
    await erase_customer_data(session, store, organization_id=organization_id, customer_id=customer_id)
    moment = now()
    found.row.deleted_at = moment
    session.add(found.row)
    deletion = Deletion(
        id=new_id(), organization_id=organization_id, customer_id=customer_id, deleted_at=moment, due_at=moment
    )
    session.add(deletion)
    return deletion


async def _lock(
    session: AsyncSession, vault: Vault, organization_id: UUID, customer: UUID | EmailAddress
) -> LockedCustomer | None:
    if isinstance(customer, UUID):
        return await customers.lock(session, vault, organization_id=organization_id, customer_id=customer)
    owner = await identifiers.owner_id(
        session, vault, organization_id=organization_id, kind=IdentifierKind.EMAIL, canonical=customer.canonical
    )
    if owner is None:
        return None
    locked = await customers.lock(session, vault, organization_id=organization_id, customer_id=owner)
    # It may have got another address while this transaction waited for the lock.
    return locked if locked is not None and is_same_mailbox(locked.personal.email, customer) else None


async def finish_deletions(store: Store) -> int:
    """Destroy the data keys of deleted customers and removed staff; return how many.

    An interrupted one is repeated after its lease.
    """
    finished = 0
    while leased := await _lease_due(store):
        await epochs.require_same(store.database, store.vault.keystore)
        await discard_spent_keys(store)
        await store.vault.destroy_key(
            leased.customer_id,
            organization_id=leased.organization_id,
            anonymization_id=leased.id,
            subject=Subject.DELETED_CUSTOMER,
        )
        async with store.database.transaction() as session:
            row = await session.get_one(Deletion, (leased.customer_id, leased.id), with_for_update=NO_KEY)
            row.due_at = None
            session.add(row)
        finished += 1
    return finished + await _forget_removed_staff(store)


async def _lease_due(store: Store) -> _LeasedDeletion | None:
    moment = now()
    async with _DELETIONS.lock_due(store.database, moment=moment, limit=1) as rows:
        for row in rows:
            row.due_at = moment + LEASE
            return _LeasedDeletion(row.id, row.organization_id, row.customer_id)
    return None


async def _forget_removed_staff(store: Store) -> int:
    # Without a lease: staff leave seldom, and two workers may destroy the same key.
    removed = await store.database.rows(_REMOVED_STAFF)
    if removed:
        await epochs.require_same(store.database, store.vault.keystore)
    for staff_id, organization_id in removed:
        # The ledger calls this erasure by the member's id: a member leaves only once.
        await store.vault.destroy_key(
            staff_id, organization_id=organization_id, anonymization_id=staff_id, subject=Subject.STAFF
        )
        async with store.database.transaction() as session:
            row = await session.get_one(StaffMember, staff_id, with_for_update=NO_KEY)
            row.key_due_at = None
            session.add(row)
    return len(removed)
