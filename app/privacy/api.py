"""GraphQL mutations for anonymization requests and the deletion of customers."""

from typing import Annotated
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.anonymizations.api import Anonymization, to_anonymization
from app.platform.audit.log import Action, record
from app.platform.graphql import ids
from app.platform.graphql.access import back_office, staff
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation
from app.platform.principal import Scope
from app.privacy import deletion, requests
from app.privacy.policy import PrivacyPolicy


@strawberry.input(description="The customer to be forgotten.")
class RequestAnonymizationInput:
    """What `requestAnonymization` needs."""

    customer_id: strawberry.ID = strawberry.field(description="Which customer.")


@strawberry.type(description="The request that was made.")
class RequestAnonymizationPayload(Payload):
    """Answer of `requestAnonymization`."""

    anonymization: Anonymization | None = strawberry.field(description="The request.", default=None)


@strawberry.input(description="The customer not to be forgotten after all.")
class CancelAnonymizationInput:
    """What `cancelAnonymization` needs."""

    customer_id: strawberry.ID = strawberry.field(description="Which customer.")


@strawberry.type(description="The request that was cancelled.")
class CancelAnonymizationPayload(Payload):
    """Answer of `cancelAnonymization`."""

    anonymization: Anonymization | None = strawberry.field(description="The request.", default=None)


@strawberry.input(description="The customer to delete.")
class DeleteCustomerInput:
    """What `deleteCustomer` needs."""

    customer_id: strawberry.ID = strawberry.field(description="Which customer.")
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
        customer_id = ids.decode("Customer", input.customer_id, "customerId")
        deletion_id = await deletion.delete(
            session,
            context.store,
            organization_id=context.organization.id,
            customer_id=customer_id,
            expected_version=input.expected_version,
        )
        record(session, context.origin, Action.CUSTOMER_DELETED, customer_id=customer_id, object_id=deletion_id)
        return DeleteCustomerPayload(deleted_customer_id=input.customer_id)

    @mutation(
        allow=[staff(Scope.PRIVACY_WRITE)],
        description="Have a customer forgotten: after a delay everything personal is destroyed, in every backup too.",
    )
    async def request_anonymization(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RequestAnonymizationInput, strawberry.argument(description="The customer.")],
    ) -> RequestAnonymizationPayload:
        """The staff member is stored as the requester."""
        customer_id = ids.decode("Customer", input.customer_id, "customerId")
        row = await requests.request(
            session,
            organization_id=context.organization.id,
            customer_id=customer_id,
            requester_id=_staff_id(context),
            delay=context.services.get(PrivacyPolicy).anonymization_delay,
        )
        record(session, context.origin, Action.ANONYMIZATION_REQUESTED, customer_id=customer_id, object_id=row.id)
        return RequestAnonymizationPayload(anonymization=to_anonymization(row))

    @mutation(
        allow=[staff(Scope.PRIVACY_WRITE)],
        description="Take a request back, as long as the anonymization has not started.",
    )
    async def cancel_anonymization(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[CancelAnonymizationInput, strawberry.argument(description="The customer.")],
    ) -> CancelAnonymizationPayload:
        """The staff member is stored as the canceller."""
        customer_id = ids.decode("Customer", input.customer_id, "customerId")
        row = await requests.cancel(
            session,
            organization_id=context.organization.id,
            customer_id=customer_id,
            canceller_id=_staff_id(context),
        )
        record(session, context.origin, Action.ANONYMIZATION_CANCELLED, customer_id=customer_id, object_id=row.id)
        return CancelAnonymizationPayload(anonymization=to_anonymization(row))


def _staff_id(context: Context) -> UUID:
    staff_id = context.principal.staff_id
    assert staff_id is not None  # noqa: S101 - STAFF principals have one
    return staff_id
