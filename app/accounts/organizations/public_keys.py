"""Public keys that verify a client's assertions: Ed25519, P-256, or RSA of 2,048 to 8,192 bits, in PEM."""

import re
from collections.abc import Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from app.platform.errors import ErrorRule, Invalid, TooLong

ALGORITHMS = ["EdDSA", "ES256", "RS256"]
RSA_BITS_MIN = 2048
RSA_BITS_MAX = 8192
KEYS_MAX = 3
TEXT_MAX = 4096
BLOCK = re.compile(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----\n?", re.DOTALL)


def parse(raw: str) -> str:
    """The key in normalized PEM; raise `Invalid`, `TooLong`.

    A private key is refused instead of converted, so that its owner notices that it was disclosed.
    """
    if len(raw) > TEXT_MAX:
        raise TooLong("At most {max} characters.", max=TEXT_MAX)
    if "PRIVATE KEY" in raw:
        raise Invalid("This is a private key. Send the public one, and make a new pair: this one has been shown.")
    try:
        key = load_pem_public_key(raw.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise Invalid("Send a public key in PEM: -----BEGIN PUBLIC KEY----- and so on.") from None
    if not _is_strong(key):
        raise Invalid("Use Ed25519, ECDSA with P-256, or RSA of 2,048 to 8,192 bits.")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def join_pem(keys: Sequence[str]) -> str | None:
    """Parsed keys joined into the stored text; raise `TooLong` for more than 3 keys or more than 4,096 characters."""
    if len(keys) > KEYS_MAX:
        raise TooLong("At most {max} keys.", rule=ErrorRule.COUNT, max=KEYS_MAX)
    joined = "".join(keys)
    if len(joined) > TEXT_MAX:
        raise TooLong("At most {max} characters together.", max=TEXT_MAX)
    return joined or None


def split_pem(stored: str) -> list[str]:
    """The PEM keys in a stored text."""
    return BLOCK.findall(stored)


def _is_strong(key: PublicKeyTypes) -> bool:
    if isinstance(key, RSAPublicKey):
        return RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX
    if isinstance(key, EllipticCurvePublicKey):
        return isinstance(key.curve, SECP256R1)
    return isinstance(key, Ed25519PublicKey)
