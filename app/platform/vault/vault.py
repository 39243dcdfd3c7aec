"""The vault: creates, caches and destroys the data keys of people, and holds the keys of the system."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import bindparam, delete, insert, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.engine import Database
from app.platform.db.reading import Read, any_of
from app.platform.db.writing import VersionConflict, Write, execute_at_commit
from app.platform.errors import NotFound
from app.platform.vault import ledger, versions
from app.platform.vault.fingerprints import Fingerprints
from app.platform.vault.ledger import Entry, Subject
from app.platform.vault.providers import KeyProvider, MasterKeyError
from app.platform.vault.ring import KeyRing
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.tables import KeyVersion, PersonKey, SystemKey
from app.platform.vault.wrapping import KEY_BYTES, unwrap, wrap

MAX_CACHED_CIPHERS = 20_000
CACHE_SECONDS = 60.0
MAX_REPORTED = 10_000
# How often a key is wrapped again because another version became current meanwhile.
ATTEMPTS = 3
# Fixed, so that two processes starting on an empty key store cannot create two roots.
ROOT_ID = UUID("00000000-0000-7000-8000-000000000001")
log = structlog.get_logger(__name__)


class _WrappedKey(NamedTuple):
    person_id: UUID
    wrapped: bytes
    master_version: int


_KEYS = Read(
    select(PersonKey.person_id, PersonKey.wrapped, PersonKey.master_version).where(any_of(PersonKey.person_id, "ids")),  # type: ignore[call-overload]
    _WrappedKey._make,
)
_KEY_COLUMNS = {column.name: column.type for column in inspect(PersonKey).columns}
# Stores the key only while the version that wrapped it is the current one, and keeps it current until it is stored.
_ADD_KEY: Write[Any] = Write(
    insert(PersonKey).from_select(
        list(_KEY_COLUMNS),
        select(*(bindparam(name, type_=type_) for name, type_ in _KEY_COLUMNS.items()))
        .select_from(KeyVersion)
        .where(
            col(KeyVersion.version) == bindparam("master_version", type_=_KEY_COLUMNS["master_version"]),
            col(KeyVersion.replaced_at).is_(None),
        )
        .with_for_update(read=True),
        include_defaults=False,
    ),
    require_row=True,
)


class KeyDestroyed(NotFound):
    """The person has no data key (any more): nobody can read what was sealed with it, so there is no such person."""


class Vault:
    """Returns ciphers of people. Unwrapped keys are cached for 60 seconds.

    So within 60 seconds a destroyed key is gone from the memory of every process.

    | the person's key                   | `ciphers` | `cipher`         | `cipher_or_decoy` |
    |------------------------------------|-----------|------------------|-------------------|
    | there                              | cipher    | cipher           | cipher            |
    | none                               | left out  | `KeyDestroyed`   | decoy             |
    | its version is missing or it is damaged; logged once | left out | `MasterKeyError` | decoy |
    """

    def __init__(self, keystore: Database, ring: KeyRing, root: bytes) -> None:
        """For `open_vault`, which loads or creates the `root` of the fingerprints."""
        self.keystore = keystore
        self.ring = ring
        self.fingerprints = Fingerprints(root)
        self._ciphers: OrderedDict[UUID, tuple[float, DataKeyCipher]] = OrderedDict()
        self._reported: set[UUID] = set()

    async def create_key(self, person_id: UUID, *, organization_id: UUID) -> DataKeyCipher:
        """Create and commit a person's data key, before any row that needs it.

        A key whose row is never written does no harm; the worker deletes it.
        """
        key = secrets.token_bytes(KEY_BYTES)
        for attempt in range(1, ATTEMPTS + 1):
            version = self.ring.current
            wrapped = wrap(await self.ring.cipher(version), key, subject=person_id.hex, version=version)
            try:
                async with self.keystore.transaction() as session:
                    execute_at_commit(
                        session,
                        _ADD_KEY,
                        person_id=person_id,
                        organization_id=organization_id,
                        wrapped=wrapped,
                        master_version=version,
                        created_at=now(),
                    )
            except VersionConflict:
                if attempt == ATTEMPTS:
                    raise
                await self.ring.refresh()
            else:
                break
        return self._cache(person_id, key)

    async def cipher(self, person_id: UUID) -> DataKeyCipher:
        """The cipher of one person; raise `KeyDestroyed` when there is none (any more)."""
        cached = self._ciphers.get(person_id)
        if cached is not None and cached[0] > monotonic():
            return cached[1]
        row = await self.keystore.row(_KEYS, ids=[person_id])
        if row is None:
            raise KeyDestroyed
        try:
            return self._cache(person_id, await self._open(row))
        except MasterKeyError:
            self._report([person_id])
            raise

    async def ciphers(self, ids: Collection[UUID]) -> dict[UUID, DataKeyCipher]:
        """The ciphers of several people with at most one query; people whose key cannot be opened are left out."""
        current = monotonic()
        ciphers = {id_: cached[1] for id_ in ids if (cached := self._ciphers.get(id_)) and cached[0] > current}
        missing = [id_ for id_ in ids if id_ not in ciphers]
        if missing:
            unopened = []
            for row in await self.keystore.rows(_KEYS, ids=missing):
                try:
                    ciphers[row.person_id] = self._cache(row.person_id, await self._open(row))
                except MasterKeyError:
                    unopened.append(row.person_id)
            self._report(unopened)
        return ciphers

    async def cipher_or_decoy(self, person_id: UUID) -> DataKeyCipher:
        """The cipher of one person or, if there is none, a cipher with a random key that is kept nowhere.

        It always costs one query, cached or not, so its timing does not reveal whether the person exists.
        """
        row = await self.keystore.row(_KEYS, ids=[person_id])
        if row is not None:
            try:
                return DataKeyCipher(await self._open(row))
            except MasterKeyError:
                self._report([person_id])
        return DataKeyCipher(secrets.token_bytes(KEY_BYTES))

    async def has_key(self, person_id: UUID) -> bool:
        """Whether the person has a key in the key store now, whatever this process has in its memory."""
        return await self.keystore.row(_KEYS, ids=[person_id]) is not None

    async def destroy_key(
        self,
        person_id: UUID,
        *,
        organization_id: UUID,
        anonymization_id: UUID,
        subject: Subject = Subject.CUSTOMER,
    ) -> Entry:
        """Destroy a person's key and write COMPLETED into the ledger, in one transaction; repeating is harmless."""
        # The keys of a guest's orders are destroyed by `destroy_guest_keys`: the guest itself has none.
        destroyed = [] if subject is Subject.GUEST else [person_id]
        self.forget(destroyed)
        return await ledger.complete(
            self.keystore,
            anonymization_id,
            organization_id=organization_id,
            subject=subject,
            person_id=person_id,
            key_ids=destroyed,
        )

    async def destroy_guest_keys(self, order_ids: Collection[UUID], *, organization_id: UUID) -> None:
        """Destroy the keys of guest orders that were erased, and remember in the key store that they were."""
        self.forget(order_ids)
        await ledger.destroy_guest_keys(self.keystore, order_ids, organization_id=organization_id)

    def forget(self, ids: Collection[UUID]) -> None:
        """Remove unwrapped keys from the cache of this process."""
        for person_id in ids:
            self._ciphers.pop(person_id, None)

    async def discard_keys(self, ids: Collection[UUID]) -> None:
        """Destroy keys that no row needs any more. This erases nobody, so the ledger does not change."""
        self.forget(ids)
        async with self.keystore.transaction() as session:
            await session.exec(delete(PersonKey).where(PersonKey.person_id.in_(ids)))  # type: ignore[attr-defined]

    async def unwrap(self, wrapped: bytes, *, subject: str, version: int) -> bytes:
        """Unwrap a key, also one wrapped by a version that was added while this process runs."""
        cipher = self.ring.loaded(version) or await self.ring.cipher(version)
        return unwrap(cipher, wrapped, subject=subject, version=version)

    async def system_key(
        self, session: AsyncSession, purpose: str, key: bytes, *, key_id: UUID | None = None
    ) -> SystemKey:
        """A key of the system as a row, wrapped by the version that is current until `session` ends."""
        return await _system_key(self.ring, session, purpose, key, key_id=key_id)

    async def _open(self, row: _WrappedKey) -> bytes:
        return await self.unwrap(row.wrapped, subject=row.person_id.hex, version=row.master_version)

    def _report(self, ids: Collection[UUID]) -> None:
        """Log keys that cannot be opened, once in each process."""
        new = [id_ for id_ in ids if id_ not in self._reported]
        if new and len(self._reported) < MAX_REPORTED:
            self._reported.update(new)
            log.error("data_keys_unopenable", count=len(new), first=new[0].hex)

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


