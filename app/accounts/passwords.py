"""Password change for a customer who is logged in and knows the current password."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.login import InvalidCredentials, still_matches
from app.accounts.registration import check_password
from app.customers import repository
from app.customers.records import CustomerRecord
from app.customers.repository import LockedCustomer
from app.identity.guessing import attempts
from app.identity.guessing.attempts import Guess
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.errors import AppError
from app.platform.principal import RequestOrigin
from app.platform.validation import Validation
from app.platform.vault.vault import Store, Vault


@dataclass(frozen=True, slots=True)
class RawPasswordChange:
    """The unchecked input of a password change."""

    current: str
    new: str
    confirmation: str


@dataclass(frozen=True, slots=True)
class OwnPassword:
    """Whether a customer knew the password, what the try is counted by, and the hash it was compared with."""

    attempt: attempts.Attempt
    matches: bool
    compared_hash: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """A checked change: `errors` or a `password_hash`. Whether the current password was right must be counted."""

    proof: OwnPassword
    errors: list[AppError]
    password_hash: str | None


async def check_change(
    store: Store,
    hasher: PasswordHasher,
    guessing: GuessingPolicy,
    origin: RequestOrigin,
    *,
    customer: CustomerRecord,
    raw: RawPasswordChange,
    min_length: int,
) -> PasswordChange:
    """Verify the current password, check the new one and hash it; raise `RateLimited` before any check.

    Guess limits apply as for a login: someone who uses another person's unlocked browser may not guess faster.
    """
    proof = await prove_own_password(store, hasher, guessing, origin, customer=customer, password=raw.current)
    validation = Validation()
    if not proof.matches:
        validation.add(wrong_password(), "currentPassword")
    personal = customer.personal
    names = [personal.email, personal.login_name, personal.first_name, personal.last_name]
    check_password(
        validation,
        raw.new,
        raw.confirmation,
        min_length=min_length,
        user_inputs=[one for one in names if one],
        field="newPassword",
    )
    password_hash = None if validation.failed else await hasher.hash(raw.new)
    return PasswordChange(proof, validation.errors, password_hash)


def wrong_password() -> InvalidCredentials:
    """The refusal of a password that is not the customer's, or is not any more."""
    return InvalidCredentials("This is not the current password.")


async def prove_own_password(
    store: Store,
    hasher: PasswordHasher,
    guessing: GuessingPolicy,
    origin: RequestOrigin,
    *,
    customer: CustomerRecord,
    password: str,
) -> OwnPassword:
    """Whether a customer who is logged in knows the password; raise `RateLimited`."""
    row = customer.row
    guess = Guess(row.organization_id, f"customer:{row.id}", row.id, origin.source, origin.device_token)
    attempt = await attempts.begin(store, guessing, guess)
    found = await repository.credentials_by_id(store, organization_id=row.organization_id, customer_id=row.id)
    stored = found[1] if found else None
    return OwnPassword(attempt, (await hasher.verify(password, stored)).matches, stored)


async def lock_proven(
    session: AsyncSession, vault: Vault, hasher: PasswordHasher, origin: RequestOrigin, *, proof: OwnPassword, raw: str
) -> LockedCustomer | None:
    """Lock the customer who proved the password `raw`; None when the session has ended or the password is another.

    A reset, the undoing of an email change or the proof of the address may have done that since the password was
    compared. What they void and end must not be followed by a write that the old password allowed.
    """
    principal = origin.principal
    organization_id, customer_id = principal.organization.id, principal.own_customer_id
    customer = await repository.lock(session, vault, organization_id=organization_id, customer_id=customer_id)
    if customer is None or principal.session_id is None:
        return None
    login_session = await sessions.lock(
        session, organization_id=organization_id, customer_id=customer_id, session_id=principal.session_id
    )
    if login_session is None or login_session.ended_at is not None:
        return None
    stored = await repository.password_hash_of(vault, customer.row)
    matches = await still_matches(hasher, raw, compared_hash=proof.compared_hash, stored_hash=stored)
    return customer if matches else None


async def record_outcome(session: AsyncSession, change: PasswordChange) -> list[AppError]:
    """Update the guess counters. The counters must be committed, so errors are returned, not raised."""
    proof = change.proof
    rate_limit_error = await (attempts.succeed if proof.matches else attempts.fail)(session, proof.attempt)
    return change.errors if rate_limit_error is None else [rate_limit_error]


async def change(
    session: AsyncSession,
    vault: Vault,
    customer: LockedCustomer,
    *,
    password_hash: str,
    keep: UUID | None,
) -> int:
    """Store the new hash and end every session except `keep`; return how many ended."""
    row = customer.row
    await repository.set_password(session, vault, row, password_hash)
    return await sessions.end_all(
        session, organization_id=row.organization_id, customer_id=row.id, reason=EndReason.PASSWORD_CHANGED, keep=keep
    )
