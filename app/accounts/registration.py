"""Opens an account."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers, repository
from app.customers.identifiers import IdentifierKind
from app.customers.profile import parse_profile
from app.customers.records import Personal
from app.customers.service import EmailTaken
from app.customers.tables import Customer
from app.errors import AppError, ErrorCode, Required
from app.passwords import strength
from app.passwords.hashing import PasswordHasher
from app.validation import Validation
from app.values import EmailAddress
from app.vault.vault import Vault


class PasswordMismatch(AppError):
    """The password and its confirmation differ."""

    code = ErrorCode.PASSWORD_MISMATCH
    message = "This is not the same as the password."
    field = ("passwordConfirmation",)


class AlreadyLoggedIn(AppError):
    """Somebody who is logged in wants to register."""

    code = ErrorCode.ALREADY_LOGGED_IN
    message = "You are logged in already. Log out to open another account."


class NextStep(Enum):
    """What a new customer does next."""

    DONE = "DONE"
    LOG_IN = "LOG_IN"
    VERIFY_EMAIL = "VERIFY_EMAIL"


@dataclass(frozen=True, slots=True)
class Application:
    """A registration whose fields are all right, with the password hashed already."""

    email: EmailAddress
    password_hash: str | None
    profile: Mapping[str, Any]
    newsletter: bool


async def check(
    hasher: PasswordHasher,
    *,
    email: str,
    password: str | None,
    confirmation: str | None,
    profile: Mapping[str, object],
    newsletter: bool,
    shortest_password: int,
) -> Application:
    """Look at every field and hash the password, before anything is locked; raise `Rejected`, `TooBusy`."""
    validation = Validation()
    address = validation.require("email", EmailAddress.parse, email)
    parsed = parse_profile(validation, profile, by_customer=True)
    if password is not None or confirmation is not None:
        personal = [email, str(profile.get("first_name") or ""), str(profile.get("last_name") or "")]
        check_password(validation, password, confirmation, shortest=shortest_password, personal=personal)
    validation.finish()
    password_hash = await hasher.hash(password) if password else None
    return Application(address, password_hash, parsed, newsletter)


def check_password(
    validation: Validation,
    password: str | None,
    confirmation: str | None,
    *,
    shortest: int,
    personal: list[str],
    field: str = "password",
) -> None:
    """Remember why a new password cannot be had, and that its confirmation differs."""
    if not password:
        validation.add(Required(), field)
        return
    try:
        strength.check(password, shortest=shortest, personal=[one for one in personal if one])
    except strength.PasswordTooWeak as weak:
        validation.add(weak, field)
    if confirmation != password:
        mismatch = PasswordMismatch()
        validation.add(mismatch, f"{field}Confirmation")


async def register(session: AsyncSession, vault: Vault, *, organization_id: UUID, application: Application) -> Customer:
    """Write the customer and give it the address; raise `EmailTaken`: of two at once the index lets one win."""
    customer = await repository.add(
        session,
        vault,
        organization_id=organization_id,
        personal=Personal(email=application.email.address, **application.profile),
        password_hash=application.password_hash,
        newsletter=application.newsletter,
    )
    given = await identifiers.take(
        session,
        vault,
        organization_id=organization_id,
        kind=IdentifierKind.EMAIL,
        canonical=application.email.canonical,
        owner=customer.id,
    )
    if not given:
        raise EmailTaken
    return customer
