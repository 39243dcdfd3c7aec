"""Repository of one-time proofs: issues, uses and revokes them. Only mutations use one up, never a GET request."""

import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, case, delete, func, inspect, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.identity.proofs.errors import ProofExpired, ProofInvalid
from app.identity.proofs.purposes import Purpose
from app.identity.proofs.tables import Proof
from app.platform import owner_tokens
from app.platform.blanks import without_blanks
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.reading import Read, any_of, columns
from app.platform.db.sweeping import Sweep
from app.platform.db.writing import Write, execute_at_commit
from app.platform.vault.vault import Store, Vault

CODE_DIGITS = 6
MAX_CODE_TRIES = 10
CODE_MAX = 128
# How many of a customer's open codes work at once; older mails keep their links.
MAX_OPEN_CODES = 3
# How many proofs of one purpose a customer has at most: whoever asks for more loses the oldest.
MAX_OPEN = 20
REPEAT_WINDOW = timedelta(minutes=10)
# An expired proof is kept a while, so that its holder learns that it expired and not that it never was.
EXPIRED_RETENTION = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class IssuedProof:
    """The token and code for the mail; the database has only their keyed hashes."""

    token: str
    code: str


@dataclass(frozen=True, slots=True)
class UsedProof:
    """Whose proof it was, and what was sealed with it; `repeated`: it was used before, some minutes ago."""

    id: UUID
    customer_id: UUID
    payload: Any
    issued_at: datetime
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class SealedProof:
    """An unused proof, what it is about, and what was sealed with it."""

    about_hash: bytes
    payload: Any


class PendingEmailChange(NamedTuple):
    """A change of an address that waits for its confirmation."""

    new_email: str
    expires_at: datetime


class _SealedRow(NamedTuple):
    customer_id: UUID
    purpose: str
    sealed: bytes | None
    expires_at: datetime


class _TokenRow(NamedTuple):
    customer_id: UUID
    expires_at: datetime


class _CodeRow(NamedTuple):
    id: UUID
    customer_id: UUID
    code_hash: bytes | None
    code_tries: int
    sealed: bytes | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class _OpenProofRow(NamedTuple):
    purpose: str
    created_at: datetime
    expires_at: datetime


_BY_TOKEN = Read(
    select(*columns(Proof, _TokenRow)).where(
        col(Proof.customer_id) == bindparam("customer_id"),
        col(Proof.token_hash) == bindparam("token_hash"),
        col(Proof.organization_id) == bindparam("organization_id"),
    ),
    _TokenRow._make,
)
_EMAIL_CHANGES = Read(
    select(*columns(Proof, _SealedRow))
    .where(
        col(Proof.organization_id) == bindparam("organization_id"),
        any_of(Proof.customer_id, "ids"),
        or_(col(Proof.purpose) == bindparam("change"), col(Proof.purpose) == bindparam("nothing")),
        col(Proof.used_at).is_(None),
        col(Proof.expires_at) > bindparam("moment"),
    )
    .order_by(col(Proof.id)),
    _SealedRow._make,
)
_BY_CUSTOMER = Read(
    select(*columns(Proof, _OpenProofRow))
    .where(
        col(Proof.organization_id) == bindparam("organization_id"),
        col(Proof.customer_id) == bindparam("customer_id"),
        col(Proof.used_at).is_(None),
    )
    .order_by(col(Proof.created_at)),
    _OpenProofRow._make,
)


_EXPIRED = Sweep(Proof, col(Proof.expires_at) < bindparam("before"))


def _upsert(insert: Any) -> Write[Any]:
    earlier = aliased(Proof)
    # The tries of the codes before count for this one: asking again buys no new ones.
    tries = (
        select(func.coalesce(func.max(earlier.code_tries), 0))
        .where(col(earlier.customer_id) == bindparam("owner"), col(earlier.purpose) == bindparam("name"))
        .where(col(earlier.expires_at) > bindparam("moment"))
    )
    values: dict[str, Any] = {
        column.name: bindparam(column.name, type_=column.type) for column in inspect(Proof).columns
    }
    values["code_tries"] = tries.scalar_subquery()
    # INSERT … SELECT, as Citus allows no subquery in VALUES; SQLite needs the WHERE to tell ON CONFLICT from a join.
    new = insert(Proof).from_select(list(values), select(*values.values()).where(text("1 = 1")))
    replaced = {name: getattr(new.excluded, name) for name in ("token_hash", "code_hash", "created_at", "expires_at")}
    preserved = {
        "sealed": func.coalesce(new.excluded.sealed, col(Proof.sealed)),
        "code_tries": case((col(Proof.expires_at) > new.excluded.created_at, col(Proof.code_tries)), else_=0),
        "used_at": None,
    }
    unique = ["customer_id", "purpose", "about_hash"]
    return Write(new.on_conflict_do_update(index_elements=unique, set_={**replaced, **preserved}))


