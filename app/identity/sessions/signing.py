"""Signing keys of access tokens: Ed25519 key pairs, stored wrapped in the key store and published as a JWK set.

A key signs from 10 seconds after its creation until its retirement, and verifies for the lifetime of a token more.
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import bindparam
from sqlmodel import col, select

from app.platform.clock import now
from app.platform.db.reading import Read, columns
from app.platform.vault.tables import SystemKey
from app.platform.vault.vault import Vault

PURPOSE = "signing"
# Limits the lookups of unknown key ids, since anybody can send tokens with made-up ones.
MIN_RELOAD_INTERVAL_SECONDS = 2.0
# How long a process may go on signing with a key that another one has retired.
SIGNING_CACHE_LIFETIME = timedelta(seconds=30)
# A new key is published before it signs. Longer than MIN_RELOAD_INTERVAL_SECONDS, so that every process can verify the
# key's first token.
ACTIVATION_DELAY = timedelta(seconds=10)


class _Row(NamedTuple):
    id: UUID
    wrapped: bytes
    master_version: int
    created_at: datetime
    retired_at: datetime | None


_KEYS = Read(
    select(*columns(SystemKey, _Row)).where(SystemKey.purpose == bindparam("purpose")).order_by(SystemKey.id),
    _Row._make,
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key pair; a retired one still verifies but no longer signs."""

    kid: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    created_at: datetime
    retired_at: datetime | None

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key (RFC 7517, RFC 8037)."""
        raw = self.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": x}


class SigningKeys:
    """The keys that sign access tokens, or signed one that may still be valid."""

    def __init__(self, vault: Vault, *, verify_for: timedelta) -> None:
        """Retired keys verify for `verify_for` (a token's lifetime) plus the time in which they may still sign."""
        self._vault = vault
        self._verify_for = verify_for + SIGNING_CACHE_LIFETIME + ACTIVATION_DELAY
        self._keys: dict[str, SigningKey] = {}
        self._loaded_at = float("-inf")

    async def load(self) -> None:
        """Read the keys; create one if none is active, as on the first start."""
        await self._read()
        if not any(key.retired_at is None for key in self._keys.values()):
            await self.rotate()

    async def rotate(self) -> str:
        """Create a key, retire the others, and return the new `kid`.

        The new key signs from 10 seconds later, when every process can know it. Issued tokens stay valid.
        """
        seed = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        signing = select(SystemKey).where(SystemKey.purpose == PURPOSE, col(SystemKey.retired_at).is_(None))
        async with self._vault.keystore.transaction() as session:
            for old in (await session.exec(signing.with_for_update())).all():
                old.retired_at = now()
                session.add(old)
            row = await self._vault.system_key(session, PURPOSE, seed)
            session.add(row)
        await self._read()
        return row.id.hex

    async def current(self) -> SigningKey:
        """The key that signs: the newest that every process can know. The keys are read again every 30 seconds."""
        if monotonic() - self._loaded_at > SIGNING_CACHE_LIFETIME.total_seconds():
            await self._read()
        activated_before = now() - ACTIVATION_DELAY
        newest_first = list(reversed(self._keys.values()))
        return next((key for key in newest_first if key.created_at <= activated_before), newest_first[-1])

    async def find(self, kid: str) -> SigningKey | None:
        """The key with this id, or None. An unknown one is looked up in the key store at most every 2 seconds."""
        if kid not in self._keys and monotonic() - self._loaded_at > MIN_RELOAD_INTERVAL_SECONDS:
            await self._read()
        return self._keys.get(kid)

    async def jwk_set(self) -> dict[str, Any]:
        """The public keys as a JWK set (RFC 7517, section 5), never cached: verifiers fetch it for an unknown key."""
        await self._read()
        return {"keys": [key.jwk for key in self._keys.values()]}

    async def _read(self) -> None:
        oldest = now() - self._verify_for
        rows = await self._vault.keystore.rows(_KEYS, purpose=PURPOSE)
        usable = [row for row in rows if row.retired_at is None or row.retired_at > oldest]
        self._keys = {row.id.hex: await self._open(row) for row in usable}
        self._loaded_at = monotonic()

    async def _open(self, row: _Row) -> SigningKey:
        seed = await self._vault.unwrap(row.wrapped, subject=row.id.hex, version=row.master_version)
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return SigningKey(row.id.hex, private, private.public_key(), row.created_at, row.retired_at)
