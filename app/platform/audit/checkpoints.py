"""The key that signs checkpoints of the audit tree, and the checkpoints that the key store keeps.

The key store keeps the newest checkpoint of each day. So a main database that was set back, or whose tree was computed
again, contradicts a database that it cannot change; and what was changed is found to a day.
"""

import secrets
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import bindparam, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.platform.audit.notes import NoteSigner, TreeHead, open_checkpoint
from app.platform.clock import now
from app.platform.db.inserts import insert_if_absent
from app.platform.db.reading import Read, columns
from app.platform.vault.tables import AuditCheckpoint, SystemKey
from app.platform.vault.vault import Vault
from app.platform.vault.wrapping import KEY_BYTES

PURPOSE = "audit"
# Fixed, so that two processes cannot create two keys.
KEY_ID = UUID("00000000-0000-7000-8000-000000000002")


class _Checkpoint(NamedTuple):
    checkpoint: str


_CHECKPOINTS = Read(
    select(*columns(AuditCheckpoint, _Checkpoint))
    .where(col(AuditCheckpoint.origin) == bindparam("origin"))
    .order_by(col(AuditCheckpoint.tree_size)),
    _Checkpoint._make,
)
_ORIGINS = Read(select(col(AuditCheckpoint.origin)).distinct(), lambda row: str(row[0]))


async def signing_key(vault: Vault) -> Ed25519PrivateKey:
    """The key that signs checkpoints; created at the first use, and never withdrawn."""
    with suppress(IntegrityError):  # Another process created it at the same time; its key counts.
        async with vault.keystore.transaction() as session:
            if await session.get(SystemKey, KEY_ID) is None:
                session.add(await vault.system_key(session, PURPOSE, secrets.token_bytes(KEY_BYTES), key_id=KEY_ID))
    async with vault.keystore.transaction() as session:
        row = await session.get_one(SystemKey, KEY_ID)
    seed = await vault.unwrap(row.wrapped, subject=row.id.hex, version=row.master_version)
    return Ed25519PrivateKey.from_private_bytes(seed)


async def kept_checkpoints(vault: Vault, signer: NoteSigner) -> list[TreeHead]:
    """The checkpoints of the log in the key store, the smallest tree first; raise `BadNote` for a forged one."""
    rows = await vault.keystore.rows(_CHECKPOINTS, origin=signer.name)
    return [open_checkpoint(row.checkpoint, signer.verifier) for row in rows]


async def keep_checkpoint(vault: Vault, head: TreeHead, checkpoint: str) -> None:
    """Keep a checkpoint as the newest one of its day, unless that has one of a larger tree."""
    moment = now()
    day = moment.date().isoformat()
    values = {"tree_size": head.size, "checkpoint": checkpoint, "created_at": moment}
    is_older = (
        col(AuditCheckpoint.origin) == head.origin,
        col(AuditCheckpoint.day) == day,
        col(AuditCheckpoint.tree_size) < head.size,
    )
    async with vault.keystore.transaction() as session:
        if not await insert_if_absent(session, AuditCheckpoint, origin=head.origin, day=day, **values):
            await session.exec(update(AuditCheckpoint).where(*is_older).values(**values))


async def known_origins(vault: Vault) -> set[str]:
    """The logs that the key store has checkpoints of: more than one after a tree was started again."""
    return set(await vault.keystore.rows(_ORIGINS))
