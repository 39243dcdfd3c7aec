"""Sealing: all personal fields of a row are one value, encrypted with the person's data key."""

import os
from typing import Any, TypeVar
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Payload = TypeVar("Payload")

FORMAT = 1
NONCE = slice(1, 13)
BODY = slice(13, None)


class DataKeyCipher:
    """Seals and opens the values of one person with AES-256-GCM (NIST SP 800-38D).

    A sealed value is one byte of format, 12 bytes of random nonce, ciphertext and tag. Table and row id are associated
    data: a value copied to another row cannot be opened.
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        """Use the 32-byte data key of the person."""
        self._cipher = AESGCM(key)

    def seal(self, table: str, row_id: UUID, payload: object) -> bytes:
        """Seal `payload` (a dataclass or a JSON value) for one row of `table`."""
        return self.seal_bytes(table, row_id, orjson.dumps(payload))

    def open(self, table: str, row_id: UUID, sealed: bytes) -> Any:
        """Open what was sealed for this row; raise `InvalidTag` when it was sealed for another row or modified."""
        return orjson.loads(self.open_bytes(table, row_id, sealed))

    def seal_bytes(self, table: str, row_id: UUID, value: bytes) -> bytes:
        """Like `seal`, for bytes as they are."""
        nonce = os.urandom(12)
        return bytes([FORMAT]) + nonce + self._cipher.encrypt(nonce, value, _associated_data(table, row_id))

    def open_bytes(self, table: str, row_id: UUID, sealed: bytes) -> bytes:
        """Open what `seal_bytes` sealed; raise `InvalidTag` as `open` does."""
        return self._cipher.decrypt(sealed[NONCE], sealed[BODY], _associated_data(table, row_id))

    def open_as(self, shape: type[Payload], table: str, row_id: UUID, sealed: bytes | None) -> Payload:
        """Open the sealed fields as the dataclass `shape`; its defaults where nothing was sealed."""
        return shape(**self.open(table, row_id, sealed)) if sealed else shape()


def _associated_data(table: str, row_id: UUID) -> bytes:
    return f"{table}|{row_id.hex}|{FORMAT}".encode()