_UPSERT = {"sqlite": _upsert(sqlite.insert), "postgresql": _upsert(postgresql.insert)}


def _delete_oldest() -> Write[Any]:
    other = aliased(Proof)
    kept = (
        select(col(other.id))
        .where(col(other.customer_id) == bindparam("owner"), col(other.purpose) == bindparam("name"))
        .order_by(col(other.id).desc())
        .limit(MAX_OPEN - 1)
    )
    same = (col(Proof.customer_id) == bindparam("owner"), col(Proof.purpose) == bindparam("name"))
    return Write(delete(Proof).where(*same, col(Proof.id).not_in(kept)))


_DELETE_OLDEST = _delete_oldest()


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
    """A new proof; it replaces the older one of this purpose and `about`. The last `MAX_OPEN` of others stay good.

    Without a `payload` what was sealed with the older one stays. The tries of its code stay too, or asking again
    would buy new ones; the link always works.
    """
    token = owner_tokens.issue(purpose.prefix, customer_id)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    moment = now()
    cipher = await vault.cipher_or_decoy(customer_id)
    execute_at_commit(session, _DELETE_OLDEST, owner=customer_id, name=purpose.value)
    execute_at_commit(
        session,
        _UPSERT[session.get_bind().dialect.name],
        id=new_id(),
        organization_id=organization_id,
        customer_id=customer_id,
        purpose=purpose.value,
        about_hash=about_hash(vault, about),
        owner=customer_id,
        name=purpose.value,
        moment=moment,
        used_at=None,
        token_hash=_token_hash(vault, purpose, token),
        code_hash=_code_hash(vault, purpose, customer_id, code) if purpose.has_code else None,
        sealed=cipher.seal(_sealing_context(purpose), customer_id, payload) if payload is not None else None,
        created_at=moment,
        expires_at=moment + purpose.lifetime,
    )
    return IssuedProof(token, code)


async def customer_id_by_token(store: Store, *, organization_id: UUID, purpose: Purpose, token: str) -> UUID:
    """The customer whose token it is; the token stays usable. Raise `ProofInvalid`, `ProofExpired`."""
    owner_id, hashed = _parse_token(store.vault, purpose, token)
    row = await store.database.row(_BY_TOKEN, customer_id=owner_id, organization_id=organization_id, token_hash=hashed)
    if row is None:
        raise ProofInvalid
    if row.expires_at <= now():
        raise ProofExpired
    return row.customer_id


async def use(session: AsyncSession, vault: Vault, *, organization_id: UUID, purpose: Purpose, token: str) -> UsedProof:
    """Use a token up; of two at once one wins, and the other repeats it where the purpose allows that.

    Raise `ProofInvalid`, `ProofExpired`.
    """
    owner_id, hashed = _parse_token(vault, purpose, token)
    matches = (
        col(Proof.customer_id) == owner_id,
        col(Proof.token_hash) == hashed,
        col(Proof.organization_id) == organization_id,
    )
    moment = now()
    statement = (
        update(Proof).where(*matches, col(Proof.used_at).is_(None)).values(used_at=moment)
        if purpose.is_repeatable
        else delete(Proof).where(*matches)
    )
    found = (col(Proof.id), col(Proof.customer_id), col(Proof.sealed), col(Proof.created_at), col(Proof.expires_at))
    row = (await session.exec(statement.returning(*found))).first()
    if row is None:
        used = (await session.exec(select(*found).where(*matches, col(Proof.used_at) > moment - REPEAT_WINDOW))).first()  # type: ignore[call-overload] # columns
        if used is None:
            raise ProofInvalid
        return await _open(vault, purpose, used, repeated=True)
    if row.expires_at <= moment:
        raise ProofExpired
    return await _open(vault, purpose, row)


