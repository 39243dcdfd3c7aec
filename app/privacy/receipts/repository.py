"""Receipts in the key store, beside the ledger: no restore of the main database loses one."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy
from sqlalchemy import bindparam, exists, or_
from sqlmodel import col

from app.platform.db.engine import Database
from app.platform.db.inserts import insert_if_absent
from app.platform.db.reading import Read, columns
from app.platform.vault.ledger import Entry, ErasureStatus, Subject
from app.platform.vault.tables import Erasure, ErasureReceipt
from app.privacy.receipts.contents import FINAL, FIRST

BATCH = 100
SUBJECTS = (Subject.CUSTOMER, Subject.GUEST)


class StoredReceipt(NamedTuple):
    """A receipt as it was issued."""

    erasure_id: UUID
    number: int
    organization_id: UUID
    jws: str
    issued_at: datetime


class Completed(NamedTuple):
    """A completed erasure and the key version that was current when its keys were destroyed."""

    erasure: Entry
    key_version: int | None


def _has_receipt(number: int) -> sqlalchemy.ColumnElement[bool]:
    return (
        exists()
        .where(col(ErasureReceipt.erasure_id) == col(Erasure.id), col(ErasureReceipt.number) == number)
        .correlate(Erasure)
    )


def _completed(*conditions: sqlalchemy.ColumnElement[bool]) -> Read[Completed]:
    names = [*(getattr(Erasure, name) for name in Entry._fields), col(Erasure.key_version)]
    statement = sqlalchemy.select(*names).where(
        col(Erasure.status) == ErasureStatus.COMPLETED.value,
        or_(*(col(Erasure.subject) == subject.value for subject in SUBJECTS)),
        *conditions,
    )
    return Read(statement.order_by(col(Erasure.id)).limit(BATCH), lambda row: Completed(Entry._make(row[:-1]), row[-1]))


_AFTER = col(Erasure.id) > bindparam("after")
_WITHOUT_FIRST = _completed(_AFTER, ~_has_receipt(FIRST))
_WITHOUT_FINAL = _completed(
    _AFTER, col(Erasure.key_version) < bindparam("oldest_version"), _has_receipt(FIRST), ~_has_receipt(FINAL)
)
_RECEIPTS = Read(
    sqlalchemy.select(*columns(ErasureReceipt, StoredReceipt))
    .where(col(ErasureReceipt.erasure_id) == bindparam("erasure_id"))
    .order_by(col(ErasureReceipt.number)),
    StoredReceipt._make,
)


async def without_first(keystore: Database, *, after: UUID) -> list[Completed]:
    """Completed erasures that have no receipt yet, after an id."""
    return await keystore.rows(_WITHOUT_FIRST, after=after)


async def without_final(keystore: Database, *, after: UUID, oldest_version: int) -> list[Completed]:
    """Erasures whose key no version from `oldest_version` on ever wrapped, without their second receipt."""
    return await keystore.rows(_WITHOUT_FINAL, after=after, oldest_version=oldest_version)


async def receipts(keystore: Database, *, erasure_id: UUID) -> list[StoredReceipt]:
    """The receipts of an erasure, the newest last."""
    return await keystore.rows(_RECEIPTS, erasure_id=erasure_id)


async def add(keystore: Database, receipt: StoredReceipt) -> bool:
    """Store a receipt; False when another worker has issued it."""
    async with keystore.transaction() as session:
        return await insert_if_absent(session, ErasureReceipt, **receipt._asdict())
