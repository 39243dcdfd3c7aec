"""Retirement: really destroys a replaced key version, and with it every key that only it had wrapped.

| `retire` is refused while                                                | because                            |
|--------------------------------------------------------------------------|------------------------------------|
| the version is current, or some row is wrapped by it                      | living people would be lost        |
| no backup was made after the rotation, and the grace period is not over   | no key store could be restored     |

Steps: mark it as retiring, destroy it at the provider, forget it, record it as destroyed. Each may be repeated.
"""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.clock import now
from app.platform.db.engine import Database
from app.platform.vault import versions
from app.platform.vault.ring import KeyRing
from app.platform.vault.tables import KeystoreBackup, KeyVersion, PersonKey, SystemKey
from app.platform.vault.versions import VersionRow


class RetirementRefused(Exception):
    """The version may not be destroyed yet; the message says why."""


async def retire(keystore: Database, ring: KeyRing, version: int, *, grace: timedelta) -> datetime:
    """Destroy a version and return when it was; `grace` counts from its replacement.

    Raise `RetirementRefused` (see the module), or `MasterKeyError` when the provider cannot destroy it.
    """
    destroyed_at = await _mark_retiring(keystore, version, grace=grace)
    if destroyed_at is not None:
        return destroyed_at
    row = await _row(keystore, version)
    await ring.provider_of(row).destroy(version)
    ring.forget(version)
    moment = now()
    async with keystore.transaction() as session:
        await session.exec(
            update(KeyVersion)
            .where(col(KeyVersion.version) == version, col(KeyVersion.destroyed_at).is_(None))
            .values(destroyed_at=moment, wrapped=None)
        )
    return moment


async def _mark_retiring(keystore: Database, version: int, *, grace: timedelta) -> datetime | None:
    """Mark it, or return when it was destroyed."""
    moment = now()
    async with keystore.transaction() as session:
        row = await session.get(KeyVersion, version, with_for_update=True, populate_existing=True)
        if row is None:
            raise RetirementRefused(f"There is no version {version}. `patron keys status` lists them.")
        if row.destroyed_at is not None:
            return row.destroyed_at
        if row.replaced_at is None:
            raise RetirementRefused(f"Version {version} is the current one. Run `patron keys rotate` first.")
        if await _is_needed(session, version):
            raise RetirementRefused(
                f"Version {version} still wraps keys. Run `patron keys rotate` until it says that none is left."
            )
        if row.replaced_at + grace > moment and not await _is_backed_up(session, version):
            raise RetirementRefused(
                f"No backup of the key store was made since version {version} was replaced, and the older ones could "
                "not be opened any more. Run `patron keystore backup FILE`, or wait until "
                f"{row.replaced_at + grace:%Y-%m-%d %H:%M} UTC."
            )
        row.retiring_at = row.retiring_at or moment
        session.add(row)
    return None


async def _is_needed(session: AsyncSession, version: int) -> bool:
    # No such key can be added meanwhile: only the current version's are stored.
    for table in (PersonKey, SystemKey):
        found = await session.exec(select(table.master_version).where(table.master_version == version).limit(1))
        if found.first() is not None:
            return True
    return False


async def _is_backed_up(session: AsyncSession, version: int) -> bool:
    found = await session.exec(select(KeystoreBackup.id).where(KeystoreBackup.oldest_version > version).limit(1))
    return found.first() is not None


async def _row(keystore: Database, version: int) -> VersionRow:
    return next(row for row in await versions.all_versions(keystore) if row.version == version)
