"""Signs messages as Standard Webhooks says (https://github.com/standard-webhooks/standard-webhooks, 1.0).

    v1    `whsec_…`, a secret both sides have: HMAC-SHA256
    v1a   `whsk_…`, a private key; the receiver has the public one, `whpk_…`: Ed25519

What is signed is `id.timestamp.body`. While a secret is exchanged a message has a signature of each.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

SECRET_BYTES = 32


class Signing(Enum):
    """How messages are signed."""

    HMAC_SHA256 = "HMAC_SHA256"
    ED25519 = "ED25519"


def new_secret(signing: Signing) -> str:
    """A secret in the form that the specification gives it."""
    if signing is Signing.HMAC_SHA256:
        return "whsec_" + _encoded(secrets.token_bytes(SECRET_BYTES))
    key = Ed25519PrivateKey.generate()
    return "whsk_" + _encoded(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))


def public_key(secret: str) -> str | None:
    """The public key of an Ed25519 secret, with which a receiver verifies; None for a shared secret."""
    prefix, raw = _parsed(secret)
    if prefix != "whsk":
        return None
    key = Ed25519PrivateKey.from_private_bytes(raw).public_key()
    return "whpk_" + _encoded(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def headers(message_id: str, at: datetime, body: bytes, signing_secrets: Sequence[str]) -> dict[str, str]:
    """The headers that identify a message, and prove who sent it and when."""
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in signing_secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    prefix, raw = _parsed(secret)
    if prefix == "whsk":
        return "v1a," + _encoded(Ed25519PrivateKey.from_private_bytes(raw).sign(signed))
    return "v1," + _encoded(hmac.digest(raw, signed, hashlib.sha256))


def _parsed(secret: str) -> tuple[str, bytes]:
    prefix, _, encoded = secret.partition("_")
    return prefix, base64.b64decode(encoded)


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
