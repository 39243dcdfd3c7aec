"""Registration: checks the input and creates the customer, its first address and its identifiers.

`pending_registrations.submit` decides whether an account is created or only prepared, and has the table of outcomes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers, versions
from app.customers.addresses import editing
from app.customers.addresses.checks import Strictness, check_address
from app.customers.addresses.customer_addresses import lock_addresses
from app.customers.addresses.defaults import AddressTypes
from app.customers.addresses.records import AddressDetails
from app.customers.fields import extras as extra_fields
from app.customers.fields.extras import AttributeAnswers, ExtraFieldDefinition
from app.customers.identifiers import IdentifierKind
from app.customers.profile import parse_profile, with_answers, with_newsletter_consent
from app.customers.records import Approval, CustomerDetails, CustomerRow
from app.customers.service import EmailTaken, LoginNameTaken
from app.identity.passwords import strength
from app.identity.passwords.hashing import PasswordHasher
from app.identity.passwords.normalization import is_same
from app.platform.clock import now
from app.platform.errors import AppError, AppErrorGroup, ErrorCode, Required
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.principal import Organization, OrganizationSettings, RequestOrigin
from app.platform.validation import Validation
from app.platform.values import EmailAddress, LoginName
from app.platform.vault.vault import Vault


class PasswordMismatch(AppError):
    """The password and its confirmation differ."""

    code = ErrorCode.PASSWORD_MISMATCH
    message = "This is not the same as the password."
    field = ("passwordConfirmation",)


class AlreadyLoggedIn(AppError):
    """A customer who is logged in tried to register."""

    code = ErrorCode.ALREADY_LOGGED_IN
    message = "You are logged in already. Log out to open another account."


class TermsNotAccepted(AppError):
    """The organization has terms, and the applicant did not agree to them."""

    code = ErrorCode.TERMS_NOT_ACCEPTED
    message = "Agree to the terms to open an account."
    field = ("acceptTerms",)


class NextStep(Enum):
    """What a customer does next."""

    DONE = "DONE"
    LOG_IN = "LOG_IN"
    VERIFY_EMAIL = "VERIFY_EMAIL"
    AWAIT_APPROVAL = "AWAIT_APPROVAL"
    CHOOSE_PASSWORD = "CHOOSE_PASSWORD"
    CHOOSE_LOGIN_NAME = "CHOOSE_LOGIN_NAME"
    ACCEPT_TERMS = "ACCEPT_TERMS"


@dataclass(frozen=True, slots=True)
class FirstAddress:
    """The unchecked postal address of a registration."""

    country: str
    fields: AddressDetails
    default_types: AddressTypes


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRegistration:
    """The unchecked input of a registration; the keys of `profile` are fields of `CustomerDetails`."""

    email: str
    password: str | None = None
    confirmation: str | None = None
    login_name: str | None = None
    accept_terms: bool = False
    newsletter: bool = False
    profile: Mapping[str, Any]
    attributes: AttributeAnswers = ()
    address: FirstAddress | None = None

    @property
    def region(self) -> str | None:
        """The country whose telephone numbers need no country code."""
        return self.address.country.strip().upper() if self.address else None

    @property
    def opens_account(self) -> bool:
        """Whether this is an account with a password. A guest has none, cannot log in, and needs only an email."""
        return self.password is not None or self.confirmation is not None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A checked registration with the password hashed already.

    `warnings` are broken rules of the first address's country that the organization tolerates.
    """

    email: EmailAddress
    login_name: LoginName | None
    password_hash: str | None
    personal: CustomerDetails
    newsletter: bool
    address: FirstAddress | None
    warnings: list[AppError] = field(default_factory=list)


async def check(
    hasher: PasswordHasher,
    raw: RawRegistration,
    *,
    settings: OrganizationSettings,
    extras: Sequence[ExtraFieldDefinition],
    password_min_length: int,
) -> NewAccount:
    """Check every field and hash the password before anything is locked; raise `AppErrorGroup`, `TooBusy`."""
    validation = Validation()
    email = validation.require("email", EmailAddress.parse, raw.email)
    login_name_required = settings.require_login_name and raw.opens_account
    login_name = (validation.require if login_name_required else validation.optional)(
        "loginName", LoginName.parse, raw.login_name
    )
    profile = parse_profile(
        validation, raw.profile, by_customer=True, region=raw.region, default_region=settings.default_country
    )
    answers = extra_fields.parse_answers(validation, extras, raw.attributes)
    if raw.opens_account:
        check_registration_password(validation, raw, min_length=password_min_length)
        extra_fields.require_answers(validation, extras, raw.attributes)
    terms = _terms_acceptance(validation, raw, settings)
    warnings = check_first_address(validation, raw.address, settings) if raw.address else []
    validation.raise_errors()
    personal, _ = with_answers(CustomerDetails(email=email.address, **profile, **terms), answers)
    personal = replace(personal, login_name=login_name.name if login_name else None)
    password_hash = await hasher.hash(raw.password) if raw.password else None
    personal = with_newsletter_consent(personal, newsletter=raw.newsletter)
    return NewAccount(email, login_name, password_hash, personal, raw.newsletter, raw.address, warnings)


