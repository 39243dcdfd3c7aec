"""Destroys the keys of guest orders that belong to a customer now, or were erased."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from app.customers.orders.tables import Order
from app.platform.db.reading import Read, columns
from app.platform.vault.vault import Store

BATCH_SIZE = 500


class _SpentKey(NamedTuple):
    owner_id: UUID
    spent_key_id: UUID
    organization_id: UUID
    customer_id: UUID | None


_SPENT = Read(
    select(*columns(Order, _SpentKey)).where(col(Order.spent_key_id).is_not(None)).limit(BATCH_SIZE), _SpentKey._make
)


async def discard_spent_keys(store: Store) -> int:
    """Destroy spent keys; idempotent. Return how many there were.

    | The order            | Its key is destroyed                                                           |
    | -------------------- | ------------------------------------------------------------------------------ |
    | belongs to a customer | and nothing is remembered: the copies are sealed with the customer's key now  |
    | belongs to nobody    | and the key store remembers it: after a restore the copies must not come back  |

    Until then, the address copies in a backup from before can be decrypted.
    """
    discarded = 0
    while spent := await store.database.rows(_SPENT):
        # Keys first: after a crash in between they are only destroyed again.
        await store.vault.discard_keys([row.spent_key_id for row in spent if row.customer_id])
        for organization_id in {row.organization_id for row in spent if row.customer_id is None}:
            erased = [
                row.spent_key_id for row in spent if row.customer_id is None and row.organization_id == organization_id
            ]
            await store.vault.destroy_guest_keys(erased, organization_id=organization_id)
        async with store.database.transaction() as session:
            for row in sorted(spent, key=lambda one: (one.owner_id, one.spent_key_id)):
                its_order = (col(Order.owner_id) == row.owner_id, col(Order.spent_key_id) == row.spent_key_id)
                await session.exec(update(Order).where(*its_order).values(spent_key_id=None))
        discarded += len(spent)
    return discarded