async def use_code(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID, purpose: Purpose, code: str
) -> UsedProof | None:
    """Use a short code up; None when it is wrong or was tried 10 times. The caller must then commit the counted try.

    The tries are the customer's, whichever of the open codes was meant. Raise `ProofExpired`, which only somebody
    with the right code learns it.
    """
    moment = now()
    statement = (
        update(Proof)
        .where(col(Proof.customer_id) == customer_id, col(Proof.organization_id) == organization_id)
        .where(col(Proof.purpose) == purpose.value)
        .values(code_tries=Proof.code_tries + 1)
        .returning(*(getattr(Proof, name) for name in _CodeRow._fields))
    )
    rows = sorted((_CodeRow._make(row) for row in (await session.exec(statement)).all()), reverse=True)
    counted = [row.code_tries for row in rows if row.expires_at > moment] or [row.code_tries for row in rows]
    if max(counted, default=0) > MAX_CODE_TRIES:
        return None
    hashed = _code_hash(vault, purpose, customer_id, code)
    right = [row for row in rows[:MAX_OPEN_CODES] if hmac.compare_digest(row.code_hash or b"", hashed)]
    if not right:
        return None
    row = right[0]
    if row.used_at is not None and row.used_at <= moment - REPEAT_WINDOW:
        return None
    if row.expires_at <= moment:
        raise ProofExpired(field=("code",))
    its_row = (col(Proof.customer_id) == customer_id, col(Proof.id) == row.id)
    if purpose.is_repeatable:
        await session.exec(update(Proof).where(*its_row).values(used_at=row.used_at or moment))
    else:
        await session.exec(delete(Proof).where(*its_row))
    return await _open(vault, purpose, row, repeated=row.used_at is not None)


async def pending_email_changes(
    store: Store, organization_id: UUID, ids: Sequence[UUID]
) -> list[PendingEmailChange | None]:
    """For each customer, the change of the address that was requested last and can still be confirmed.

    One that was silently refused looks like any other.
    """
    rows = await store.database.rows(
        _EMAIL_CHANGES,
        organization_id=organization_id,
        ids=ids,
        moment=now(),
        change=Purpose.CHANGE_EMAIL.value,
        nothing=Purpose.NOTHING.value,
    )
    ciphers = await store.vault.ciphers([row.customer_id for row in rows])
    newest = {row.customer_id: row for row in rows if row.sealed and row.customer_id in ciphers}
    found = {}
    for one, row in newest.items():
        payload = ciphers[one].open(_sealing_context(Purpose[row.purpose]), one, row.sealed or b"")
        # A registration of the address that was silently refused has more in it.
        if payload and payload.keys() == {"email"}:
            found[one] = PendingEmailChange(payload["email"], row.expires_at)
    return [found.get(one) for one in ids]


async def sealed_proofs(
    session: AsyncSession, vault: Vault, *, customer_id: UUID, purpose: Purpose, including: UUID | None = None
) -> list[SealedProof]:
    """What is sealed with the unused proofs of a locked customer, oldest first; those that expired lately too.

    `including` is one that was used just now.
    """
    statement = (
        select(col(Proof.about_hash), col(Proof.sealed))
        .where(col(Proof.customer_id) == customer_id, col(Proof.purpose) == purpose.value)
        .where(or_(col(Proof.used_at).is_(None), col(Proof.id) == including), col(Proof.sealed).is_not(None))
        .order_by(col(Proof.id))
    )
    rows = (await session.exec(statement)).all()  # type: ignore[call-overload] # columns
    cipher = await vault.cipher_or_decoy(customer_id)
    return [
        SealedProof(row.about_hash, cipher.open(_sealing_context(purpose), customer_id, row.sealed)) for row in rows
    ]


async def is_open(session: AsyncSession, vault: Vault, *, customer_id: UUID, purpose: Purpose, about: str) -> bool:
    """Whether there is an unused proof of this purpose about this that has not expired."""
    statement = select(col(Proof.id)).where(
        col(Proof.customer_id) == customer_id,
        col(Proof.purpose) == purpose.value,
        col(Proof.about_hash) == about_hash(vault, about),
        col(Proof.used_at).is_(None),
        col(Proof.expires_at) > now(),
    )
    return (await session.exec(statement)).first() is not None  # type: ignore[call-overload] # a column


async def count_open(session: AsyncSession, *, customer_id: UUID, purpose: Purpose) -> int:
    """How many proofs of this purpose a customer has that were not used and have not expired."""
    statement = select(func.count()).where(
        col(Proof.customer_id) == customer_id,
        col(Proof.purpose) == purpose.value,
        col(Proof.used_at).is_(None),
        col(Proof.expires_at) > now(),
    )
    return int((await session.exec(statement)).scalar_one())  # type: ignore[call-overload] # a column


async def remember_use(session: AsyncSession, *, customer_id: UUID, proof_id: UUID, about: bytes) -> None:
    """Keep of a used proof what it turned out to be about, and nothing that was sealed with it."""
    its_row = (col(Proof.customer_id) == customer_id, col(Proof.id) == proof_id)
    await session.exec(update(Proof).where(*its_row).values(about_hash=about, sealed=None))


