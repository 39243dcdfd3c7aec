"""GraphQL queries and mutations for anonymization requests and the deletion of customers."""

from collections.abc import Mapping
from typing import Annotated

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.anonymizations.api import Anonymization, load_anonymization, to_anonymization
from app.platform.audit.log import Action, record
from app.platform.errors import Invalid, NotFound, Required
from app.platform.graphql import ids
from app.platform.graphql.access import back_office, staff
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation, query
from app.platform.principal import Scope
from app.platform.validation import Validation
from app.platform.values import EmailAddress
from app.privacy import deletion, requests
from app.privacy.policy import PrivacyPolicy
from app.privacy.requests import Person


@strawberry.input(description="Who is to be forgotten: exactly one of the fields.")
class RequestAnonymizationInput:
    """What `requestAnonymization` needs."""

    customer_id: strawberry.ID | None = strawberry.field(description="Which customer.", default=None)
    email: str | None = strawberry.field(
        description="An email address: the customer who has it, or else the guest who ordered with it.", default=None
    )
    order_number: str | None = strawberry.field(
        description="The number of an order: the customer or the guest who placed it.", default=None
    )


@strawberry.type(description="The request that was made.")
class RequestAnonymizationPayload(Payload):
    """Answer of `requestAnonymization`."""

    anonymization: Anonymization | None = strawberry.field(description="The request.", default=None)


@strawberry.input(description="Who is not to be forgotten after all: exactly one of the fields.")
class CancelAnonymizationInput:
    """What `cancelAnonymization` needs."""

    customer_id: strawberry.ID | None = strawberry.field(description="Which customer.", default=None)
    id: strawberry.ID | None = strawberry.field(
        description="Which request: the only name of one about a guest.", default=None
    )


@strawberry.type(description="The request that was cancelled.")
class CancelAnonymizationPayload(Payload):
    """Answer of `cancelAnonymization`."""

    anonymization: Anonymization | None = strawberry.field(description="The request.", default=None)


@strawberry.input(description="The customer to delete: exactly one of `customerId` and `email`.")
class DeleteCustomerInput:
    """What `deleteCustomer` needs."""

    customer_id: strawberry.ID | None = strawberry.field(description="Which customer.", default=None)
    email: str | None = strawberry.field(description="The address of the customer, in any case.", default=None)
    expected_version: int | None = strawberry.field(
        description="Refuse with `CONFLICT` unless the customer still has this `version`.", default=None
    )


@strawberry.type(description="The customer that is no more.")
class DeleteCustomerPayload(Payload):
    """Answer of `deleteCustomer`."""

    deleted_customer_id: strawberry.ID | None = strawberry.field(description="Its id.", default=None)


@strawberry.type
class PrivacyMutations:
    """Mutations of privacy. Anonymization needs a staff member, who is recorded as the requester."""

    @mutation(
        allow=back_office(Scope.CUSTOMERS_WRITE),
        description="Delete a customer without orders and all that it owns, at once and for good. Its key goes too, "
        "so no backup can be read either. A customer with orders is refused with `HAS_ORDERS`: have it anonymized.",
    )
    async def delete_customer(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[DeleteCustomerInput, strawberry.argument(description="The customer.")],
    ) -> DeleteCustomerPayload:
        """Raise `NotFound` for a customer who is deleted already."""
        given = _exactly_one({"customerId": input.customer_id, "email": input.email})
        deleted = await deletion.delete(
            session,
            context.store,
            organization_id=context.organization.id,
            customer=_parse_email(given["email"])
            if "email" in given
            else ids.decode("Customer", given["customerId"], "customerId"),
            expected_version=input.expected_version,
        )
        customer_id = deleted.customer_id
        record(session, context.origin, Action.CUSTOMER_DELETED, customer_id=customer_id, object_id=deleted.id)
        return DeleteCustomerPayload(deleted_customer_id=ids.encode("Customer", customer_id))

    @mutation(
        allow=[staff(Scope.PRIVACY_WRITE)],
        description="Have a customer or a guest forgotten: after a delay everything personal is destroyed, in every "
        "backup too. What the person ordered as a guest with an address it has, or had, is anonymized with it.",
    )
    async def request_anonymization(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RequestAnonymizationInput, strawberry.argument(description="The person.")],
    ) -> RequestAnonymizationPayload:
        """The staff member is stored as the requester."""
        person = await _parse_person(session, context, input)
        row = await requests.request(
            session,
            context.store.vault,
            organization_id=context.organization.id,
            person=person,
            requester_id=context.principal.own_staff_id,
            delay=context.services.get(PrivacyPolicy).anonymization_delay,
        )
        record(session, context.origin, Action.ANONYMIZATION_REQUESTED, customer_id=row.customer_id, object_id=row.id)
        return RequestAnonymizationPayload(anonymization=to_anonymization(row))

    @mutation(
        allow=[staff(Scope.PRIVACY_WRITE)],
        description="Take a request back, as long as the anonymization has not started.",
    )
    async def cancel_anonymization(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[CancelAnonymizationInput, strawberry.argument(description="The request.")],
    ) -> CancelAnonymizationPayload:
        """The staff member is stored as the canceller."""
        given = _exactly_one({"customerId": input.customer_id, "id": input.id})
        row = await requests.cancel(
            session,
            context.store.vault,
            organization_id=context.organization.id,
            customer_id=ids.decode("Customer", given["customerId"], "customerId") if "customerId" in given else None,
            request_id=ids.decode("Anonymization", given["id"], "id") if "id" in given else None,
            canceller_id=context.principal.own_staff_id,
        )
        record(session, context.origin, Action.ANONYMIZATION_CANCELLED, customer_id=row.customer_id, object_id=row.id)
        return CancelAnonymizationPayload(anonymization=to_anonymization(row))


@strawberry.type
class PrivacyQueries:
    """Queries of privacy."""

    @query(allow=[staff(Scope.PRIVACY_WRITE)], description="A request to anonymize somebody; null when there is none.")
    async def anonymization(
        self, context: Context, id: Annotated[strawberry.ID, strawberry.argument(description="Which request.")]
    ) -> Anonymization | None:
        """The only way to see a request about a guest."""
        try:
            request_id = ids.decode("Anonymization", id)
        except NotFound:
            return None
        return await load_anonymization(context, request_id)


async def _parse_person(session: AsyncSession, context: Context, given: RequestAnonymizationInput) -> Person:
    named = _exactly_one({"customerId": given.customer_id, "email": given.email, "orderNumber": given.order_number})
    organization_id = context.organization.id
    if "customerId" in named:
        return Person("customerId", customer_id=ids.decode("Customer", named["customerId"], "customerId"))
    if "email" in named:
        email = _parse_email(named["email"])
        return await requests.by_email(session, context.store.vault, organization_id=organization_id, email=email)
    return await requests.by_order_number(session, organization_id=organization_id, number=named["orderNumber"])


def _parse_email(raw: str) -> EmailAddress:
    validation = Validation()
    email = validation.require("email", EmailAddress.parse, raw)
    validation.raise_errors()
    return email


def _exactly_one(given: Mapping[str, str | None]) -> dict[str, str]:
    """The only field that has a value; raise `AppErrorGroup` when there is none, or more than one."""
    named = {field: value for field, value in given.items() if value}
    validation = Validation()
    if not named:
        validation.add(Required("Give exactly one of {names}.", names=", ".join(given)), next(iter(given)))
    for field in list(named)[1:]:
        validation.add(Invalid("Give exactly one of {names}.", names=", ".join(given)), field)
    validation.raise_errors()
    return named
