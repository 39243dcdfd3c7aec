"""Opens an account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers, versions
from app.customers.addresses import editing
from app.customers.addresses.books import book_of
from app.customers.addresses.checks import Strictness, checked
from app.customers.addresses.defaults import Types
from app.customers.addresses.records import Personal as AddressFields
from app.customers.fields import extras as extra_fields
from app.customers.fields.extras import Extra, Given
from app.customers.identifiers import IdentifierKind
from app.customers.profile import consented, parse_profile, with_answers
from app.customers.records import Approval, CustomerRow, Personal
from app.customers.service import EmailTaken, LoginNameTaken
from app.identity.passwords import strength
from app.identity.passwords.hashing import PasswordHasher
from app.platform.clock import now
from app.platform.errors import AppError, ErrorCode, Rejected, Required
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.principal import Organization, OrganizationSettings, Origin
from app.platform.validation import Validation
from app.platform.values import EmailAddress, LoginName
from app.platform.vault.vault import Vault


class PasswordMismatch(AppError):
    """The password and its confirmation differ."""

    code = ErrorCode.PASSWORD_MISMATCH
    message = "This is not the same as the password."
    field = ("passwordConfirmation",)


class AlreadyLoggedIn(AppError):
    """Somebody who is logged in wants to register."""

    code = ErrorCode.ALREADY_LOGGED_IN
    message = "You are logged in already. Log out to open another account."


class TermsNotAccepted(AppError):
    """The organization has terms, and the applicant did not agree to them."""

    code = ErrorCode.TERMS_NOT_ACCEPTED
    message = "Agree to the terms to open an account."
    field = ("acceptTerms",)


class NextStep(Enum):
    """What a new customer does next."""

    DONE = "DONE"
    LOG_IN = "LOG_IN"
    VERIFY_EMAIL = "VERIFY_EMAIL"
    AWAIT_APPROVAL = "AWAIT_APPROVAL"


@dataclass(frozen=True, slots=True)
class FirstAddress:
    """An address as it was typed into a registration."""

    country: str
    typed: AddressFields
    wanted: Types


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What somebody who registers has typed; `profile` by the names of `Personal`, `attributes` as pairs."""

    email: str
    password: str | None = None
    confirmation: str | None = None
    login_name: str | None = None
    accept_terms: bool = False
    newsletter: bool = False
    profile: Mapping[str, Any]
    attributes: Given = ()
    address: FirstAddress | None = None

    @property
    def opens_account(self) -> bool:
        """Whether this is more than a guest, who cannot log in and is asked for nothing but an address."""
        return self.password is not None or self.confirmation is not None


@dataclass(frozen=True, slots=True)
class Application:
    """A registration whose fields are all right, with the password hashed already.

    `warnings` are what the country of the first address would have wished otherwise.
    """

    email: EmailAddress
    login_name: LoginName | None
    password_hash: str | None
    personal: Personal
    newsletter: bool
    address: FirstAddress | None
    warnings: list[AppError] = field(default_factory=list)


async def check(
    hasher: PasswordHasher,
    typed: Typed,
    *,
    settings: OrganizationSettings,
    extras: Sequence[Extra],
    shortest_password: int,
) -> Application:
    """Look at every field and hash the password, before anything is locked; raise `Rejected`, `TooBusy`."""
    validation = Validation()
    email = validation.require("email", EmailAddress.parse, typed.email)
    needs_name = settings.require_login_name and typed.opens_account
    login_name = (validation.require if needs_name else validation.allow)(
        "loginName", LoginName.parse, typed.login_name
    )
    profile = parse_profile(validation, typed.profile, by_customer=True)
    answers = extra_fields.check(validation, extras, typed.attributes)
    if typed.opens_account:
        names = (typed.email, typed.login_name, typed.profile.get("first_name"), typed.profile.get("last_name"))
        personal = [str(name) for name in names if name]
        check_password(validation, typed.password, typed.confirmation, shortest=shortest_password, personal=personal)
        extra_fields.require(validation, extras, typed.attributes)
    terms = _terms(validation, typed, settings)
    warnings = _check_address(validation, typed.address, settings) if typed.address else []
    validation.finish()
    sealed, _ = with_answers(Personal(email=email.address, **profile, **terms), answers)
    sealed = replace(sealed, login_name=login_name.name if login_name else None)
    password_hash = await hasher.hash(typed.password) if typed.password else None
    sealed = consented(sealed, newsletter=typed.newsletter)
    return Application(email, login_name, password_hash, sealed, typed.newsletter, typed.address, warnings)


def _terms(validation: Validation, typed: Typed, settings: OrganizationSettings) -> dict[str, Any]:
    if not settings.has_terms:
        return {}
    if typed.accept_terms:
        return {"terms_version": settings.terms_version, "terms_accepted_at": now().isoformat()}
    if typed.opens_account:
        validation.add(TermsNotAccepted())
    return {}


def _check_address(validation: Validation, address: FirstAddress, settings: OrganizationSettings) -> list[AppError]:
    inner = Validation()
    warnings = checked(inner, address.country, address.typed, strictness=settings.address_strictness).warnings
    try:
        inner.finish()
    except Rejected as rejected:
        validation.merge("address", errors=rejected.errors)
    return [warning.at("address", *(warning.field or ())) for warning in warnings]


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


async def register(session: AsyncSession, vault: Vault, origin: Origin, *, application: Application) -> CustomerRow:
    """Write the customer, its first address and its names; raise `EmailTaken`, `LoginNameTaken`.

    Of two at once the index lets one win. The names come last, so that a taken one costs what a free one does.
    """
    organization = origin.principal.organization
    customer = await versions.add(
        session,
        vault,
        organization_id=organization.id,
        personal=application.personal,
        password_hash=application.password_hash,
        newsletter=application.newsletter,
        approval=Approval.PENDING if organization.settings.approval else None,
    )
    if application.address is not None:
        strictness = organization.settings.address_strictness
        await add_address(
            session, vault, origin, customer_id=customer.id, address=application.address, strictness=strictness
        )
    await _take_names(session, vault, organization, customer.id, application)
    return customer


async def add_address(
    session: AsyncSession,
    vault: Vault,
    origin: Origin,
    *,
    customer_id: UUID,
    address: FirstAddress,
    strictness: Strictness,
) -> None:
    """Write the address that came with a registration."""
    book = await book_of(session, vault, origin, customer_id=customer_id)
    await editing.create(
        book, country=address.country, typed=address.typed, wanted=address.wanted, strictness=strictness
    )


async def _take_names(
    session: AsyncSession, vault: Vault, organization: Organization, customer_id: UUID, application: Application
) -> None:
    if not await identifiers.take(
        session,
        vault,
        organization_id=organization.id,
        kind=IdentifierKind.EMAIL,
        canonical=application.email.canonical,
        owner=customer_id,
    ):
        raise EmailTaken
    if application.login_name and not await identifiers.take(
        session,
        vault,
        organization_id=organization.id,
        kind=IdentifierKind.LOGIN_NAME,
        canonical=application.login_name.canonical,
        owner=customer_id,
    ):
        raise LoginNameTaken


async def ask_for_approval(
    session: AsyncSession, vault: Vault, organization: Organization, *, customer_id: UUID, email: str
) -> None:
    """Tell the organization of somebody who waits, where it wants to be told."""
    settings = organization.settings
    if not settings.approval or not settings.notification_email:
        return
    await outbox.post(
        session,
        vault,
        organization=organization,
        customer_id=customer_id,
        to=settings.notification_email,
        locale=None,
        template=Template.APPROVAL_REQUESTED,
        values={"email": email},
    )
