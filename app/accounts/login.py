"""Logs in by email and password; every failure looks and costs the same."""

from dataclasses import dataclass
from uuid import UUID

from app.customers import repository
from app.customers.identifiers import IdentifierKind
from app.errors import AppError, ErrorCode
from app.passwords.hashing import PasswordHasher
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
