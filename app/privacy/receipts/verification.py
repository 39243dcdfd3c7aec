"""Verifies a receipt: its type, its signature by a published key, and that a second one follows a first."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import jwt

from app.privacy.receipts.contents import TYPE


class BadReceipt(Exception):
    """The receipt is not what it says; the message tells why, without its content."""


def verify(jws: str, jwks: Sequence[Mapping[str, Any]], *, previous: str | None = None) -> dict[str, Any]:
    """The claims of a receipt that one of the keys (RFC 7517) signed; raise `BadReceipt`.

    `previous` is the first receipt, to be compared with what a second one says of it.
    """
    try:
        header = jwt.get_unverified_header(jws.strip())
    except jwt.InvalidTokenError:
        raise BadReceipt("This is not a signed receipt (JWS).") from None
    if header.get("typ") != TYPE or header.get("alg") != "EdDSA":
        message = f"This is not a receipt of an erasure: its type is not {TYPE}."
        raise BadReceipt(message)
    key = next((one for one in jwks if one.get("kid") == header.get("kid")), None)
    if key is None:
        raise BadReceipt("None of the published keys signed this receipt.")
    try:
        claimed: dict[str, Any] = jwt.decode(
            jws.strip(), jwt.PyJWK(dict(key)), algorithms=["EdDSA"], options={"verify_iat": False, "verify_aud": False}
        )
    except jwt.InvalidTokenError:
        raise BadReceipt("The signature is wrong: the receipt was changed.") from None
    if previous is not None and claimed["previous"] != sha256(previous.strip().encode()).hexdigest():
        raise BadReceipt("This receipt does not follow the other one.")
    return claimed
