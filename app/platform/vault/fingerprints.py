"""Keyed fingerprints (HMAC): a value can be looked up by its fingerprint and not recovered from it."""

import hmac
from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Fingerprints:
    """HMAC-SHA-256 (RFC 2104) with a key for each purpose and organization, derived from one root (RFC 5869).

    The master key wraps the root; the root is not derived from it. So rotating the master key changes no fingerprint.
    """

    def __init__(self, root: bytes) -> None:
        """Derive from the 32-byte `root`."""
        self._derived = lru_cache(maxsize=4096)(lambda info: _derive(root, info))

    def compute(self, purpose: str, value: str, *, organization_id: UUID | None = None) -> bytes:
        """32 bytes: equal for equal values of one purpose in one organization, unrelated otherwise."""
        key = self._derived(f"{purpose}|{organization_id.hex if organization_id else ''}")
        return hmac.digest(key, value.encode(), "sha256")


def _derive(root: bytes, info: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info.encode()).derive(root)
