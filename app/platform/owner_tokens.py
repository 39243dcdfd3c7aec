"""Secret tokens that name their owner, so that what they belong to is found by the owner's key.

`<prefix>_` and 48 bytes in base64url: the owner's id (16 bytes), then a secret (32 bytes). The name is no proof: who
changes it finds nothing, as the keyed hash of the whole token is compared too.
"""

import base64
import binascii
import secrets
from uuid import UUID

OWNER_BYTES = 16
SECRET_BYTES = 32
ENCODED_LENGTH = 64


def issue(prefix: str, owner_id: UUID) -> str:
    """A new token with a random secret."""
    return compose(prefix, owner_id, secrets.token_bytes(SECRET_BYTES))


def compose(prefix: str, owner_id: UUID, secret: bytes) -> str:
    """The token with this secret of 32 bytes."""
    assert len(secret) == SECRET_BYTES  # noqa: S101 - or it could not be read again
    return f"{prefix}_{base64.urlsafe_b64encode(owner_id.bytes + secret).decode()}"


def owner_id(prefix: str, token: str) -> UUID | None:
    """Whose token it says it is; None for a text that is no token with this prefix."""
    head, _, body = token.partition("_")
    if head != prefix or len(body) != ENCODED_LENGTH:
        return None
    try:
        return UUID(bytes=base64.b64decode(body, altchars=b"-_", validate=True)[:OWNER_BYTES])
    except (binascii.Error, ValueError):
        return None
