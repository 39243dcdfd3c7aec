"""Changes a customer: its profile, and what only the back office may set."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers, repository
from app.customers.identifiers import IdentifierKind
from app.customers.profile import changed, parse_profile
from app.customers.records import CustomerRecord, open_row, row_of
from app.customers.repository import EditedCustomer
from app.customers.tables import Customer
from app.errors import AppError, Conflict, ErrorCode, NotAllowed, NotFound, Required
from app.validation import Validation
from app.values import EmailAddress, shopper_reference
from app.vault.vault import Vault


class EmailTaken(AppError):
    """Somebody in this organization has the address already."""

    code = ErrorCode.EMAIL_TAKEN
    message = "There is an account with this email address already. Log in, or reset the password."
    field = ("email",)


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
) -> tuple[CustomerRecord, list[str]]:
    """Set the given fields (absent stays, None clears); return the customer and the names of what changed.

    Raise `Rejected` with every wrong field, `NotFound`, `Conflict`, `EmailTaken`, `ReferenceTaken`.
    """
    validation = Validation()
    changes = parse_profile(validation, given, by_customer=by_customer)
    email = _back_office_only(validation, given, "email", "email", EmailAddress.parse, by_customer=by_customer)
    reference = _back_office_only(
        validation, given, "shopper_reference", "shopperReference", shopper_reference, by_customer=by_customer
    )
    newsletter = validation.require("newsletter", bool, given["newsletter"]) if "newsletter" in given else None
    validation.finish()
    customer = await repository.lock(session, vault, organization_id=organization_id, customer_id=customer_id)
    if customer is None:
        raise NotFound(field=("customerId",))
    if expected_version is not None and customer.row.version != expected_version:
        raise Conflict(field=("expectedVersion",))
    customer.personal, names = changed(customer.personal, changes)
    if newsletter is not None and customer.row.newsletter != newsletter:
        customer.row.newsletter = newsletter
        names.append("newsletter")
    if email is not None and await _set_email(session, vault, customer, email):
        names.append("email")
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
    await identifiers.release(session, customer_id=customer.row.id, kind=IdentifierKind.EMAIL)
    taken = await identifiers.take(
        session,
        vault,
        organization_id=customer.row.organization_id,
        kind=IdentifierKind.EMAIL,
        canonical=email.canonical,
        owner=customer.row.id,
    )
    if not taken:
        raise EmailTaken
    customer.personal, _ = changed(customer.personal, {"email": email.address})
    customer.row.email_verified_at = None
    return True


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
