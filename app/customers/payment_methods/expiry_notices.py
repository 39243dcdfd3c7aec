"""When the owner of a payment method is told that it expires."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.payment_methods.records import PaymentMethodDetails, open_row
from app.customers.payment_methods.tables import PaymentMethod
from app.platform.db.reading import Read, columns
from app.platform.vault.vault import Store, Vault

BATCH_SIZE = 100
LOWEST_ID = UUID(int=0)


class DueNotice(NamedTuple):
    """A payment method whose owner is to be told."""

    id: UUID
    organization_id: UUID
    customer_id: UUID


_DUE = Read(
    select(*columns(PaymentMethod, DueNotice))
    .where(col(PaymentMethod.expiry_notice_at) <= bindparam("moment"), col(PaymentMethod.id) > bindparam("after"))
    .order_by(col(PaymentMethod.id))
    .limit(BATCH_SIZE),
    DueNotice._make,
)


def notice_at(details: PaymentMethodDetails, moment: datetime) -> datetime | None:
    """What `expiry_notice_at` becomes when an expiry is saved: None where it is near already, as the owner just saw."""
    return details.notice_at if details.notice_at and details.notice_at > moment else None


async def due_notices(store: Store, *, moment: datetime, after: UUID = LOWEST_ID) -> Sequence[DueNotice]:
    """The next payment methods, by id, whose owners are to be told by this moment."""
    return await store.database.rows(_DUE, moment=moment, after=after)


async def settle_notice(
    session: AsyncSession, vault: Vault, method: DueNotice, *, moment: datetime
) -> PaymentMethodDetails | None:
    """Settle a notice whose customer the caller has locked; the details if the owner is to be told now.

    None when somebody else has settled it, when it is not yet time (a row from before notices were kept is due at
    once, and then gets its own moment), and when it is too late, as it has expired.
    """
    row = await session.get(PaymentMethod, method.id, populate_existing=True)
    if row is None or row.expiry_notice_at is None or row.expiry_notice_at > moment:
        return None
    details = open_row(row, await vault.cipher(method.customer_id))
    row.expiry_notice_at = notice_at(details, moment)
    session.add(row)
    if row.expiry_notice_at or details.valid_until is None or details.valid_until < moment.date():
        return None
    return details
