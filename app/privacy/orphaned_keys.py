"""Cleanup of data keys without a row in the main database, as left by refused or interrupted registrations."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select

from app.accounts.organizations.tables import Organization
from app.customers.orders.tables import Order
from app.customers.tables import Customer
from app.identity.staff.tables import StaffMember
from app.platform.clock import now
from app.platform.db.reading import Read, any_of
from app.platform.vault import epochs
from app.platform.vault.orphans import delete_keys, keys_created_before
from app.platform.vault.vault import Store
from app.platform.webhooks.tables import WebhookEndpoint

# Far longer than any transaction between a key and its row. Also lets an operator restore an older main database and
# then a newer one: the keys of customers who registered in between are still there.
MIN_ORPHAN_AGE = timedelta(days=7)


class _Id(NamedTuple):
    id: UUID


def _existing_ids(column: Any) -> Read[_Id]:
    return Read(select(column).where(any_of(column, "ids")), _Id._make)


_ORGANIZATIONS = _existing_ids(Organization.id)
# The columns with the ids of those who have their own data key; a guest order, its own owner, is one of them.
_KEY_OWNERS = (
    _existing_ids(Customer.id),
    _existing_ids(StaffMember.id),
    _existing_ids(Order.owner_id),
    _existing_ids(WebhookEndpoint.id),
)


async def sweep_orphaned_keys(store: Store) -> int:
    """Delete data keys older than a week whose owner has no row; return how many.

    Raise `NotOfOneMoment` while the databases are not of one moment: living people would look like orphans.

    Keys of organizations that the main database does not have are kept: it may be the wrong database, or one that is
    about to be restored.
    """
    await epochs.require_same(store.database, store.vault.keystore)
    swept, after = 0, UUID(int=0)
    while keys := await keys_created_before(store.vault, now() - MIN_ORPHAN_AGE, after=after):
        after = keys[-1].person_id
        known_organizations = await _find_ids(store, _ORGANIZATIONS, {key.organization_id for key in keys})
        orphans = {key.person_id for key in keys if key.organization_id in known_organizations}
        for table in _KEY_OWNERS:
            orphans -= await _find_ids(store, table, orphans)
        swept += await delete_keys(store.vault, orphans)
    return swept


async def _find_ids(store: Store, read: Read[_Id], ids: set[UUID]) -> set[UUID]:
    return {row.id for row in await store.database.rows(read, ids=ids)} if ids else set()
