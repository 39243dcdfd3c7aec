"""Changes a customer: its profile, and what only the back office may set."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers, repository
from app.customers.identifiers import IdentifierKind
from app.customers.profile import changed, consented, parse_profile, with_answers
from app.customers.records import CustomerRecord, open_row, row_of
from app.customers.repository import EditedCustomer
from app.customers.tables import Customer
from app.errors import AppError, Conflict, ErrorCode, NotAllowed, NotFound, Required
from app.fields import extras as extra_fields
from app.fields.extras import Extra
from app.validation import Validation
from app.values import EmailAddress, LoginName, shopper_reference
from app.vault.vault import Vault


class EmailTaken(AppError):
    """Somebody in this organization has the address already."""

    code = ErrorCode.EMAIL_TAKEN
    message = "There is an account with this email address already. Log in, or reset the password."
    field = ("email",)


class LoginNameTaken(AppError):
    """Somebody in this organization has the login name already; case makes no difference."""

    code = ErrorCode.TAKEN
    message = "This login name is taken. Choose another one."
    field = ("loginName",)


class ReferenceTaken(AppError):
    """Another customer of this organization has the shopper reference."""

    code = ErrorCode.TAKEN
    message = "Another customer has this shopper reference."
    field = ("shopperReference",)


async def update(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    customer_id: UUID,
    given: Mapping[str, Any],
    by_customer: bool,
    expected_version: int | None = None,
    extras: Sequence[Extra] = (),
) -> tuple[CustomerRecord, list[str]]:
    """Set the given fields (absent stays, None clears); return the customer and the names of what changed.

    `extras` are the fields that `attributes`, pairs of a name and an answer, may be about.
    Raise `Rejected` with every wrong field, `NotFound`, `Conflict`, `EmailTaken`, `LoginNameTaken`, `ReferenceTaken`.
    """
    validation = Validation()
    changes = parse_profile(validation, given, by_customer=by_customer)
    email = _back_office_only(validation, given, "email", "email", EmailAddress.parse, by_customer=by_customer)
    login_name = _back_office_only(
        validation, given, "login_name", "loginName", LoginName.parse, by_customer=by_customer
    )
    reference = _back_office_only(
        validation, given, "shopper_reference", "shopperReference", shopper_reference, by_customer=by_customer
    )
    newsletter = validation.require("newsletter", bool, given["newsletter"]) if "newsletter" in given else None
    if "attributes" in given and given["attributes"] is None:
        validation.add(Required("This cannot be cleared."), "attributes")
    answers = extra_fields.check(validation, extras, given.get("attributes") or ())
    validation.finish()
    customer = await repository.lock(session, vault, organization_id=organization_id, customer_id=customer_id)
    if customer is None:
        raise NotFound(field=("customerId",))
    if expected_version is not None and customer.row.version != expected_version:
        raise Conflict(field=("expectedVersion",))
    customer.personal, names = changed(customer.personal, changes)
    customer.personal, changed_answers = with_answers(customer.personal, answers)
    names += changed_answers
    if newsletter is not None and customer.row.newsletter != newsletter:
        customer.row.newsletter = newsletter
        customer.personal = consented(customer.personal, newsletter=newsletter)
        names.append("newsletter")
    if email is not None and await _set_email(session, vault, customer, email):
        names.append("email")
    if login_name is not None and await _set_login_name(session, vault, customer, login_name):
        names.append("loginName")
    if reference is not None and await _set_reference(session, customer, reference):
        names.append("shopperReference")
    if names:
        await repository.save(session, vault, customer)
    return open_row(row_of(customer.row), await vault.box(customer_id)), names


def _back_office_only(
    validation: Validation, given: Mapping[str, Any], name: str, api_name: str, parse: Any, *, by_customer: bool
) -> Any:
    if name not in given:
        return None
    if by_customer:
        validation.add(NotAllowed(), api_name)
        return None
    if given[name] is None:
        validation.add(Required("This cannot be cleared."), api_name)
        return None
    return validation.check(api_name, parse, given[name])


async def _set_email(session: AsyncSession, vault: Vault, customer: EditedCustomer, email: EmailAddress) -> bool:
    if customer.personal.email == email.address:
        return False
    if not await _rename(session, vault, customer, IdentifierKind.EMAIL, email.canonical):
        raise EmailTaken
    customer.personal, _ = changed(customer.personal, {"email": email.address})
    customer.row.email_verified_at = None
    return True


async def _set_login_name(session: AsyncSession, vault: Vault, customer: EditedCustomer, name: LoginName) -> bool:
    if customer.personal.login_name == name.name:
        return False
    if not await _rename(session, vault, customer, IdentifierKind.LOGIN_NAME, name.canonical):
        raise LoginNameTaken
    customer.personal, _ = changed(customer.personal, {"login_name": name.name})
    return True


async def _rename(
    session: AsyncSession, vault: Vault, customer: EditedCustomer, kind: IdentifierKind, canonical: str
) -> bool:
    await identifiers.release(session, customer_id=customer.row.id, kind=kind)
    return await identifiers.take(
        session,
        vault,
        organization_id=customer.row.organization_id,
        kind=kind,
        canonical=canonical,
        owner=customer.row.id,
    )


async def _set_reference(session: AsyncSession, customer: EditedCustomer, reference: str) -> bool:
    if customer.row.shopper_reference == reference:
        return False
    other = select(col(Customer.id)).where(
        col(Customer.organization_id) == customer.row.organization_id, col(Customer.shopper_reference) == reference
    )
    if (await session.exec(other)).first():
        raise ReferenceTaken
    customer.row.shopper_reference = reference
    session.add(customer.row)
    try:
        await session.flush()
    except IntegrityError:
        # Somebody took it since we looked.
        raise ReferenceTaken from None
    return True
