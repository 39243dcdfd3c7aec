"""Logs in by email or login name and password; every failure looks and costs the same."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import repository, versions
from app.customers.identifiers import IdentifierKind
from app.customers.records import Approval, CustomerRecord
from app.identity.guessing import attempts, devices
from app.identity.guessing.attempts import Guess
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.service import Sessions, TokenPair
from app.platform.audit.log import Action, record
from app.platform.errors import AppError, ErrorCode
from app.platform.principal import Organization, OrganizationSettings, Origin
from app.platform.values import EmailAddress, LoginName
from app.platform.vault.vault import Store


class InvalidCredentials(AppError):
    """Wrong name or wrong password: which one is not said."""

    code = ErrorCode.INVALID_CREDENTIALS
    message = "The name or the password is wrong."


class EmailNotVerified(AppError):
    """The right password, but the organization wants the address proven first."""

    code = ErrorCode.EMAIL_NOT_VERIFIED
    message = "Confirm your email address first: open the link in the mail we sent you."


class NotApproved(AppError):
    """The right password, but the organization has not let this customer in."""

    code = ErrorCode.NOT_APPROVED
    message = "The shop has to approve your account before you can log in. You will get a mail."


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome of a password check; `attempt` is what the guesses are counted by."""

    attempt: attempts.Attempt
    customer_id: UUID | None
    matches: bool
    verified: bool = False
    approval: str | None = None
    upgraded_hash: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who logged in, the tokens of the new session, and the token by which the device is known from now on."""

    customer: CustomerRecord
    tokens: TokenPair
    device_token: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed, where it came from, and the OAuth client it came through, if any."""

    origin: Origin
    identifier: str
    password: str
    client_id: UUID | None = None


async def log_in(
    session: AsyncSession,
    store: Store,
    hasher: PasswordHasher,
    sessions: Sessions,
    attempt: Attempt,
    *,
    guessing: GuessingPolicy,
) -> LoggedIn | AppError:
    """Start a session for the right password; any other outcome costs the same.

    A refusal is recorded, so it is returned and must be committed; raise `RateLimited` (`TooBusy` too) when
    nothing was looked at.
    """
    organization = attempt.origin.principal.organization
    proof = await prove(store, hasher, organization=organization, attempt=attempt, guessing=guessing)
    closed = await (attempts.succeed if proof.matches else attempts.fail)(session, proof.attempt)
    refused = closed or _refusal(proof, organization.settings)
    if refused is not None:
        record(session, attempt.origin, Action.LOGIN_FAILED, customer_id=proof.customer_id)
        return refused
    return await _start(session, store, sessions, attempt, proof)


def _refusal(proof: Proof, settings: OrganizationSettings) -> AppError | None:
    """What a right password does not help against is said only to who has it."""
    if not proof.matches or proof.customer_id is None:
        return InvalidCredentials()
    if settings.require_verified_email and not proof.verified:
        return EmailNotVerified()
    return NotApproved() if proof.approval not in {None, Approval.APPROVED.value} else None


async def _start(
    session: AsyncSession, store: Store, sessions: Sessions, attempt: Attempt, proof: Proof
) -> LoggedIn | AppError:
    customer_id = proof.customer_id
    assert customer_id is not None  # noqa: S101 - a password matched
    organization_id = attempt.origin.principal.organization.id
    customer = await versions.hold(session, store.vault, organization_id=organization_id, customer_id=customer_id)
    if customer is None:
        return InvalidCredentials()
    if proof.upgraded_hash:
        await versions.rehash(session, store.vault, customer_id=customer_id, password_hash=proof.upgraded_hash)
    session_id, tokens = await sessions.start_for_customer(
        session,
        organization_id=organization_id,
        customer_id=customer_id,
        user_agent=attempt.origin.user_agent,
        client_id=attempt.client_id,
    )
    record(session, attempt.origin, Action.LOGGED_IN, customer_id=customer_id, object_id=session_id)
    token = devices.issue(store.vault.fingerprints, customer_id=customer_id, device=proof.attempt.device)
    return LoggedIn(customer, tokens, token)


async def prove(
    store: Store, hasher: PasswordHasher, *, organization: Organization, attempt: Attempt, guessing: GuessingPolicy
) -> Proof:
    """Check a password. An unknown name costs the same queries and the same hash as a known one.

    Raise `RateLimited`, before anything is hashed, while guesses about the name or from the source have to wait.
    """
    kind, canonical = named(attempt.identifier, organization.settings)
    found = await repository.credentials(store, organization_id=organization.id, kind=kind, canonical=canonical)
    credentials, stored = found or (None, None)
    guess = Guess(
        organization.id,
        f"{kind.value}:{canonical}",
        credentials.customer_id if credentials else None,
        None if attempt.client_id else attempt.origin.source,
        attempt.origin.device_token,
    )
    allowed = await attempts.begin(store, guessing, guess)
    verification = await hasher.verify(attempt.password, stored)
    if credentials is None:
        return Proof(allowed, None, matches=False)
    return Proof(
        allowed,
        credentials.customer_id,
        verification.matches,
        credentials.email_verified,
        credentials.approval,
        verification.upgraded_hash,
    )


def named(identifier: str, settings: OrganizationSettings) -> tuple[IdentifierKind, str]:
    """What kind of name somebody typed, and its canonical form; no login name has an @ in it.

    What is not a name, or not one that this organization logs people in by, becomes a name that nobody has: it must
    cost what any other costs.
    """
    try:
        if "@" not in identifier:
            return IdentifierKind.LOGIN_NAME, LoginName.parse(identifier).canonical
        if not settings.require_login_name:
            return IdentifierKind.EMAIL, EmailAddress.parse(identifier).canonical
    except AppError:
        pass
    return IdentifierKind.LOGIN_NAME, "?"
