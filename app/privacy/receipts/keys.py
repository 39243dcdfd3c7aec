"""The keys that sign receipts: kept in the key store, published for ever, never withdrawn; a new one may be added."""

import base64
import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import bindparam
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from app.platform.db.reading import Read, columns
from app.platform.vault.tables import SystemKey
from app.platform.vault.vault import Vault

PURPOSE = "receipt"
# Of the first key: fixed, so that two processes cannot create two.
FIRST_ID = UUID("00000000-0000-7000-8000-000000000003")


class _Row(NamedTuple):
    id: UUID
    wrapped: bytes
    master_version: int


_KEYS = Read(
    select(*columns(SystemKey, _Row)).where(SystemKey.purpose == bindparam("purpose")).order_by(SystemKey.id),
    _Row._make,
)


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """One key pair. `kid` is the thumbprint of the public key (RFC 7638)."""

    private: Ed25519PrivateKey

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key (RFC 8037)."""
        return {**self._required, "use": "sig", "alg": "EdDSA", "kid": self.kid}

    @property
    def kid(self) -> str:
        """The name of the key in a receipt."""
        canonical = json.dumps(self._required, separators=(",", ":"), sort_keys=True)
        return _base64url(hashlib.sha256(canonical.encode()).digest())

    @property
    def _required(self) -> dict[str, str]:
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}


async def all_keys(vault: Vault) -> list[ReceiptKey]:
    """All keys, the newest last, which signs; the first one is created at the first use."""
    rows = await vault.keystore.rows(_KEYS, purpose=PURPOSE)
    if not rows:
        with suppress(IntegrityError):  # Another process created it at the same time; its key counts.
            await _add(vault, FIRST_ID)
        rows = await vault.keystore.rows(_KEYS, purpose=PURPOSE)
    return [
        ReceiptKey(
            Ed25519PrivateKey.from_private_bytes(
                await vault.unwrap(row.wrapped, subject=row.id.hex, version=row.master_version)
            )
        )
        for row in rows
    ]


async def add_key(vault: Vault) -> ReceiptKey:
    """Add a key, which signs from now on; receipts of the others stay valid."""
    await all_keys(vault)
    await _add(vault, None)
    return (await all_keys(vault))[-1]


async def _add(vault: Vault, key_id: UUID | None) -> None:
    seed = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    async with vault.keystore.transaction() as session:
        session.add(await vault.system_key(session, PURPOSE, seed, key_id=key_id))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
