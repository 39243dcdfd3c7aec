"""The vault: creates, caches and destroys the data keys of people, and holds the keys of the system."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.engine import Database
from app.platform.db.reading import Read, any_of
from app.platform.db.writing import execute_at_commit, insert_statement
from app.platform.vault.fingerprints import Fingerprints
from app.platform.vault.master import KEY_BYTES, MasterKey
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.tables import Erasure, PersonKey, SystemKey

MAX_CACHED_CIPHERS = 20_000
CACHE_SECONDS = 60.0
# Fixed, so that two processes starting on an empty key store cannot create two roots.
ROOT_ID = UUID("00000000-0000-7000-8000-000000000001")


class _WrappedKey(NamedTuple):
    person_id: UUID
    wrapped: bytes
    master_version: int


_KEYS = Read(
    select(PersonKey.person_id, PersonKey.wrapped, PersonKey.master_version).where(any_of(PersonKey.person_id, "ids")),  # type: ignore[call-overload]
    _WrappedKey._make,
)
_ADD_KEY = insert_statement(PersonKey)


class KeyDestroyed(Exception):
    """The person has no data key (any more): nobody can read what was sealed with it."""


class Vault:
    """Returns ciphers of people. Unwrapped keys are cached for 60 seconds.

    So within 60 seconds a destroyed key is gone from the memory of every process.
    """

    def __init__(self, keystore: Database, read_master: Callable[[], MasterKey], root: bytes) -> None:
        """For `open_vault`, which loads or creates the `root` of the fingerprints."""
        self.keystore = keystore
        self.master = read_master()
        self.fingerprints = Fingerprints(root)
        self._read_master = read_master
        self._ciphers: OrderedDict[UUID, tuple[float, DataKeyCipher]] = OrderedDict()

    async def create_key(self, person_id: UUID, *, organization_id: UUID) -> DataKeyCipher:
        """Create and commit a person's data key, before any row that needs it.

        A key whose row is never written does no harm; the worker deletes it.
        """
        key = secrets.token_bytes(KEY_BYTES)
        wrapped = self.master.wrap(key, subject=person_id.hex)
        async with self.keystore.transaction() as session:
            execute_at_commit(
                session,
                _ADD_KEY,
                person_id=person_id,
                organization_id=organization_id,
                wrapped=wrapped,
                master_version=self.master.version,
                created_at=now(),
            )
        return self._cache(person_id, key)

    async def cipher(self, person_id: UUID) -> DataKeyCipher:
        """The cipher of one person; raise `KeyDestroyed` when there is none (any more)."""
        ciphers = await self.ciphers([person_id])
        if person_id not in ciphers:
            raise KeyDestroyed
        return ciphers[person_id]

    async def ciphers(self, ids: Collection[UUID]) -> dict[UUID, DataKeyCipher]:
        """The ciphers of several people with at most one query; people without a key are left out."""
        current = monotonic()
        ciphers = {id_: cached[1] for id_ in ids if (cached := self._ciphers.get(id_)) and cached[0] > current}
        missing = [id_ for id_ in ids if id_ not in ciphers]
        if missing:
            for row in await self.keystore.rows(_KEYS, ids=missing):
                key = self.unwrap(row.wrapped, subject=row.person_id.hex, version=row.master_version)
                ciphers[row.person_id] = self._cache(row.person_id, key)
        return ciphers

    async def cipher_or_decoy(self, person_id: UUID) -> DataKeyCipher:
        """The cipher of one person or, if there is none, a cipher with a random key that is kept nowhere.

        It always costs one query, cached or not, so its timing does not reveal whether the person exists.
        """
        row = await self.keystore.row(_KEYS, ids=[person_id])
        if row is None:
            return DataKeyCipher(secrets.token_bytes(KEY_BYTES))
        return DataKeyCipher(self.unwrap(row.wrapped, subject=row.person_id.hex, version=row.master_version))

    async def destroy_key(self, person_id: UUID, *, organization_id: UUID, anonymization_id: UUID) -> None:
        """Destroy a customer's key and record it in the ledger, in one transaction; repeating it is harmless."""
        self._ciphers.pop(person_id, None)
        async with self.keystore.transaction() as session:
            await session.exec(delete(PersonKey).where(PersonKey.person_id == person_id))  # type: ignore[arg-type]
            if await session.get(Erasure, person_id) is None:
                session.add(
                    Erasure(
                        customer_id=person_id,
                        organization_id=organization_id,
                        anonymization_id=anonymization_id,
                        key_destroyed_at=now(),
                    )
                )

    async def discard_keys(self, ids: Collection[UUID]) -> None:
        """Destroy keys that no row needs any more. This erases nobody, so the ledger does not change."""
        for person_id in ids:
            self._ciphers.pop(person_id, None)
        async with self.keystore.transaction() as session:
            await session.exec(delete(PersonKey).where(PersonKey.person_id.in_(ids)))  # type: ignore[attr-defined]

    def unwrap(self, wrapped: bytes, *, subject: str, version: int) -> bytes:
        """Unwrap a key, also one wrapped by a master key version that was added while this process runs."""
        if not self.master.has_version(version):
            self.master = self._read_master()
        return self.master.unwrap(wrapped, subject=subject, version=version)

    def _cache(self, person_id: UUID, key: bytes) -> DataKeyCipher:
        cipher = DataKeyCipher(key)
        self._ciphers[person_id] = (monotonic() + CACHE_SECONDS, cipher)
        self._ciphers.move_to_end(person_id)
        while len(self._ciphers) > MAX_CACHED_CIPHERS:
            self._ciphers.popitem(last=False)
        return cipher


@dataclass(frozen=True, slots=True)
class Store:
    """The main database, and the vault that opens what is sealed in it."""

    database: Database
    vault: Vault

    async def close(self) -> None:
        """Close both databases."""
        await asyncio.gather(self.database.close(), self.vault.keystore.close())


async def open_vault(keystore: Database, read_master: Callable[[], MasterKey]) -> Vault:
    """Open the key store; on the first start create the root of all fingerprints.

    Raise `MasterKeyError` when this key store was created with another master key.
    """
    return Vault(keystore, read_master, await _root(keystore, read_master()))


async def _root(keystore: Database, master: MasterKey) -> bytes:
    with suppress(IntegrityError):  # Another process created it at the same time; its root counts.
        async with keystore.transaction() as session:
            if await session.get(SystemKey, ROOT_ID) is None:
                session.add(system_key(master, "root", secrets.token_bytes(KEY_BYTES), key_id=ROOT_ID))
    async with keystore.transaction() as session:
        row = await session.get_one(SystemKey, ROOT_ID)
        return master.unwrap(row.wrapped, subject=row.id.hex, version=row.master_version)


def system_key(master: MasterKey, purpose: str, key: bytes, *, key_id: UUID | None = None) -> SystemKey:
    """A wrapped key of the system as a row."""
    row_id = key_id or new_id()
    return SystemKey(
        id=row_id,
        purpose=purpose,
        wrapped=master.wrap(key, subject=row_id.hex),
        master_version=master.version,
        created_at=now(),
    )
