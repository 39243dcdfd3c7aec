"""Login with an email address or login name and a password. Wrong names and wrong passwords are indistinguishable."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.registration import NextStep
from app.customers import repository, versions
from app.customers.identifiers import IdentifierKind
from app.customers.records import Approval, CustomerRecord
from app.identity.guessing import attempts, device_tokens
from app.identity.guessing.attempts import Guess
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.service import LoginSessions, TokenPair
from app.platform.audit.log import Action, record
from app.platform.errors import AppError, ErrorCode
from app.platform.principal import Organization, OrganizationSettings, RequestOrigin
from app.platform.values import EmailAddress, LoginName
from app.platform.vault.vault import Store


class InvalidCredentials(AppError):
    """The name or the password is wrong; the error does not reveal which."""

    code = ErrorCode.INVALID_CREDENTIALS
    message = "The name or the password is wrong."


class EmailNotVerified(AppError):
    """The password is right, but the organization requires a verified email address."""

    code = ErrorCode.EMAIL_NOT_VERIFIED
    message = "Confirm your email address first: open the link in the mail we sent you."


class NotApproved(AppError):
    """The right password, but the organization has not let this customer in yet."""

    code = ErrorCode.NOT_APPROVED
    message = "The shop has to approve your account before you can log in. You will get a mail."


class Rejected(AppError):
    """The right password, but the organization does not want this customer."""

    code = ErrorCode.NOT_APPROVED
    message = "The shop did not approve your account. Ask the shop if you think that this is a mistake."


@dataclass(frozen=True, slots=True)
class CredentialCheck:
    """The outcome of a password check; `guess_attempt` has the guess counters to update.

    `compared_hash` is the stored hash that the password was compared with: whoever acts on the outcome must see under
    the customer's lock that it is still that one.
    """

    guess_attempt: attempts.Attempt
    customer_id: UUID | None
    matches: bool
    email_verified: bool = False
    approval: str | None = None
    upgraded_hash: str | None = None
    compared_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LoginSuccess:
    """The customer who logged in, the new session and its tokens, and the token that identifies the device later."""

    customer: CustomerRecord
    session_id: UUID
    tokens: TokenPair
    device_token: str


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """The name and password sent, the origin of the request, and the OAuth client it came through, if any.

    `by_cookie`: the session is to live in a browser's cookie.
    """

    origin: RequestOrigin
    identifier: str
    password: str
    client_id: UUID | None = None
    counts_source: bool = True
    by_cookie: bool = False


async def log_in(
    session: AsyncSession,
    store: Store,
    hasher: PasswordHasher,
    login_sessions: LoginSessions,
    attempt: LoginAttempt,
    *,
    guessing: GuessingPolicy,
) -> LoginSuccess | AppError:
    """Start a session if the password is right.

    The first row that applies decides:

    | Condition                                                 | Outcome                      | Guess counters |
    |-----------------------------------------------------------|------------------------------|----------------|
    | a guess counter blocks the attempt                        | raises `RateLimited`         | unchanged      |
    | the password queue is full                                | raises `TooBusy`             | unchanged      |
    | concurrent attempts blocked a counter in the meantime     | returns `RateLimited`        | unchanged      |
    | unknown name, no password set, or wrong password          | returns `InvalidCredentials` | +1             |
    | `require_verified_email`, and the address is not verified | returns `EmailNotVerified`   | reset          |
    | the customer waits for approval or was rejected           | returns `NotApproved`        | reset          |
    | the customer was erased in the meantime                   | returns `InvalidCredentials` | reset          |
    | the password was replaced or voided in the meantime       | returns `InvalidCredentials` | reset          |
    | otherwise                                                 | returns `LoginSuccess`       | reset          |

    A raised error means that no password was checked. A returned one must be committed, with its counters and its
    audit entry. Unknown names and wrong passwords cost the same queries and the same hash. The conditions about the
    customer are checked again under the customer's lock: while the password was hashed, a reset may have ended the
    sessions that it found.
    """
    organization = attempt.origin.principal.organization
    check = await check_credentials(store, hasher, organization=organization, attempt=attempt, guessing=guessing)
    rate_limit_error = await (attempts.succeed if check.matches else attempts.fail)(session, check.guess_attempt)
    error = rate_limit_error or _refusal(check, organization.settings)
    outcome = error or await _start_login_session(session, store, hasher, login_sessions, attempt, check)
    if isinstance(outcome, AppError):
        record(session, attempt.origin, Action.LOGIN_FAILED, customer_id=check.customer_id)
    return outcome


def _refusal(check: CredentialCheck, settings: OrganizationSettings) -> AppError | None:
    """The error to return, or None. Only someone with the right password learns about verification and approval."""
    if not check.matches or check.customer_id is None:
        return InvalidCredentials()
    if settings.require_verified_email and not check.email_verified:
        return EmailNotVerified()
    if check.approval == Approval.REJECTED.value:
        return Rejected()
    return NotApproved() if awaits_approval(settings, check.approval) else None


def awaits_approval(settings: OrganizationSettings, approval: str | None) -> bool:
    """Whether a customer may not log in yet: nobody waits any more once the organization stops approving."""
    return approval == Approval.REJECTED.value or (settings.approval and approval == Approval.PENDING.value)


def step_of_refusal(error: AppError) -> NextStep | None:
    """What somebody with the right password does next who was refused all the same."""
    if isinstance(error, EmailNotVerified):
        return NextStep.VERIFY_EMAIL
    return NextStep.AWAIT_APPROVAL if isinstance(error, NotApproved) else None


async def _start_login_session(
    session: AsyncSession,
    store: Store,
    hasher: PasswordHasher,
    login_sessions: LoginSessions,
    attempt: LoginAttempt,
    check: CredentialCheck,
) -> LoginSuccess | AppError:
    customer_id = check.customer_id
    assert customer_id is not None  # noqa: S101 - a password matched
    organization = attempt.origin.principal.organization
    organization_id = organization.id
    found = await versions.lock_with_password(
        session, store.vault, organization_id=organization_id, customer_id=customer_id
    )
    if found is None:
        return InvalidCredentials()
    customer, stored = found
    matches = await still_matches(hasher, attempt.password, compared_hash=check.compared_hash, stored_hash=stored)
    email_verified = customer.row.email_verified_at is not None
    check = replace(check, matches=matches, email_verified=email_verified, approval=customer.row.approval)
    error = _refusal(check, organization.settings)
    if error is not None:
        return error
    if check.upgraded_hash and stored == check.compared_hash:
        await versions.replace_password_hash(
            session, store.vault, customer_id=customer_id, password_hash=check.upgraded_hash
        )
    session_id, tokens = await login_sessions.start_for_customer(
        session,
        organization_id=organization_id,
        customer_id=customer_id,
        user_agent=attempt.origin.user_agent,
        client_id=attempt.client_id,
        by_cookie=attempt.by_cookie,
    )
    record(session, attempt.origin, Action.LOGGED_IN, customer_id=customer_id, object_id=session_id)
    token = device_tokens.issue(store.vault.fingerprints, customer_id=customer_id, device=check.guess_attempt.device)
    return LoginSuccess(customer, session_id, tokens, token)


async def still_matches(
    hasher: PasswordHasher, password: str, *, compared_hash: str | None, stored_hash: str | None
) -> bool:
    """Whether a password that matched `compared_hash` matches what a locked customer has now.

    It is hashed again only when that is another hash: a login at the same moment may have replaced an outdated one.
    """
    if stored_hash is None or stored_hash == compared_hash:
        return stored_hash is not None
    return (await hasher.verify(password, stored_hash)).matches


async def check_credentials(
    store: Store, hasher: PasswordHasher, *, organization: Organization, attempt: LoginAttempt, guessing: GuessingPolicy
) -> CredentialCheck:
    """Check a password. An unknown name costs the same queries and the same hash as a known one.

    Raise `RateLimited` before anything is hashed while a guess counter blocks the attempt, and `TooBusy`.
    """
    kind, canonical = parse_identifier(attempt.identifier)
    found = await repository.credentials_by_identifier(
        store, organization_id=organization.id, kind=kind, canonical=canonical
    )
    credentials, stored = found or (None, None)
    guess = Guess(
        organization.id,
        f"{kind.value}:{canonical}",
        credentials.customer_id if credentials else None,
        attempt.origin.source if attempt.counts_source else None,
        attempt.origin.device_token,
    )
    guess_attempt = await attempts.begin(store, guessing, guess)
    verification = await hasher.verify(attempt.password, stored)
    if credentials is None:
        return CredentialCheck(guess_attempt, None, matches=False)
    matches = verification.matches
    if matches and kind is IdentifierKind.EMAIL and organization.settings.require_login_name:
        # Who has a login name logs in by it; who has none yet would be locked out.
        [customer] = await repository.by_ids(store, organization.id, [credentials.customer_id])
        matches = customer is not None and customer.personal.login_name is None
    return CredentialCheck(
        guess_attempt,
        credentials.customer_id,
        matches,
        credentials.email_verified,
        credentials.approval,
        verification.upgraded_hash,
        stored,
    )


def parse_identifier(identifier: str) -> tuple[IdentifierKind, str]:
    """The kind of an identifier and its canonical form. An @ means an email address: login names have none.

    A malformed identifier becomes the login name `?`, which nobody can have, so that it costs the same as any other.
    """
    try:
        if "@" not in identifier:
            return IdentifierKind.LOGIN_NAME, LoginName.parse(identifier).canonical
        return IdentifierKind.EMAIL, EmailAddress.parse(identifier).canonical
    except AppError:
        pass
    return IdentifierKind.LOGIN_NAME, "?"
