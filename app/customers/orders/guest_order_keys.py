"""Destroys the keys of guest orders that belong to a customer now."""

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


_SPENT = Read(
    select(*columns(Order, _SpentKey)).where(col(Order.spent_key_id).is_not(None)).limit(BATCH_SIZE), _SpentKey._make
)


async def discard_spent_keys(store: Store) -> int:
    """Destroy spent keys; idempotent. Return how many there were.

    Until then, the address copies in a backup from before the attachment can be decrypted, even after an erasure of the
    customer.
    """
    discarded = 0
    while spent := await store.database.rows(_SPENT):
        # Keys first: after a crash in between they are only destroyed again.
        await store.vault.discard_keys([row.spent_key_id for row in spent])
        async with store.database.transaction() as session:
            for row in sorted(spent):
                its_order = (col(Order.owner_id) == row.owner_id, col(Order.spent_key_id) == row.spent_key_id)
                await session.exec(update(Order).where(*its_order).values(spent_key_id=None))
        discarded += len(spent)
    return discarded
