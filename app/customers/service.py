"""Updates a customer: its profile, and the fields that only the back office may set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers, versions
from app.customers.email_replacement import is_same_mailbox
from app.customers.fields import extras as extra_fields
from app.customers.fields.extras import ExtraFieldDefinition
from app.customers.identifiers import IdentifierKind
from app.customers.profile import parse_profile, with_answers, with_changes, with_newsletter_consent
from app.customers.records import CustomerRecord, CustomerRow
from app.customers.versions import ReferenceTaken
from app.platform.errors import AppError, Conflict, ErrorCode, NotAllowed, NotFound, Required
from app.platform.principal import Organization
from app.platform.validation import Validation
from app.platform.values import EmailAddress, LoginName, region_of, shopper_reference
from app.platform.vault.vault import Vault


class EmailTaken(AppError):
    """Another customer of the organization has the address."""

    code = ErrorCode.EMAIL_TAKEN
    message = "There is an account with this email address already. Log in, or reset the password."
    field = ("email",)


class LoginNameTaken(AppError):
    """Another customer of the organization has the login name; case makes no difference."""

    code = ErrorCode.TAKEN
    message = "This login name is taken. Choose another one."
    field = ("loginName",)


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """The customer before and after, and the API names of what changed."""

    before: CustomerRecord
    customer: CustomerRecord
    names: list[str]


async def update(
    session: AsyncSession,
    vault: Vault,
    *,
    organization: Organization,
    customer: UUID | CustomerRecord,
    input_values: Mapping[str, Any],
    by_customer: bool,
    expected_version: int | None = None,
    extras: Sequence[ExtraFieldDefinition] = (),
) -> UpdateResult:
    """Set the given fields (absent stays, None clears).

    | `customer`         | Lock                   | A concurrent change                         |
    | ------------------ | ---------------------- | ------------------------------------------- |
    | an id              | the row, immediately   | waits for this transaction                  |
    | a `CustomerRecord` | none (optimistic lock) | the transaction ends with `VersionConflict` |

    `attributes` are pairs of a field's name and an answer; `extras` are the declared fields. Raise `AppErrorGroup`
    (every wrong field), `NotFound`, `Conflict`, `EmailTaken`, `LoginNameTaken`, `ReferenceTaken`.
    """
    validation = Validation()
    stored_locale = customer.personal.locale if isinstance(customer, CustomerRecord) else None
    region = None if input_values.get("locale") else region_of(stored_locale)
    changes = parse_profile(
        validation,
        input_values,
        by_customer=by_customer,
        region=region,
        default_region=organization.settings.default_country,
    )
    email = _back_office_only(validation, input_values, "email", "email", EmailAddress.parse, by_customer=by_customer)
    # A customer who has no login name chooses one, once.
    has_login_name = isinstance(customer, CustomerRecord) and customer.personal.login_name is not None
    login_name = _back_office_only(
        validation,
        input_values,
        "login_name",
        "loginName",
        LoginName.parse,
        by_customer=by_customer and has_login_name,
    )
    reference = _back_office_only(
        validation, input_values, "shopper_reference", "shopperReference", shopper_reference, by_customer=by_customer
    )
    newsletter = (
        validation.require("newsletter", bool, input_values["newsletter"]) if "newsletter" in input_values else None
    )
    if "attributes" in input_values and input_values["attributes"] is None:
        validation.add(Required("This cannot be cleared."), "attributes")
    answers = extra_fields.parse_answers(validation, extras, input_values.get("attributes") or ())
    validation.raise_errors()
    before = (
        await versions.lock(session, vault, organization_id=organization.id, customer_id=customer)
        if isinstance(customer, UUID)
        else customer
    )
    if before is None:
        raise NotFound(field=("customerId",))
    row = before.row
    if by_customer and login_name is not None and before.personal.login_name is not None:
        raise NotAllowed(field=("loginName",))
    if expected_version is not None and row.version != expected_version:
        raise Conflict(field=("expectedVersion",))
    personal, names = with_changes(before.personal, changes)
    personal, changed_answers = with_answers(personal, answers)
    names += changed_answers
    if newsletter is not None and row.newsletter != newsletter:
        row, personal = row._replace(newsletter=newsletter), with_newsletter_consent(personal, newsletter=newsletter)
        names.append("newsletter")
    updated, changed_identifiers = await _with_identifiers(
        session, vault, CustomerRecord(row, personal), email=email, login_name=login_name, reference=reference
    )
    names += changed_identifiers
    if not names:
        return UpdateResult(before, before, names)
    return UpdateResult(before, await versions.write_next_version(session, vault, updated), names)


def _back_office_only(
    validation: Validation, input_values: Mapping[str, Any], name: str, api_name: str, parse: Any, *, by_customer: bool
) -> Any:
    if name not in input_values:
        return None
    if by_customer:
        validation.add(NotAllowed(), api_name)
        return None
    if input_values[name] is None:
        validation.add(Required("This cannot be cleared."), api_name)
        return None
    return validation.check(api_name, parse, input_values[name])


async def _with_identifiers(
    session: AsyncSession,
    vault: Vault,
    customer: CustomerRecord,
    *,
    email: EmailAddress | None,
    login_name: LoginName | None,
    reference: str | None,
) -> tuple[CustomerRecord, list[str]]:
    row, personal, names = customer.row, customer.personal, list[str]()
    if email is not None and personal.email != email.address:
        if not await _replace_identifier(session, vault, row, IdentifierKind.EMAIL, email.canonical):
            raise EmailTaken
        if is_same_mailbox(personal.email, email):
            personal = replace(personal, email=email.address)
        else:
            personal = personal.with_email(email.address, proven=row.email_verified_at is not None)
            row = row._replace(email_verified_at=None)
        names.append("email")
    if login_name is not None and personal.login_name != login_name.name:
        if not await _replace_identifier(session, vault, row, IdentifierKind.LOGIN_NAME, login_name.canonical):
            raise LoginNameTaken
        personal = replace(personal, login_name=login_name.name)
        names.append("loginName")
    if reference is not None and row.shopper_reference != reference:
        await _replace_shopper_reference(session, row, reference)
        row = row._replace(shopper_reference=reference)
        names.append("shopperReference")
    return CustomerRecord(row, personal), names


async def _replace_identifier(
    session: AsyncSession, vault: Vault, row: CustomerRow, kind: IdentifierKind, canonical: str
) -> bool:
    await identifiers.release(session, customer_id=row.id, kind=kind)
    return await identifiers.assign_if_free(
        session, vault, organization_id=row.organization_id, kind=kind, canonical=canonical, owner=row.id
    )


async def _replace_shopper_reference(session: AsyncSession, row: CustomerRow, reference: str) -> None:
    organization_id = row.organization_id
    if not await identifiers.assign_shopper_reference_if_free(
        session, organization_id=organization_id, reference=reference, owner=row.id
    ):
        raise ReferenceTaken
    await identifiers.release_shopper_reference(
        session, organization_id=organization_id, reference=row.shopper_reference
    )