async def remember(
    session: AsyncSession, vault: Vault, *, customer_id: UUID, purpose: Purpose, proof_id: UUID, payload: object
) -> None:
    """Seal something with a used proof, which a repeated use then returns."""
    cipher = await vault.cipher(customer_id)
    sealed = cipher.seal(_sealing_context(purpose), customer_id, payload)
    its_row = (col(Proof.customer_id) == customer_id, col(Proof.id) == proof_id)
    await session.exec(update(Proof).where(*its_row).values(sealed=sealed))


async def used_about(session: AsyncSession, *, customer_id: UUID, proof_id: UUID) -> bytes:
    """What a used proof turned out to be about."""
    about = select(col(Proof.about_hash)).where(col(Proof.customer_id) == customer_id, col(Proof.id) == proof_id)
    found: bytes = (await session.exec(about)).scalar_one()  # type: ignore[call-overload] # a column
    return found


async def revoke(
    session: AsyncSession,
    *,
    customer_id: UUID,
    purposes: Collection[Purpose],
    keep: UUID | None = None,
    issued_after: datetime | None = None,
) -> int:
    """Take back what was handed out for these purposes, but for the proof `keep`; return how many proofs.

    With `issued_after`, only what was handed out later than that.

    One whose code was tried stays as a count of the tries: being handed a new one buys no new tries.
    """
    names = [purpose.value for purpose in purposes]
    matches = [col(Proof.customer_id) == customer_id, col(Proof.purpose).in_(names)]
    if keep is not None:
        matches.append(col(Proof.id) != keep)
    if issued_after is not None:
        matches.append(col(Proof.created_at) > issued_after)
    deleted = (await session.exec(delete(Proof).where(*matches, col(Proof.code_tries) == 0))).rowcount
    tried = (await session.exec(select(col(Proof.id)).where(*matches))).scalars().all()  # type: ignore[call-overload] # a column
    for proof_id in tried:
        void = {"token_hash": secrets.token_bytes(32), "code_hash": None, "sealed": None, "used_at": None}
        await session.exec(
            update(Proof).where(col(Proof.customer_id) == customer_id, col(Proof.id) == proof_id).values(void)
        )
    return int(deleted) + len(tried)


async def sweep(store: Store) -> int:
    """Delete the proofs that expired more than 7 days ago; return how many."""
    return await _EXPIRED.run(store.database, before=now() - EXPIRED_RETENTION)


async def erase(session: AsyncSession, *, customer_id: UUID) -> int:
    """Delete all proofs of a customer; return how many there were."""
    return (await session.exec(delete(Proof).where(col(Proof.customer_id) == customer_id))).rowcount


async def export(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[dict[str, object]]:
    """The open proofs of a customer with their purposes and times, for a data export."""
    rows = await store.database.rows(_BY_CUSTOMER, organization_id=organization_id, customer_id=customer_id)
    return [{"purpose": row.purpose, "createdAt": row.created_at, "expiresAt": row.expires_at} for row in rows]


async def _open(vault: Vault, purpose: Purpose, row: Any, *, repeated: bool = False) -> UsedProof:
    if row.sealed is None:
        return UsedProof(row.id, row.customer_id, None, row.created_at, repeated)
    cipher = await vault.cipher_or_decoy(row.customer_id)
    payload = cipher.open(_sealing_context(purpose), row.customer_id, row.sealed)
    return UsedProof(row.id, row.customer_id, payload, row.created_at, repeated)


def _sealing_context(purpose: Purpose) -> str:
    return f"proofs.{purpose.value}"


def _token_hash(vault: Vault, purpose: Purpose, token: str) -> bytes:
    return vault.fingerprints.compute(f"proof.{purpose.value}", token)


def _parse_token(vault: Vault, purpose: Purpose, text: str) -> tuple[UUID, bytes]:
    """The owner that a token names, and the hash that it is stored as; raise `ProofInvalid` for any other text."""
    token = without_blanks(text)
    owner_id = owner_tokens.owner_id(purpose.prefix, token)
    if owner_id is None:
        raise ProofInvalid
    return owner_id, _token_hash(vault, purpose, token)


def _code_hash(vault: Vault, purpose: Purpose, customer_id: UUID, code: str) -> bytes:
    digits = "".join(code.split())[:CODE_MAX]
    return vault.fingerprints.compute(f"proof-code.{purpose.value}", f"{customer_id.hex}:{digits}")


def about_hash(vault: Vault, about: str) -> bytes:
    """What `issue` stores of `about`."""
    return vault.fingerprints.compute("proof-about", about) if about else b""