async def open_vault(keystore: Database, providers: Mapping[str, KeyProvider], *, active: str) -> Vault:
    """Open the key store; on the first start create the first key version and the root of all fingerprints.

    Raise `MasterKeyError` when a provider does not have a version that is needed, or has another key under its number.
    """
    ring = KeyRing(keystore, providers, active)
    await ring.open()
    return Vault(keystore, ring, await _root(keystore, ring))


async def _root(keystore: Database, ring: KeyRing) -> bytes:
    with suppress(IntegrityError):  # Another process created it at the same time; its root counts.
        async with keystore.transaction() as session:
            if await session.get(SystemKey, ROOT_ID) is None:
                session.add(await _system_key(ring, session, "root", secrets.token_bytes(KEY_BYTES), key_id=ROOT_ID))
    async with keystore.transaction() as session:
        row = await session.get_one(SystemKey, ROOT_ID)
        cipher = await ring.cipher(row.master_version)
        return unwrap(cipher, row.wrapped, subject=row.id.hex, version=row.master_version)


async def _system_key(
    ring: KeyRing, session: AsyncSession, purpose: str, key: bytes, *, key_id: UUID | None = None
) -> SystemKey:
    version = await versions.lock_current(session)
    row_id = key_id or new_id()
    return SystemKey(
        id=row_id,
        purpose=purpose,
        wrapped=wrap(await ring.cipher(version), key, subject=row_id.hex, version=version),
        master_version=version,
        created_at=now(),
    )
