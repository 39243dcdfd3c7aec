"""JWT bearer assertions (RFC 7523): a client states, signed with its own key, for which staff member it acts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from sqlalchemy import delete
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.oauth import clients
from app.accounts.oauth.clients import Client
from app.accounts.oauth.errors import InvalidGrant, InvalidRequest
from app.accounts.organizations.public_keys import ALGORITHMS, split_pem
from app.accounts.organizations.tables import UsedAssertion
from app.identity.staff import repository as staff
from app.platform.clock import now
from app.platform.db.inserts import insert_if_absent
from app.platform.errors import NotFound
from app.platform.graphql import ids
from app.platform.vault.vault import Store

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_MAX = 4096
STAFF = "Staff"
LIFETIME_MAX = timedelta(minutes=10)
LEEWAY = timedelta(seconds=30)
REQUIRED_CLAIMS = ["iss", "sub", "aud", "exp", "jti"]
INVALID_ASSERTION = "The assertion is not valid: check key, iss, sub, aud, exp and jti."


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion with a valid signature, issuer, audience and lifetime."""

    client: Client
    subject: UUID
    jti: str
    expires_at: datetime
    custom_claim: dict[str, Any] | None


async def verify(store: Store, assertion: str, *, audiences: list[str]) -> Assertion:
    """The verified assertion; raise `InvalidRequest` for one over 4 KiB and `InvalidGrant` for an invalid one."""
    if len(assertion) > ASSERTION_MAX:
        raise InvalidRequest(f"The parameter assertion is longer than {ASSERTION_MAX} bytes.")
    client = await _issuer(store, assertion)
    for key in split_pem(client.public_key or ""):
        try:
            claims = _decode(assertion, key, audiences)
            return _assertion(client, claims)
        except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, OverflowError, OSError):
            # Another key of the client may have signed it.
            continue
    raise InvalidGrant(INVALID_ASSERTION)


async def _issuer(store: Store, assertion: str) -> Client:
    try:
        unverified = jwt.decode(assertion, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        raise InvalidGrant(INVALID_ASSERTION) from None
    client = await clients.find(store, str(unverified.get("iss")))
    if client is None or not client.confidential:
        raise InvalidGrant(INVALID_ASSERTION)
    return client


def _decode(assertion: str, key: str, audiences: list[str]) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        assertion,
        key,
        algorithms=ALGORITHMS,
        audience=audiences,
        leeway=LEEWAY,
        options={"require": REQUIRED_CLAIMS},
    )
    return claims


def _assertion(client: Client, claims: Mapping[str, Any]) -> Assertion:
    expires_at = datetime.fromtimestamp(float(claims["exp"]), UTC)
    if expires_at > now() + LIFETIME_MAX or not claims["jti"]:
        raise ValueError
    # Refuse a lone surrogate here: it could not be encoded for the fingerprint.
    str(claims["jti"]).encode()
    custom = claims.get("custom_claim")
    # JSON has no NaN and no Infinity, but Python's reader takes them, and no database does.
    json.dumps(custom, allow_nan=False)
    return Assertion(
        client,
        _staff_id(str(claims["sub"])),
        str(claims["jti"]),
        expires_at,
        custom if isinstance(custom, dict) else None,
    )


def _staff_id(subject: str) -> UUID:
    """The staff member that an assertion names, as the API names it or as the tokens do; raise `ValueError`."""
    try:
        return ids.decode(STAFF, subject)
    except NotFound:
        raise ValueError from None


async def use_once(session: AsyncSession, store: Store, assertion: Assertion) -> None:
    """Mark the assertion as used; raise `InvalidGrant` if it was used before or the subject is no active staff member.

    Both checks belong to the transaction that issues the token: a member who is removed concurrently gets none.
    """
    jti_hash = store.vault.fingerprints.compute("assertion", assertion.jti)
    client = assertion.client
    inserted = await insert_if_absent(
        session,
        UsedAssertion,
        client_id=client.id,
        jti_hash=jti_hash,
        expires_at=assertion.expires_at + LEEWAY,
    )
    if not inserted:
        raise InvalidGrant("The assertion was used before.")
    if not await staff.lock(session, organization_id=client.organization_id, staff_id=assertion.subject):
        raise InvalidGrant("The subject is not a staff member of the client's organization.")


async def sweep(store: Store) -> int:
    """Delete used assertions that have expired, and so would be refused anyway; return how many."""
    async with store.database.transaction() as session:
        return (await session.exec(delete(UsedAssertion).where(col(UsedAssertion.expires_at) < now()))).rowcount
