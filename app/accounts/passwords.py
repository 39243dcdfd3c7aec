"""Password change for a customer who is logged in and knows the current password."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.login import InvalidCredentials
from app.accounts.registration import check_password
from app.customers import repository
from app.customers.records import CustomerRecord
from app.identity.guessing import attempts
from app.identity.guessing.attempts import Guess
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.errors import AppError, NotFound
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
class PasswordChange:
    """A checked change: `errors` or a `password_hash`. Whether the current password was right must be counted."""

    attempt: attempts.Attempt
    matches: bool
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
    attempt, matches = await prove_own_password(
        store, hasher, guessing, origin, customer=customer, password=raw.current
    )
    validation = Validation()
    if not matches:
        validation.add(InvalidCredentials("This is not the current password."), "currentPassword")
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
    return PasswordChange(attempt, matches, validation.errors, password_hash)


async def prove_own_password(
    store: Store,
    hasher: PasswordHasher,
    guessing: GuessingPolicy,
    origin: RequestOrigin,
    *,
    customer: CustomerRecord,
    password: str,
) -> tuple[attempts.Attempt, bool]:
    """Whether a customer who is logged in knows the password, and what the try is counted by; raise `RateLimited`."""
    row = customer.row
    guess = Guess(row.organization_id, f"customer:{row.id}", row.id, origin.source, origin.device_token)
    attempt = await attempts.begin(store, guessing, guess)
    found = await repository.credentials_by_id(store, organization_id=row.organization_id, customer_id=row.id)
    return attempt, (await hasher.verify(password, found[1] if found else None)).matches


async def record_outcome(session: AsyncSession, change: PasswordChange) -> list[AppError]:
    """Update the guess counters. The counters must be committed, so errors are returned, not raised."""
    rate_limit_error = await (attempts.succeed if change.matches else attempts.fail)(session, change.attempt)
    return change.errors if rate_limit_error is None else [rate_limit_error]


async def change(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    customer_id: UUID,
    password_hash: str,
    keep: UUID | None,
) -> int:
    """Store the new hash and end every session except `keep`; return how many ended."""
    customer = await repository.lock(session, vault, organization_id=organization_id, customer_id=customer_id)
    if customer is None:
        raise NotFound
    await repository.set_password(session, vault, customer.row, password_hash)
    return await sessions.end_all(
        session, organization_id=organization_id, customer_id=customer_id, reason=EndReason.PASSWORD_CHANGED, keep=keep
    )
