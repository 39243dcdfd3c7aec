"""GraphQL mutation `assignCustomerGroup`."""

from typing import Annotated
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Info

from app.customers import repository
from app.customers.api import Customer
from app.customers.groups import repository as groups
from app.customers.groups.api import KIND as GROUP
from app.customers.payload_customers import DESCRIPTION, load_payload_customer
from app.platform.audit.log import Action, record
from app.platform.db.locks import lock_customer
from app.platform.errors import NotFound, Required
from app.platform.graphql import ids
from app.platform.graphql.access import back_office
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation
from app.platform.principal import Scope


@strawberry.input(description="Which customer comes into which group.")
class AssignCustomerGroupInput:
    """Input of `assignCustomerGroup`."""

    customer_id: strawberry.ID = strawberry.field(description="Which customer.")
    group_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="Into which group; an explicit null takes the customer out of its group.", default=None
    )


@strawberry.type(description="The customer in its group.")
class AssignCustomerGroupPayload(Payload):
    """Payload of `assignCustomerGroup`."""

    customer_id: strawberry.Private[UUID | None] = None

    @strawberry.field(description=DESCRIPTION)
    async def customer(self, info: Info[Context, None]) -> Customer | None:
        """Assigning a group gives no access to the profile."""
        return await load_payload_customer(info, self.customer_id) if self.customer_id else None


@strawberry.type
class CustomerGroupMutations:
    """The mutation that assigns a group."""

    @mutation(
        allow=back_office(Scope.GROUPS_WRITE),
        description="Put a customer into a group, or take it out. Private markets follow at its next request.",
    )
    async def assign_customer_group(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[AssignCustomerGroupInput, strawberry.argument(description="Customer and group.")],
    ) -> AssignCustomerGroupPayload:
        """The foreign key rejects a group that is deleted concurrently; the second run does not find it."""
        customer_id = ids.decode("Customer", input.customer_id, "customerId")
        if input.group_id is None:
            raise Required("Name a group, or null for none.", field=("groupId",))
        global_id = input.group_id.value
        group_id = ids.decode(GROUP, global_id, "groupId") if global_id is not None else None
        organization_id = context.organization.id
        if group_id and not await groups.exists(session, organization_id=organization_id, group_id=group_id):
            raise NotFound("There is no group with this id.", field=("groupId",))
        if not await lock_customer(session, organization_id=organization_id, customer_id=customer_id):
            raise NotFound("There is no customer with this id.", field=("customerId",))
        if await repository.assign_group(session, customer_id=customer_id, group_id=group_id):
            record(
                session,
                context.origin,
                Action.GROUP_ASSIGNED,
                customer_id=customer_id,
                object_id=group_id,
                fields=["group"],
            )
        return AssignCustomerGroupPayload(customer_id=customer_id)
