"""Upserts a customer, also under concurrent calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import email_replacement, identifiers, service, versions
from app.customers.identifiers import IdentifierKind
from app.customers.profile import parse_profile, with_newsletter_consent
from app.customers.records import CustomerDetails, CustomerRecord, CustomerRow, open_row
from app.customers.service import EmailTaken
from app.platform.blanks import is_blank
from app.platform.db.writing import savepoint
from app.platform.errors import NotFound, Required
from app.platform.principal import Organization
from app.platform.validation import Validation
from app.platform.values import EmailAddress, shopper_reference
from app.platform.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """The customer, whether it is new, whether it has just subscribed, and the API names of what changed."""

    customer: CustomerRecord
    created: bool
    subscribed: bool
    names: list[str]


@dataclass(frozen=True, slots=True)
class _NewCustomer:
    email: EmailAddress
    profile: Mapping[str, Any]
    newsletter: bool
    shopper_reference: str | None


async def upsert(
    session: AsyncSession,
    vault: Vault,
    *,
    organization: Organization,
    customer_id: UUID | None,
    input_values: Mapping[str, Any],
    expected_version: int | None = None,
) -> UpsertResult:
    """Update the customer with this id, or else with the given email, or else create a guest with that email.

    | `customer_id` | The email in `input_values`              | Result                                           |
    | ------------- | ---------------------------------------- | ------------------------------------------------ |
    | given         | absent, or the new address               | updated; `NotFound` of `id` when there is none   |
    | None          | absent                                   | `Required` of `email`                            |
    | None          | a customer has it                        | updated, except the email                        |
    | None          | nobody has it                            | created                                          |
    | None          | another call takes it at the same time   | updated: the unique index decides                |

    Raise `AppErrorGroup` with every wrong field, `NotFound`, `Conflict`, `EmailTaken`, `ReferenceTaken`.
    """
    organization_id = organization.id
    new = _parse(input_values, needs_email=customer_id is None)
    values = dict(input_values)
    if customer_id is None:
        # The address only identifies the customer; a different spelling must not change it.
        del values["email"]
        customer_id = await _owner_id(session, vault, organization_id, new.email)
    if customer_id is None:
        created = await _create(session, vault, organization_id, new)
        if created is not None:
            return UpsertResult(created, created=True, subscribed=new.newsletter, names=[])
        # A concurrent call has just taken the address, or it is reserved for who can still undo a change.
        customer_id = await _owner_id(session, vault, organization_id, new.email)
        if customer_id is None:
            raise EmailTaken("This address is reserved: its owner can still undo a change to another one.")
    return await _update(session, vault, organization, customer_id, values, expected_version)


def _parse(input_values: Mapping[str, Any], *, needs_email: bool) -> _NewCustomer:
    validation = Validation()
    if needs_email and is_blank(input_values.get("email")):
        validation.add(Required("Name the customer by its id or its email address."), "email")
    elif "email" in input_values and is_blank(input_values["email"]):
        validation.add(Required(), "email")
    email = validation.optional("email", EmailAddress.parse, input_values.get("email"))
    profile = parse_profile(validation, input_values, by_customer=False)
    reference = validation.optional("shopperReference", shopper_reference, input_values.get("shopper_reference"))
    validation.raise_errors()
    return _NewCustomer(email, profile, bool(input_values.get("newsletter")), reference)  # type: ignore[arg-type] # needed where it is used


async def _owner_id(session: AsyncSession, vault: Vault, organization_id: UUID, email: EmailAddress) -> UUID | None:
    return await identifiers.owner_id(
        session, vault, organization_id=organization_id, kind=IdentifierKind.EMAIL, canonical=email.canonical
    )


async def _create(
    session: AsyncSession, vault: Vault, organization_id: UUID, new: _NewCustomer
) -> CustomerRecord | None:
    try:
        async with savepoint(session):
            customer = await _insert(session, vault, organization_id, new)
    except EmailTaken:
        return None
    return open_row(customer, await vault.cipher(customer.id))


async def _insert(session: AsyncSession, vault: Vault, organization_id: UUID, new: _NewCustomer) -> CustomerRow:
    customer = await versions.insert_customer(
        session,
        vault,
        organization_id=organization_id,
        personal=with_newsletter_consent(
            CustomerDetails(email=new.email.address, **new.profile), newsletter=new.newsletter
        ),
        password_hash=None,
        newsletter=new.newsletter,
        shopper_reference=new.shopper_reference,
    )
    kind, canonical = IdentifierKind.EMAIL, new.email.canonical
    if not await identifiers.assign_if_free(
        session, vault, organization_id=organization_id, kind=kind, canonical=canonical, owner=customer.id
    ):
        raise EmailTaken
    return customer


async def _update(
    session: AsyncSession,
    vault: Vault,
    organization: Organization,
    customer_id: UUID,
    input_values: Mapping[str, Any],
    expected_version: int | None,
) -> UpsertResult:
    try:
        result = await service.update(
            session,
            vault,
            organization_id=organization.id,
            customer=customer_id,
            input_values=input_values,
            by_customer=False,
            expected_version=expected_version,
        )
    except NotFound:
        raise NotFound(field=("id",)) from None
    if "email" in result.names:
        await email_replacement.finish(
            session, vault, organization=organization, before=result.before, after=result.customer
        )
    subscribed = "newsletter" in result.names and result.customer.row.newsletter
    return UpsertResult(result.customer, created=False, subscribed=subscribed, names=result.names)
