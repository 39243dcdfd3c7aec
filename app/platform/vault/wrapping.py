"""Wrapping of keys with AES-256-GCM (NIST SP 800-38D): nonce, ciphertext, tag."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.platform.vault.providers import MasterKeyError

KEY_BYTES = 32
NONCE_BYTES = 12


def wrap(cipher: AESGCM, key: bytes, *, subject: str, version: int) -> bytes:
    """Wrap `key` for `subject`: it cannot be unwrapped as the key of anything else, or as one of another version."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, key, _associated_data(subject, version))


def unwrap(cipher: AESGCM, wrapped: bytes, *, subject: str, version: int) -> bytes:
    """The key that was wrapped; raise `MasterKeyError` when another key wrapped it, or for another subject."""
    try:
        return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _associated_data(subject, version))
    except InvalidTag:
        message = f"Version {version} of the master key is not the one that wrapped {subject}."
        raise MasterKeyError(message) from None


def _associated_data(subject: str, version: int) -> bytes:
    return f"{subject}|{version}".encode()
