"""Device tokens: signed values that identify a browser in which the customer has logged in before."""

import base64
import binascii
import hmac
import secrets
import struct
from datetime import timedelta
from uuid import UUID

from app.platform.clock import now
from app.platform.vault.fingerprints import Fingerprints

PREFIX = "dt_"
LIFETIME = timedelta(days=180)
PURPOSE = "device-token"
DEVICE_BYTES = 12
TAG_BYTES = 16
BODY = struct.Struct(f">16s{DEVICE_BYTES}sI")
TOKEN_MAX = 128


def issue(fingerprints: Fingerprints, *, customer_id: UUID, device: bytes | None = None) -> str:
    """A signed token, valid for 180 days. Pass `device` to keep the device of the token that this one replaces.

    It grants no access. A wrong password sent with it is counted for the device instead of for the name and source.
    """
    body = BODY.pack(
        customer_id.bytes, device or secrets.token_bytes(DEVICE_BYTES), int((now() + LIFETIME).timestamp())
    )
    return PREFIX + base64.urlsafe_b64encode(body + _tag(fingerprints, body)).decode().rstrip("=")


def verify(fingerprints: Fingerprints, token: str | None, *, customer_id: UUID | None) -> bytes | None:
    """The device the token was issued to; None unless it has our signature, is this customer's and has not expired."""
    if token is None or customer_id is None or not token.startswith(PREFIX) or len(token) > TOKEN_MAX:
        return None
    decoded = _decoded(token.removeprefix(PREFIX))
    body, tag = decoded[: BODY.size], decoded[BODY.size :]
    if len(body) != BODY.size or not hmac.compare_digest(tag, _tag(fingerprints, body)):
        return None
    owner, device, expires = BODY.unpack(body)
    return device if owner == customer_id.bytes and expires > now().timestamp() else None


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _tag(fingerprints: Fingerprints, body: bytes) -> bytes:
    return fingerprints.compute(PURPOSE, body.hex())[:TAG_BYTES]
