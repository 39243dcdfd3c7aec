"""GraphQL mutations that approve or reject a customer."""

from typing import Annotated

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.approvals.decisions import decide, notify_approved
from app.customers.api import Customer, to_customer
from app.customers.records import Approval, open_row, row_of
from app.platform.audit.log import Action, record
from app.platform.graphql import ids
from app.platform.graphql.access import back_office
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation
from app.platform.principal import Scope

BACK_OFFICE = back_office(Scope.CUSTOMERS_WRITE)


@strawberry.input(description="The customer to let in.")
class ApproveCustomerInput:
    """What `approveCustomer` needs."""

    customer_id: strawberry.ID = strawberry.field(description="Which customer.")


@strawberry.input(description="The customer to keep out.")
class RejectCustomerInput:
    """What `rejectCustomer` needs."""

    customer_id: strawberry.ID = strawberry.field(description="Which customer.")


@strawberry.type(description="The customer who may log in now.")
class ApproveCustomerPayload(Payload):
    """Answer of `approveCustomer`."""

    customer: Customer | None = strawberry.field(description="The customer.", default=None)


@strawberry.type(description="The customer who may not log in.")
class RejectCustomerPayload(Payload):
    """Answer of `rejectCustomer`."""

    customer: Customer | None = strawberry.field(description="The customer.", default=None)


@strawberry.type
class ApprovalMutations:
    """Mutations of approvals."""

    @mutation(
        allow=BACK_OFFICE, description="Let a customer log in who waits for it; the customer is notified by mail."
    )
    async def approve_customer(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[ApproveCustomerInput, strawberry.argument(description="The customer.")],
    ) -> ApproveCustomerPayload:
        """Repeating the decision changes nothing and sends no mail."""
        return ApproveCustomerPayload(customer=await _decide(context, session, input.customer_id, Approval.APPROVED))

    @mutation(allow=BACK_OFFICE, description="Do not let a customer log in; every session of the customer ends.")
    async def reject_customer(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RejectCustomerInput, strawberry.argument(description="The customer.")],
    ) -> RejectCustomerPayload:
        """A later approval revokes the rejection."""
        return RejectCustomerPayload(customer=await _decide(context, session, input.customer_id, Approval.REJECTED))


async def _decide(context: Context, session: AsyncSession, customer_id: strawberry.ID, approval: Approval) -> Customer:
    vault, row_id = context.store.vault, ids.decode("Customer", customer_id, "customerId")
    customer, is_new = await decide(
        session, vault, organization_id=context.organization.id, customer_id=row_id, approval=approval
    )
    action = Action.APPROVAL_GRANTED if approval is Approval.APPROVED else Action.APPROVAL_REFUSED
    # Repeating a decision changes nothing but returns the customer, so it is recorded as a read.
    record(session, context.origin, action if is_new else Action.CUSTOMER_READ, customer_id=row_id)
    if is_new and approval is Approval.APPROVED:
        await notify_approved(session, vault, context.organization, customer)
    return to_customer(open_row(row_of(customer.row), await vault.cipher(row_id)))
