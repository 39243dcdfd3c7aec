"""Selects the payment methods whose owners get a notice of the expiry."""

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
    """A payment method whose expiry notice is due."""

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


def pending_notice_at(details: PaymentMethodDetails, moment: datetime) -> datetime | None:
    """The value of `expiry_notice_at` for a saved expiry; None where that moment has passed: the owner just saw it."""
    return details.notice_at if details.notice_at and details.notice_at > moment else None


async def due_notices(store: Store, *, moment: datetime, after: UUID = LOWEST_ID) -> Sequence[DueNotice]:
    """The next `BATCH_SIZE` payment methods, by id, whose notice is due at `moment`."""
    return await store.database.rows(_DUE, moment=moment, after=after)


async def settle_notice(
    session: AsyncSession, vault: Vault, method: DueNotice, *, moment: datetime
) -> PaymentMethodDetails | None:
    """Settle a due notice, with the customer locked by the caller; the details if a mail is to be sent now.

    | The row                                            | Result  | `expiry_notice_at` |
    | -------------------------------------------------- | ------- | ------------------ |
    | is gone, settled already, or due later             | None    | unchanged          |
    | is due, but its card expires later than that       | None    | the right moment   |
    | is due, and the card has no expiry or is past it   | None    | None               |
    | is due, and the card is still valid                | details | None               |

    The second case is a row from before notices were stored: it was marked as due immediately.
    """
    row = await session.get(PaymentMethod, (method.customer_id, method.id), populate_existing=True)
    if row is None or row.expiry_notice_at is None or row.expiry_notice_at > moment:
        return None
    details = open_row(row, await vault.cipher(method.customer_id))
    row.expiry_notice_at = pending_notice_at(details, moment)
    session.add(row)
    if row.expiry_notice_at or details.valid_until is None or details.valid_until < moment.date():
        return None
    return details
