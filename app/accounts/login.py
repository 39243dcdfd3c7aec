"""Logs in by email and password; every failure looks and costs the same."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.audit.log import Action, record
from app.customers import repository
from app.customers.identifiers import IdentifierKind
from app.customers.records import CustomerRecord, open_row, row_of
from app.errors import AppError, ErrorCode
from app.passwords.hashing import PasswordHasher
from app.principal import Origin
from app.sessions.service import Sessions, TokenPair
from app.values import EmailAddress
from app.vault.vault import Store


class InvalidCredentials(AppError):
    """Wrong name or wrong password: which one is not said."""

    code = ErrorCode.INVALID_CREDENTIALS
    message = "The name or the password is wrong."


class EmailNotVerified(AppError):
    """The right password, but the organization wants the address proven first."""

    code = ErrorCode.EMAIL_NOT_VERIFIED
    message = "Confirm your email address first: open the link in the mail we sent you."


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome of a password check."""

    customer_id: UUID | None
    matches: bool
    verified: bool = False
    upgraded_hash: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who logged in, and the tokens of the new session."""

    customer: CustomerRecord
    tokens: TokenPair


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed, where it came from, and the OAuth client it came through, if any."""

    origin: Origin
    identifier: str
    password: str
    client_id: UUID | None = None


async def log_in(
    session: AsyncSession, store: Store, hasher: PasswordHasher, sessions: Sessions, attempt: Attempt
) -> LoggedIn | AppError:
    """Start a session for the right password; any other outcome costs the same.

    A refusal is recorded, so it is returned and must be committed; raise `TooBusy` when nothing was looked at.
    """
    organization = attempt.origin.principal.organization
    proof = await prove(
        store,
        hasher,
        organization_id=organization.id,
        identifier=attempt.identifier,
        password=attempt.password,
    )
    refused: AppError | None = None if proof.matches else InvalidCredentials()
    if refused is None and organization.settings.require_verified_email and not proof.verified:
        refused = EmailNotVerified()
    if refused is not None or proof.customer_id is None:
        record(session, attempt.origin, Action.LOGIN_FAILED, customer_id=proof.customer_id)
        return refused or InvalidCredentials()
    return await _start(session, store, sessions, attempt, proof)


async def _start(
    session: AsyncSession, store: Store, sessions: Sessions, attempt: Attempt, proof: Proof
) -> LoggedIn | AppError:
    assert proof.customer_id is not None  # noqa: S101 - asked by the caller
    organization_id = attempt.origin.principal.organization.id
    customer = await repository.lock(
        session, store.vault, organization_id=organization_id, customer_id=proof.customer_id
    )
    if customer is None:
        return InvalidCredentials()
    if proof.upgraded_hash:
        await repository.set_password(session, store.vault, customer.row, proof.upgraded_hash)
    session_id, tokens = await sessions.start_for_customer(
        session,
        organization_id=organization_id,
        customer_id=proof.customer_id,
        user_agent=attempt.origin.user_agent,
        client_id=attempt.client_id,
    )
    record(session, attempt.origin, Action.LOGGED_IN, customer_id=proof.customer_id, object_id=session_id)
    return LoggedIn(open_row(row_of(customer.row), await store.vault.box(proof.customer_id)), tokens)


async def prove(
    store: Store, hasher: PasswordHasher, *, organization_id: UUID, identifier: str, password: str
) -> Proof:
    """Check a password. An unknown name costs the same queries and the same hash as a known one."""
    found = await repository.credentials(
        store, organization_id=organization_id, kind=IdentifierKind.EMAIL, canonical=_canonical(identifier)
    )
    credentials, stored = found or (None, None)
    verification = await hasher.verify(password, stored)
    if credentials is None:
        return Proof(None, matches=False)
    return Proof(credentials.customer_id, verification.matches, credentials.email_verified, verification.upgraded_hash)


def _canonical(identifier: str) -> str:
    try:
        return EmailAddress.parse(identifier).canonical
    except AppError:
        # No account has such a name; it must cost what a well-formed one costs.
        return "?"
