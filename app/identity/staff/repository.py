"""Repository of staff members; seals and unseals their names and addresses."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.identity.staff.tables import StaffMember
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.reading import Read, any_of, columns
from app.platform.values import EmailAddress
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.vault import Store, Vault

TABLE = "staff_members"
PURPOSE = "staff-email"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffDetails:
    """The personal values that are sealed in a staff member's row."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class _Row(NamedTuple):
    id: UUID
    sealed: bytes | None


class _Id(NamedTuple):
    id: UUID


_BY_IDS = Read(
    select(*columns(StaffMember, _Row)).where(
        col(StaffMember.organization_id) == bindparam("organization_id"), any_of(StaffMember.id, "ids")
    ),
    _Row._make,
)
_ACTIVE = Read(
    select(*columns(StaffMember, _Row))
    .where(col(StaffMember.organization_id) == bindparam("organization_id"), col(StaffMember.removed_at).is_(None))
    .order_by(col(StaffMember.id)),
    _Row._make,
)
_BY_EMAIL = Read(
    select(*columns(StaffMember, _Id)).where(
        col(StaffMember.organization_id) == bindparam("organization_id"),
        col(StaffMember.email_hash) == bindparam("email_hash"),
    ),
    _Id._make,
)


async def by_ids(store: Store, organization_id: UUID, ids: Sequence[UUID]) -> list[StaffDetails | None]:
    """The staff members with these ids, in that order; None for an id that is not found.

    Of a removed member nothing is known any more: all values are None.
    """
    rows = await store.database.rows(_BY_IDS, organization_id=organization_id, ids=ids)
    ciphers = await store.vault.ciphers([row.id for row in rows if row.sealed])
    found = {row.id: _details(row, ciphers.get(row.id)) for row in rows}
    return [found.get(one) for one in ids]


def _details(row: _Row, cipher: DataKeyCipher | None) -> StaffDetails:
    return cipher.open_as(StaffDetails, TABLE, row.id, row.sealed) if cipher else StaffDetails()


async def exists(session: AsyncSession, staff_id: UUID | None) -> bool:
    """Whether there is a row of this staff member, removed or not."""
    return staff_id is not None and await session.get(StaffMember, staff_id) is not None


async def id_by_email(store: Store, *, organization_id: UUID, email: EmailAddress) -> UUID | None:
    """The id of the staff member with this email address; None if there is none."""
    hashed = store.vault.fingerprints.compute(PURPOSE, email.canonical, organization_id=organization_id)
    row = await store.database.row(_BY_EMAIL, organization_id=organization_id, email_hash=hashed)
    return row.id if row else None


async def lock(session: AsyncSession, *, organization_id: UUID, staff_id: UUID) -> bool:
    """Lock a staff member against removal until the transaction ends; False when absent or removed."""
    row = await session.get(StaffMember, staff_id, with_for_update=True, populate_existing=True)
    return row is not None and row.organization_id == organization_id and row.removed_at is None


async def add(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    email: EmailAddress,
    first_name: str | None,
    last_name: str | None,
) -> UUID:
    """Insert a staff member with its own data key; return the id. A taken address raises `IntegrityError`."""
    staff_id = new_id()
    cipher = await vault.create_key(staff_id, organization_id=organization_id)
    details = StaffDetails(email=email.address, first_name=first_name, last_name=last_name)
    session.add(
        StaffMember(
            id=staff_id,
            organization_id=organization_id,
            email_hash=vault.fingerprints.compute(PURPOSE, email.canonical, organization_id=organization_id),
            sealed=cipher.seal(TABLE, staff_id, details),
            created_at=now(),
        )
    )
    await session.flush()
    return staff_id


async def change(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    staff_id: UUID,
    email: EmailAddress | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
) -> StaffDetails | None:
    """Replace what is given of a staff member; None when absent or removed. A taken address raises `IntegrityError`."""
    if not await lock(session, organization_id=organization_id, staff_id=staff_id):
        return None
    row, cipher = await session.get_one(StaffMember, staff_id), await vault.cipher(staff_id)
    details = cipher.open_as(StaffDetails, TABLE, staff_id, row.sealed)
    if email is not None:
        details = replace(details, email=email.address)
        row.email_hash = vault.fingerprints.compute(PURPOSE, email.canonical, organization_id=organization_id)
    details = replace(details, first_name=first_name or details.first_name, last_name=last_name or details.last_name)
    row.sealed = cipher.seal(TABLE, staff_id, details)
    session.add(row)
    await session.flush()
    return details


async def list_active(store: Store, *, organization_id: UUID) -> list[tuple[UUID, StaffDetails]]:
    """The organization's staff members, oldest first, without removed ones."""
    rows = await store.database.rows(_ACTIVE, organization_id=organization_id)
    ciphers = await store.vault.ciphers([row.id for row in rows])
    return [(row.id, _details(row, ciphers[row.id])) for row in rows if row.id in ciphers]


async def forget(session: AsyncSession, *, staff_id: UUID) -> None:
    """Forget a member whose key was destroyed before the database was restored; idempotent."""
    row = await session.get(StaffMember, staff_id, with_for_update=True)
    if row is None or row.sealed is None:
        return
    row.removed_at = row.removed_at or now()
    row.email_hash = secrets.token_bytes(32)
    row.sealed = row.key_due_at = None
    session.add(row)


async def remove(session: AsyncSession, *, organization_id: UUID, staff_id: UUID) -> bool:
    """Remove a staff member and forget it; False when absent or removed already.

    The email address is free again. The worker destroys the key: a backup of the main database opens no more.
    """
    if not await lock(session, organization_id=organization_id, staff_id=staff_id):
        return False
    row = await session.get_one(StaffMember, staff_id)
    row.removed_at = row.key_due_at = now()
    row.email_hash = secrets.token_bytes(32)
    row.sealed = None
    session.add(row)
    return True
