"""The signed links by which a newsletter is ended."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from uuid import UUID

from app.vault.fingerprints import Fingerprints

PREFIX = "nl_"
PURPOSE = "newsletter"
UNSUBSCRIBE_PATH = "/newsletter/unsubscribe"
ID_BYTES = 16
TAG_BYTES = 16


def token(fingerprints: Fingerprints, *, customer_id: UUID) -> str:
    """Opens nothing but the way out; it never expires, as old newsletters must keep theirs."""
    body = customer_id.bytes
    return PREFIX + base64.urlsafe_b64encode(body + _tag(fingerprints, body)).decode().rstrip("=")


def customer_of(fingerprints: Fingerprints, text: str) -> UUID | None:
    """Whose newsletter the token ends; None for anything that we did not sign."""
    encoded = text.removeprefix(PREFIX)
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, tag = decoded[:ID_BYTES], decoded[ID_BYTES:]
    signed = text.startswith(PREFIX) and hmac.compare_digest(tag, _tag(fingerprints, body))
    return UUID(bytes=body) if signed and len(body) == ID_BYTES else None


def link(fingerprints: Fingerprints, *, public_url: str, customer_id: UUID) -> str:
    """The web address that shows a button by GET and ends the newsletter by POST."""
    return f"{public_url}{UNSUBSCRIBE_PATH}?token={token(fingerprints, customer_id=customer_id)}"


def headers(fingerprints: Fingerprints, *, public_url: str, customer_id: UUID) -> Mapping[str, str]:
    """What a newsletter carries, so that mail programs offer the way out themselves (RFC 8058, section 2)."""
    url = link(fingerprints, public_url=public_url, customer_id=customer_id)
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _tag(fingerprints: Fingerprints, body: bytes) -> bytes:
    return fingerprints.of(PURPOSE, body.hex())[:TAG_BYTES]
