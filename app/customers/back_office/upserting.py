"""Upserts a customer, also under concurrent calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import email_replacement, identifiers, service, versions
from app.customers.fields import extras as extra_fields
from app.customers.fields.extras import ExtraFieldDefinition
from app.customers.groups import repository as groups
from app.customers.groups.api import KIND as GROUP
from app.customers.identifiers import IdentifierKind
from app.customers.profile import parse_profile, with_answers, with_newsletter_consent
from app.customers.records import CustomerDetails, CustomerRecord, CustomerRow, open_row
from app.customers.service import EmailTaken
from app.platform.blanks import is_blank
from app.platform.db.writing import savepoint
from app.platform.errors import AppError, NotFound, Required
from app.platform.graphql import ids
from app.platform.principal import Organization, OrganizationSettings
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
    answers: Mapping[str, str | None]


async def upsert(
    session: AsyncSession,
    vault: Vault,
    *,
    organization: Organization,
    customer_id: UUID | None,
    input_values: Mapping[str, Any],
    expected_version: int | None = None,
    extras: Sequence[ExtraFieldDefinition] = (),
) -> UpsertResult:
    """Update the customer with this id, or else with the given email, or else create a guest with that email.

    | `customer_id` | The email in `input_values`              | Result                                           |
    | ------------- | ---------------------------------------- | ------------------------------------------------ |
    | given         | absent, or the new address               | updated; `NotFound` of `id` when there is none   |
    | None          | absent                                   | `Required` of `email`                            |
    | None          | a customer has it                        | updated, except the email                        |
    | None          | nobody has it                            | created                                          |
    | None          | another call takes it at the same time   | updated: the unique index decides                |

    `attributes` are pairs of a field's name and an answer, `extras` the declared fields; those that are required at a
    registration are not here. `group` is the id or the code of one, None for none; a new customer is otherwise in the
    default group.

    Raise `AppErrorGroup` with every wrong field, `NotFound`, `Conflict`, `EmailTaken`, `ReferenceTaken`.
    """
    organization_id = organization.id
    validation = Validation()
    new = _parse(validation, input_values, extras, organization.settings, needs_email=customer_id is None)
    group_id = await _find_group(session, validation, organization_id, input_values.get("group"))
    validation.raise_errors()
    values = dict(input_values)
    if customer_id is None:
        # The address only identifies the customer; a different spelling must not change it.
        del values["email"]
        customer_id = await _owner_id(session, vault, organization_id, new.email)
    if customer_id is None:
        created = await _create(session, vault, organization_id, new)
        if created is not None:
            if "group" in input_values and created.row.group_id != group_id:
                created = await versions.replace_group(session, vault, created, group_id=group_id, is_next_version=True)
            return UpsertResult(created, created=True, subscribed=new.newsletter, names=[])
        # A concurrent call has just taken the address, or it is reserved for who can still undo a change.
        customer_id = await _owner_id(session, vault, organization_id, new.email)
        if customer_id is None:
            raise EmailTaken("This address is reserved: its owner can still undo a change to another one.")
    updated = await _update(session, vault, organization, customer_id, values, expected_version, extras)
    if "group" not in input_values or updated.customer.row.group_id == group_id:
        return updated
    customer = await versions.replace_group(
        session, vault, updated.customer, group_id=group_id, is_next_version=bool(updated.names)
    )
    return replace(updated, customer=customer, names=[*updated.names, "group"])


async def _find_group(
    session: AsyncSession, validation: Validation, organization_id: UUID, id_or_code: str | None
) -> UUID | None:
    if id_or_code is None:
        return None
    try:
        decoded = ids.decode(GROUP, id_or_code)
    except AppError:
        decoded = None
    found = await groups.find(session, organization_id=organization_id, group_id=decoded, code=id_or_code)
    if found is None:
        validation.add(NotFound("There is no group with this id or code."), "group")
    return found


def _parse(
    validation: Validation,
    input_values: Mapping[str, Any],
    extras: Sequence[ExtraFieldDefinition],
    settings: OrganizationSettings,
    *,
    needs_email: bool,
) -> _NewCustomer:
    if needs_email and is_blank(input_values.get("email")):
        validation.add(Required("Name the customer by its id or its email address."), "email")
    elif "email" in input_values and is_blank(input_values["email"]):
        validation.add(Required(), "email")
    email = validation.optional("email", EmailAddress.parse, input_values.get("email"))
    profile = parse_profile(validation, input_values, by_customer=False, default_region=settings.default_country)
    reference = validation.optional("shopperReference", shopper_reference, input_values.get("shopper_reference"))
    if "attributes" in input_values and input_values["attributes"] is None:
        validation.add(Required("This cannot be cleared."), "attributes")
    answers = extra_fields.parse_answers(validation, extras, input_values.get("attributes") or ())
    newsletter = bool(input_values.get("newsletter"))
    return _NewCustomer(email, profile, newsletter, reference, answers)  # type: ignore[arg-type] # raised before it is used


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
    personal, _ = with_answers(CustomerDetails(email=new.email.address, **new.profile), new.answers)
    customer = await versions.insert_customer(
        session,
        vault,
        organization_id=organization_id,
        personal=with_newsletter_consent(personal, newsletter=new.newsletter),
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
    extras: Sequence[ExtraFieldDefinition],
) -> UpsertResult:
    try:
        result = await service.update(
            session,
            vault,
            organization=organization,
            customer=customer_id,
            input_values=input_values,
            by_customer=False,
            expected_version=expected_version,
            extras=extras,
        )
    except NotFound:
        raise NotFound(field=("id",)) from None
    if "email" in result.names:
        await email_replacement.finish(
            session, vault, organization=organization, before=result.before, after=result.customer
        )
    subscribed = "newsletter" in result.names and result.customer.row.newsletter
    return UpsertResult(result.customer, created=False, subscribed=subscribed, names=result.names)
