"""Finds and deletes data keys without a person. The caller knows which ids are people."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlmodel import col

from app.platform.db.reading import Read, any_of, columns
from app.platform.vault.tables import DestroyedKey, PersonKey
from app.platform.vault.vault import Vault

BATCH = 500


class KeyRow(NamedTuple):
    """A data key and the person it was made for."""

    person_id: UUID
    organization_id: UUID


_CREATED_BEFORE = Read(
    select(*columns(PersonKey, KeyRow))
    .where(col(PersonKey.created_at) < bindparam("moment"), col(PersonKey.person_id) > bindparam("after"))
    .order_by(col(PersonKey.person_id))
    .limit(BATCH),
    KeyRow._make,
)


_DESTROYED = Read(select(*columns(DestroyedKey, KeyRow)).where(any_of(DestroyedKey.person_id, "ids")), KeyRow._make)
_EXISTING = Read(select(*columns(PersonKey, KeyRow)).where(any_of(PersonKey.person_id, "ids")), KeyRow._make)


async def keys_created_before(vault: Vault, moment: datetime, *, after: UUID) -> list[KeyRow]:
    """The next keys in order of their ids, at most 500, that were created before `moment`."""
    return await vault.keystore.rows(_CREATED_BEFORE, moment=moment, after=after)


async def missing_keys(vault: Vault, ids: Collection[UUID]) -> set[UUID]:
    """Those of these people who have no key, whether it can be unwrapped or not, and whom no erasure took it from."""
    found = await vault.keystore.rows(_EXISTING, ids=ids)
    destroyed = await vault.keystore.rows(_DESTROYED, ids=ids)
    return set(ids) - {row.person_id for row in [*found, *destroyed]}


async def delete_keys(vault: Vault, ids: Collection[UUID]) -> int:
    """Delete keys that never sealed a row. Unlike an erasure this writes nothing to the ledger."""
    if not ids:
        return 0
    async with vault.keystore.transaction() as session:
        return (await session.exec(delete(PersonKey).where(col(PersonKey.person_id).in_(ids)))).rowcount
