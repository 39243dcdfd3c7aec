"""Key providers: hold the wrapping key of each key version, outside of both databases.

    provider       holds, for each version, one wrapping key that never enters a database
    key store      holds, for each version, a random version key wrapped by it (`key_versions`)
    version key    wraps the data keys of people and the keys of the system; unwrapped once for each process

So a key management service is called for a version and a process, not for a person. When a provider destroys a wrapping
key, the version key and everything it wrapped is lost, in every copy of the key store.
"""

from typing import Protocol


class MasterKeyError(Exception):
    """A key version is absent, malformed, or not the one that wrapped a key; the message says what to do."""


class ProviderUnavailable(MasterKeyError):
    """The provider does not answer, or refuses for a moment: what is in memory goes on working."""


class KeyProvider(Protocol):
    """Adds, uses and destroys wrapping keys by version number. Every operation may be repeated.

    All raise `MasterKeyError` when they cannot do it.
    """

    name: str
    """Which kind it is; the key store records it with each version."""
    manages_versions: bool
    """Whether it can add and destroy versions by itself."""

    async def versions(self) -> frozenset[int]:
        """The versions it holds."""

    async def add(self, version: int) -> None:
        """Make the wrapping key of a new version; one that exists is kept."""

    async def wrap(self, version: int, key: bytes) -> bytes:
        """Wrap a version key, or the key of a backup."""

    async def unwrap(self, version: int, wrapped: bytes) -> bytes:
        """What `wrap` wrapped with this version."""

    async def destroy(self, version: int) -> None:
        """Destroy the wrapping key for good: afterwards nobody can unwrap with it, from any backup of the databases."""

    async def close(self) -> None:
        """Close connections."""
