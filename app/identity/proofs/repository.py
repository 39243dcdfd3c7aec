"""Repository of one-time proofs: issues, uses and revokes them. Only mutations use one up, never a GET request."""

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.identity.proofs.errors import ProofExpired, ProofInvalid
from app.identity.proofs.purposes import Purpose
from app.identity.proofs.tables import Proof
from app.platform.blanks import without_blanks
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.reading import Read, columns
from app.platform.db.writing import Write, execute_at_commit
from app.platform.vault.vault import Store, Vault

CODE_DIGITS = 6
MAX_CODE_TRIES = 10
TOKEN_MAX = 128
# An expired proof is kept for a while, so that its holder gets `ProofExpired` instead of `ProofInvalid`.
EXPIRED_RETENTION = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class IssuedProof:
    """The token and code for the mail; the database has only their keyed hashes."""

    token: str
    code: str


@dataclass(frozen=True, slots=True)
class UsedProof:
    """The customer of a proof that was used, and the payload that was sealed with it."""

    customer_id: UUID
    payload: Any


class _TokenRow(NamedTuple):
    customer_id: UUID
    expires_at: datetime


class _OpenProofRow(NamedTuple):
    purpose: str
    created_at: datetime
    expires_at: datetime


_BY_TOKEN = Read(
    select(*columns(Proof, _TokenRow)).where(
        col(Proof.token_hash) == bindparam("token_hash"),
        col(Proof.organization_id) == bindparam("organization_id"),
    ),
    _TokenRow._make,
)
_BY_CUSTOMER = Read(
    select(*columns(Proof, _OpenProofRow))
    .where(
        col(Proof.organization_id) == bindparam("organization_id"), col(Proof.customer_id) == bindparam("customer_id")
    )
    .order_by(col(Proof.created_at)),
    _OpenProofRow._make,
)


def _upsert(insert: Any) -> Write[Any]:
    new = insert(Proof)
    replaced = {name: getattr(new.excluded, name) for name in ("token_hash", "code_hash", "created_at", "expires_at")}
    preserved = {
        "sealed": func.coalesce(new.excluded.sealed, col(Proof.sealed)),
        "code_tries": case((col(Proof.expires_at) > new.excluded.created_at, col(Proof.code_tries)), else_=0),
    }
    unique = ["customer_id", "purpose", "about_hash"]
    return Write(new.on_conflict_do_update(index_elements=unique, set_={**replaced, **preserved}))


_UPSERT = {"sqlite": _upsert(sqlite.insert), "postgresql": _upsert(postgresql.insert)}


def decoy_customer_id(vault: Vault, *, organization_id: UUID, canonical: str) -> UUID:
    """The placeholder customer id for an address without an account; the same for every call with the address.

    Proofs and mails written for it cost the same as real ones and can never be opened or used.
    """
    return UUID(bytes=vault.fingerprints.compute("decoy", canonical, organization_id=organization_id)[:16])


async def issue(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    customer_id: UUID,
    purpose: Purpose,
    payload: object = None,
    about: str = "",
) -> IssuedProof:
    """Issue a proof. It replaces the customer's open one of this purpose (and `about`, where several may be open).

    Without a `payload`, the payload of the replaced proof is kept, so requesting the mail again loses nothing. The
    number of code tries is kept too, unless the replaced proof had expired: requesting again must not allow more
    guesses. The link works regardless of the tries.
    """
    token = f"{purpose.prefix}_{secrets.token_urlsafe(32)}"
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    moment = now()
    cipher = await vault.cipher_or_decoy(customer_id)
    execute_at_commit(
        session,
        _UPSERT[session.get_bind().dialect.name],
        id=new_id(),
        organization_id=organization_id,
        customer_id=customer_id,
        purpose=purpose.value,
        about_hash=_about_hash(vault, about),
        code_tries=0,
        token_hash=_token_hash(vault, purpose, token),
        code_hash=_code_hash(vault, purpose, customer_id, code) if purpose.has_code else None,
        sealed=cipher.seal(_sealing_context(purpose), customer_id, payload) if payload is not None else None,
        created_at=moment,
        expires_at=moment + purpose.lifetime,
    )
    return IssuedProof(token, code)


async def customer_id_by_token(store: Store, *, organization_id: UUID, purpose: Purpose, token: str) -> UUID:
    """The customer whose token it is; the token stays usable. Raise `ProofInvalid`, `ProofExpired`."""
    hashed = _token_hash(store.vault, purpose, token)
    row = await store.database.row(_BY_TOKEN, organization_id=organization_id, token_hash=hashed)
    if row is None:
        raise ProofInvalid
    if row.expires_at <= now():
        raise ProofExpired
    return row.customer_id