def _terms_acceptance(validation: Validation, raw: RawRegistration, settings: OrganizationSettings) -> dict[str, Any]:
    if not settings.has_terms:
        return {}
    if raw.accept_terms:
        return terms_acceptance(settings)
    if raw.opens_account:
        validation.add(TermsNotAccepted())
    return {}


def terms_acceptance(settings: OrganizationSettings) -> dict[str, Any]:
    """What is kept of somebody who agrees to the terms now."""
    return {"terms_version": settings.terms_version, "terms_accepted_at": now().isoformat()}


def check_first_address(
    validation: Validation, address: FirstAddress, settings: OrganizationSettings
) -> list[AppError]:
    """Add to `validation` why the address is refused; return the broken rules that the organization tolerates."""
    inner = Validation()
    warnings = check_address(inner, address.country, address.fields, strictness=settings.address_strictness).warnings
    try:
        inner.raise_errors()
    except AppErrorGroup as rejected:
        validation.merge("address", errors=rejected.errors)
    return [warning.with_field("address", *(warning.field or ())) for warning in warnings]


def check_registration_password(validation: Validation, raw: RawRegistration, *, min_length: int) -> None:
    """Add to `validation` why the password is refused, also for what it has of the applicant's names."""
    names = (raw.email, raw.login_name, raw.profile.get("first_name"), raw.profile.get("last_name"))
    user_inputs = [str(name) for name in names if name]
    check_password(validation, raw.password, raw.confirmation, min_length=min_length, user_inputs=user_inputs)


def check_password(
    validation: Validation,
    password: str | None,
    confirmation: str | None,
    *,
    min_length: int,
    user_inputs: list[str],
    field: str = "password",
) -> None:
    """Add to `validation` why a new password is refused, and whether its confirmation differs."""
    if not password:
        validation.add(Required(), field)
        return
    try:
        strength.check(password, shortest=min_length, personal=[one for one in user_inputs if one])
    except strength.PasswordTooWeak as weak:
        validation.add(weak, field)
    if not is_same(password, confirmation):
        validation.add(PasswordMismatch(), f"{field}Confirmation")


async def create_account(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, *, new_account: NewAccount, approval: Approval | None
) -> CustomerRow:
    """Write the customer, its first address and its identifiers; raise `EmailTaken`, `LoginNameTaken`.

    The unique index lets one of two concurrent registrations win. Identifiers are written last, so that a taken one
    costs the same as a free one.
    """
    organization = origin.principal.organization
    customer = await versions.insert_customer(
        session,
        vault,
        organization_id=organization.id,
        personal=new_account.personal,
        password_hash=new_account.password_hash,
        newsletter=new_account.newsletter,
        approval=approval,
    )
    if new_account.address is not None:
        strictness = organization.settings.address_strictness
        await add_address(
            session, vault, origin, customer_id=customer.id, address=new_account.address, strictness=strictness
        )
    await _assign_identifiers(session, vault, organization, customer.id, new_account)
    return customer


async def add_address(
    session: AsyncSession,
    vault: Vault,
    origin: RequestOrigin,
    *,
    customer_id: UUID,
    address: FirstAddress,
    strictness: Strictness,
) -> None:
    """Write the postal address of a registration."""
    addresses = await lock_addresses(session, vault, origin, customer_id=customer_id)
    await editing.create(
        addresses,
        country=address.country,
        typed=address.fields,
        default_types=address.default_types,
        strictness=strictness,
    )


async def _assign_identifiers(
    session: AsyncSession, vault: Vault, organization: Organization, customer_id: UUID, new_account: NewAccount
) -> None:
    if not await identifiers.assign_if_free(
        session,
        vault,
        organization_id=organization.id,
        kind=IdentifierKind.EMAIL,
        canonical=new_account.email.canonical,
        owner=customer_id,
    ):
        raise EmailTaken
    if new_account.login_name and not await identifiers.assign_if_free(
        session,
        vault,
        organization_id=organization.id,
        kind=IdentifierKind.LOGIN_NAME,
        canonical=new_account.login_name.canonical,
        owner=customer_id,
    ):
        raise LoginNameTaken


async def notify_of_pending_approval(
    session: AsyncSession, vault: Vault, organization: Organization, *, customer_id: UUID, email: str
) -> None:
    """Mail the organization's `notification_email` that a customer waits for approval, if both settings are on."""
    settings = organization.settings
    if not settings.approval or not settings.notification_email:
        return
    await outbox.enqueue(
        session,
        vault,
        organization=organization,
        customer_id=customer_id,
        to=settings.notification_email,
        locale=None,
        template=Template.APPROVAL_REQUESTED,
        values={"email": email},
    )
