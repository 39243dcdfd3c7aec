"""Applies the retention of every organization, in small transactions beside the normal work.

| Category      | Setting                   | What goes, when the days are over                                  |
| ------------- | ------------------------- | ------------------------------------------------------------------ |
| `SESSIONS`    | `retain_sessions_days`    | logins that ended or expired, with their tokens                    |
| `MAILS`       | `retain_mails_days`       | that a mail was sent; what it said goes with its delivery          |
| `IDLE_GUESTS` | `retain_idle_guests_days` | customers without a password or the newsletter, unchanged and      |
|               |                           | without orders for so long: deleted, or anonymized (with delay and |
|               |                           | receipt) if there are older orders                                 |
| `ORDERS`      | `retain_orders_days`      | orders, also of erased people, with their numbers                  |

Nothing goes of a customer on legal hold. A setting that is null keeps for ever.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, tuple_
from sqlmodel import col

from app.accounts.organizations import repository as organizations
from app.customers.orders import repository as orders
from app.customers.tables import Customer
from app.identity.sessions.sweeping import sweep_sessions
from app.platform.audit.log import Action, record_system_event
from app.platform.clock import now
from app.platform.db.columns import TIMESTAMP
from app.platform.db.inserts import insert_or_replace
from app.platform.db.reading import Read, columns
from app.platform.errors import AppError
from app.platform.mail.delivery import sweep as sweep_mails
from app.platform.principal import OrganizationSettings
from app.platform.vault import holds
from app.platform.vault.vault import Store
from app.privacy import deletion, requests
from app.privacy.deletion import HasOrders
from app.privacy.policy import PrivacyPolicy
from app.privacy.requests import Person
from app.privacy.tables import RetentionRun

BATCH = 500
FIRST_MOMENT, FIRST_ID = datetime.fromisoformat("1970-01-01T00:00:00Z"), UUID(int=0)


class RetentionCategory(Enum):
    """What is kept for a time; the table is in the module's docstring."""

    SESSIONS = "SESSIONS"
    MAILS = "MAILS"
    IDLE_GUESTS = "IDLE_GUESTS"
    ORDERS = "ORDERS"

    def keep_days(self, settings: OrganizationSettings) -> int | None:
        """For how many days an organization keeps it; None for ever."""
        found: int | None = getattr(settings, f"retain_{self.value.lower()}_days")
        return found


class _Guest(NamedTuple):
    id: UUID
    updated_at: datetime


_GUESTS = Read(
    select(*columns(Customer, _Guest))
    .where(
        col(Customer.organization_id) == bindparam("organization_id"),
        col(Customer.updated_at) < bindparam("before"),
        tuple_(col(Customer.updated_at), col(Customer.id))
        > tuple_(bindparam("after_at", type_=TIMESTAMP), bindparam("after_id", type_=Uuid())),
        col(Customer.sealed_password).is_(None),
        # Who gets the newsletter has not forgotten the shop, and its consent must not get lost.
        col(Customer.newsletter).is_(False),
        col(Customer.erased_at).is_(None),
        col(Customer.deleted_at).is_(None),
    )
    .order_by(col(Customer.updated_at), col(Customer.id))
    .limit(BATCH),
    _Guest._make,
)


async def apply_retention(store: Store, policy: PrivacyPolicy) -> int:
    """Apply the retention of every organization; return how much was removed."""
    total = 0
    for organization in await organizations.every(store.database):
        for category, remove in _REMOVERS.items():
            days = category.keep_days(organization.settings)
            if days is None:
                continue
            removed = await remove(store, policy, organization.id, now() - timedelta(days=days))
            await _remember(store, organization.id, category, removed)
            total += removed
    return total


async def _remember(store: Store, organization_id: UUID, category: RetentionCategory, removed: int) -> None:
    async with store.database.transaction() as session:
        await insert_or_replace(
            session,
            RetentionRun,
            {"organization_id": organization_id, "category": category.value},
            last_run_at=now(),
            last_removed=removed,
        )


async def _remove_sessions(store: Store, _: PrivacyPolicy, organization_id: UUID, before: datetime) -> int:
    return await sweep_sessions(store, organization_id=organization_id, before=before)


async def _remove_mails(store: Store, _: PrivacyPolicy, organization_id: UUID, before: datetime) -> int:
    return await sweep_mails(store, organization_id=organization_id, before=before)


async def _remove_orders(store: Store, _: PrivacyPolicy, organization_id: UUID, before: datetime) -> int:
    removed, after = 0, (FIRST_MOMENT, FIRST_ID)
    while found := await orders.placed_before(
        store, organization_id=organization_id, before=before, after=after, limit=BATCH
    ):
        after = found[-1].placed_at, found[-1].id
        held = await holds.held_among(
            store.vault.keystore, organization_id=organization_id, person_ids={row.owner_id for row in found}
        )
        async with store.database.transaction() as session:
            for row in found:
                if row.owner_id not in held:
                    await orders.delete(session, organization_id=organization_id, order=row)
                    removed += 1
    return removed


async def _remove_idle_guests(store: Store, policy: PrivacyPolicy, organization_id: UUID, before: datetime) -> int:
    removed, after = 0, _Guest(FIRST_ID, FIRST_MOMENT)
    while found := await store.database.rows(
        _GUESTS, organization_id=organization_id, before=before, after_at=after.updated_at, after_id=after.id
    ):
        after = found[-1]
        for guest in found:
            removed += await _remove_guest(store, policy, organization_id, guest.id, before)
    return removed


async def _remove_guest(
    store: Store, policy: PrivacyPolicy, organization_id: UUID, customer_id: UUID, before: datetime
) -> bool:
    newest = await orders.newest_placed_at(store, organization_id=organization_id, customer_id=customer_id)
    if newest is not None and newest >= before:
        return False
    try:
        async with store.database.transaction() as session:
            deleted = await deletion.delete(
                session,
                store,
                organization_id=organization_id,
                customer=customer_id,
                expected_version=None,
                only_guest_before=before,
            )
            record_system_event(
                session,
                Action.CUSTOMER_DELETED,
                organization_id=organization_id,
                customer_id=customer_id,
                object_id=deleted.id,
            )
    except HasOrders:
        return await _request_anonymization(store, policy, organization_id, customer_id)
    except AppError:
        # It has registered, was changed, put on hold or erased since it was looked at.
        return False
    return True


async def _request_anonymization(store: Store, policy: PrivacyPolicy, organization_id: UUID, customer_id: UUID) -> bool:
    try:
        async with store.database.transaction() as session:
            row = await requests.request(
                session,
                store.vault,
                organization_id=organization_id,
                person=Person("customerId", customer_id=customer_id),
                requester_id=None,
                delay=policy.anonymization_delay,
            )
            record_system_event(
                session,
                Action.ANONYMIZATION_REQUESTED,
                organization_id=organization_id,
                customer_id=customer_id,
                object_id=row.id,
            )
    except AppError:
        # Requested already.
        return False
    return True


_Remover = Callable[[Store, PrivacyPolicy, UUID, datetime], Awaitable[int]]
_REMOVERS: Mapping[RetentionCategory, _Remover] = {
    RetentionCategory.SESSIONS: _remove_sessions,
    RetentionCategory.MAILS: _remove_mails,
    RetentionCategory.IDLE_GUESTS: _remove_idle_guests,
    RetentionCategory.ORDERS: _remove_orders,
}
