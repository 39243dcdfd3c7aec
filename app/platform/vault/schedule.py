"""The schedule of key versions: the worker rotates, finishes rotations, and retires versions when they are due.

day 0    version 1 is current
day 7    version 2 is current, all keys are wrapped again; whoever was erased before is only in copies of version 1
day 14   version 1 is destroyed: these people are irrecoverable, with every copy of both databases and today's keys
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.platform.db.engine import Database
from app.platform.vault import versions
from app.platform.vault.retirement import retire
from app.platform.vault.ring import KeyRing
from app.platform.vault.rotation import is_due, is_unfinished, rotate
from app.platform.vault.versions import VersionRow

OFF = timedelta(0)


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """A version is replaced after `rotation` (zero: never by itself), and destroyed `retirement` after that."""

    rotation: timedelta
    retirement: timedelta

    def irrecoverable_by(self, rows: list[VersionRow], *, version: int) -> datetime | None:
        """When all versions up to `version` are destroyed: what happened or is scheduled; None when nothing is."""
        moments = [self._destroyed_by(row) for row in rows if row.version <= version]
        known = [moment for moment in moments if moment is not None]
        return max(known) if known and len(known) == len(moments) else None

    def _destroyed_by(self, row: VersionRow) -> datetime | None:
        if row.destroyed_at is not None or self.rotation == OFF:
            return row.destroyed_at
        return (row.replaced_at or row.created_at + self.rotation) + self.retirement


async def follow(keystore: Database, ring: KeyRing, schedule: KeySchedule, *, moment: datetime) -> int:
    """Do what is due; return how many keys were wrapped and versions destroyed.

    Versions that an operator has to add and remove (`PATRON_MASTER_KEY`) are left to the operator.
    """
    if schedule.rotation == OFF or not ring.provider.manages_versions:
        return 0
    done = 0
    rows = await versions.all_versions(keystore)
    if is_unfinished(rows) or is_due(rows, moment=moment, interval=schedule.rotation):
        done += await rotate(keystore, ring)
    for row in await versions.all_versions(keystore):
        if is_retirable(row, moment=moment, delay=schedule.retirement):
            await retire(keystore, ring, row.version, grace=schedule.retirement)
            done += 1
    return done


def is_retirable(row: VersionRow, *, moment: datetime, delay: timedelta) -> bool:
    """Whether the version was replaced long enough ago, and nothing needs it."""
    return (
        row.destroyed_at is None
        and row.replaced_at is not None
        and row.replaced_at + delay <= moment
        and not row.needed
    )
