"""The key ring: the version keys in the memory of a process, each unwrapped by its provider once.

current    the newest version it knows; kept until a newer one is known
others     forgotten 60 seconds after they were unwrapped, so that a destroyed version soon is in no memory
failures   remembered for 10 seconds, so that a missing version does not ask the provider for every row
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.platform.clock import now
from app.platform.db.engine import Database
from app.platform.vault import versions
from app.platform.vault.providers import KeyProvider, MasterKeyError, ProviderUnavailable
from app.platform.vault.versions import VersionRow
from app.platform.vault.wrapping import KEY_BYTES

FORGET_SECONDS = 60.0
RETRY_SECONDS = 10.0


class _Loaded(NamedTuple):
    cipher: AESGCM
    until: float


class KeyRing:
    """Unwraps version keys when they are first needed; see the module."""

    def __init__(self, keystore: Database, providers: Mapping[str, KeyProvider], active: str) -> None:
        """New versions are of the provider `active`; the others unwrap what they made."""
        self._keystore = keystore
        self._providers = providers
        self._active = active
        self._loaded: dict[int, _Loaded] = {}
        self._failed: dict[int, tuple[float, str]] = {}
        self.current = 0
        self.rotating = False

    @property
    def provider(self) -> KeyProvider:
        """The provider of new versions."""
        return self._providers[self._active]

    def provider_of(self, row: VersionRow) -> KeyProvider:
        """The provider that has this version; raise `MasterKeyError` when it is not configured."""
        return self.provider_named(row.provider, row.version)

    def provider_named(self, name: str, version: int) -> KeyProvider:
        """The provider `name`, which has this version; raise `MasterKeyError` when it is not configured."""
        provider = self._providers.get(name)
        if provider is None:
            message = f"Version {version} is of the key provider `{name}`, which is not configured."
            raise MasterKeyError(message)
        return provider

    async def open(self) -> None:
        """Load every version that is needed; on an empty key store, make the first one.

        Raise `MasterKeyError` when the provider does not have one of them.
        """
        if not await versions.all_versions(self._keystore):
            await self._add(max(await self.provider.versions(), default=1))
        missing = await self.refresh()
        if missing:
            raise MasterKeyError(" ".join(missing.values()))

    async def refresh(self) -> dict[int, str]:
        """Learn the current version, and check the needed ones again that were checked a minute ago.

        Return what is wrong with needed versions. One whose provider only does not answer goes on working.
        """
        rows = await versions.all_versions(self._keystore)
        self.current = max(row.version for row in rows if row.replaced_at is None)
        self.rotating = any(row.needed and row.replaced_at is not None for row in rows)
        moment, missing = monotonic(), {}
        for row in rows:
            loaded = self._loaded.get(row.version)
            if not row.needed:
                self.forget(row.version)
            elif loaded is None or loaded.until <= moment:
                try:
                    await self._load(row)
                except ProviderUnavailable as error:
                    if loaded is None:
                        missing[row.version] = str(error)
                except MasterKeyError as error:
                    self.forget(row.version)
                    missing[row.version] = str(error)
        return missing

    async def add_version(self, version: int) -> None:
        """Make `version` the current one for all processes, unless another process already did."""
        await self._add(version)
        await self.refresh()

    async def _add(self, version: int) -> None:
        await self.provider.add(version)
        wrapped = await self.provider.wrap(version, secrets.token_bytes(KEY_BYTES))
        async with self._keystore.transaction() as session:
            await versions.make_current(session, version=version, provider=self._active, wrapped=wrapped, moment=now())

    def loaded(self, version: int) -> AESGCM | None:
        """The cipher of a version, if its key is in memory."""
        loaded = self._loaded.get(version)
        if loaded is None:
            return None
        if version != self.current and loaded.until <= monotonic():
            del self._loaded[version]
            return None
        return loaded.cipher

    async def cipher(self, version: int) -> AESGCM:
        """The cipher of a version; raise `MasterKeyError` when its key cannot be unwrapped."""
        cipher = self.loaded(version)
        if cipher is not None:
            return cipher
        until, message = self._failed.get(version, (0.0, ""))
        if until > monotonic():
            raise MasterKeyError(message)
        try:
            row = next((row for row in await versions.all_versions(self._keystore) if row.version == version), None)
            if row is None:
                raise _missing(version)
            return await self._load(row)
        except MasterKeyError as error:
            self._failed[version] = (monotonic() + RETRY_SECONDS, str(error))
            raise

    async def _load(self, row: VersionRow) -> AESGCM:
        if row.wrapped is None:
            raise _missing(row.version)
        key = await self.provider_of(row).unwrap(row.version, row.wrapped)
        cipher = AESGCM(key)
        self._loaded[row.version] = _Loaded(cipher, monotonic() + FORGET_SECONDS)
        self._failed.pop(row.version, None)
        self.current = max(self.current, row.version)
        return cipher

    def forget(self, version: int) -> None:
        """Forget a version immediately."""
        self._loaded.pop(version, None)

    async def close(self) -> None:
        """Close the providers."""
        for provider in self._providers.values():
            with suppress(MasterKeyError):
                await provider.close()


def _missing(version: int) -> MasterKeyError:
    return MasterKeyError(f"Version {version} of the master key is needed and not there.")