async def use(session: AsyncSession, vault: Vault, *, organization_id: UUID, purpose: Purpose, token: str) -> UsedProof:
    """Use a token up; of two concurrent calls only one succeeds. Raise `ProofInvalid`, `ProofExpired`."""
    statement = (
        delete(Proof)
        .where(col(Proof.token_hash) == _token_hash(vault, purpose, token))
        .where(col(Proof.organization_id) == organization_id)
        .returning(col(Proof.customer_id), col(Proof.sealed), col(Proof.expires_at))
    )
    row = (await session.exec(statement)).first()
    if row is None:
        raise ProofInvalid
    if row.expires_at <= now():
        raise ProofExpired
    return await _open(vault, purpose, row.customer_id, row.sealed)


async def use_code(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID, purpose: Purpose, code: str
) -> UsedProof | None:
    """Use a short code up; None when it is wrong or was tried 10 times. The caller must then commit the counted try.

    Raise `ProofExpired`, but only for the right code: a wrong one must not reveal that there was a proof.
    """
    statement = (
        update(Proof)
        .where(col(Proof.customer_id) == customer_id, col(Proof.organization_id) == organization_id)
        .where(col(Proof.purpose) == purpose.value, col(Proof.code_tries) < MAX_CODE_TRIES)
        .values(code_tries=Proof.code_tries + 1)
        .returning(col(Proof.id), col(Proof.code_hash), col(Proof.sealed), col(Proof.expires_at))
    )
    row = (await session.exec(statement)).first()
    hashed = _code_hash(vault, purpose, customer_id, code)
    if row is None or not hmac.compare_digest(row.code_hash or b"", hashed):
        return None
    if row.expires_at <= now():
        raise ProofExpired(field=("code",))
    await session.exec(delete(Proof).where(col(Proof.id) == row.id))
    return await _open(vault, purpose, customer_id, row.sealed)


async def revoke(session: AsyncSession, *, customer_id: UUID, purposes: Collection[Purpose]) -> int:
    """Delete a customer's open proofs of these purposes; return how many there were."""
    names = [purpose.value for purpose in purposes]
    statement = delete(Proof).where(col(Proof.customer_id) == customer_id, col(Proof.purpose).in_(names))
    return (await session.exec(statement)).rowcount


async def sweep(store: Store) -> int:
    """Delete the proofs that expired more than 7 days ago; return how many."""
    async with store.database.transaction() as session:
        return (await session.exec(delete(Proof).where(col(Proof.expires_at) < now() - EXPIRED_RETENTION))).rowcount


async def erase(session: AsyncSession, *, customer_id: UUID) -> int:
    """Delete all proofs of a customer; return how many there were."""
    return (await session.exec(delete(Proof).where(col(Proof.customer_id) == customer_id))).rowcount


async def export(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[dict[str, object]]:
    """The open proofs of a customer with their purposes and times, for a data export."""
    rows = await store.database.rows(_BY_CUSTOMER, organization_id=organization_id, customer_id=customer_id)
    return [{"purpose": row.purpose, "createdAt": row.created_at, "expiresAt": row.expires_at} for row in rows]


async def _open(vault: Vault, purpose: Purpose, customer_id: UUID, sealed: bytes | None) -> UsedProof:
    if sealed is None:
        return UsedProof(customer_id, None)
    cipher = await vault.cipher_or_decoy(customer_id)
    return UsedProof(customer_id, cipher.open(_sealing_context(purpose), customer_id, sealed))


def _sealing_context(purpose: Purpose) -> str:
    return f"proofs.{purpose.value}"


def _token_hash(vault: Vault, purpose: Purpose, token: str) -> bytes:
    return vault.fingerprints.compute(f"proof.{purpose.value}", without_blanks(token)[:TOKEN_MAX])


def _code_hash(vault: Vault, purpose: Purpose, customer_id: UUID, code: str) -> bytes:
    digits = "".join(code.split())[:TOKEN_MAX]
    return vault.fingerprints.compute(f"proof-code.{purpose.value}", f"{customer_id.hex}:{digits}")


def _about_hash(vault: Vault, about: str) -> bytes:
    return vault.fingerprints.compute("proof-about", about) if about else b""
