"""GraphQL mutations of orders; the payloads show the customer after the change."""

from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Info

from app.customers import customer_orders
from app.customers.api import Customer
from app.customers.orders import api as orders
from app.customers.orders import inputs
from app.customers.orders.api import Order, OrderBy
from app.customers.orders.inputs import RecordOrderInput, UpdateOrderInput
from app.customers.orders.records import OrderRow, OrderStatus
from app.customers.payload_customers import DESCRIPTION, load_payload_customer
from app.platform.graphql import ids
from app.platform.graphql.access import Access, back_office
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation
from app.platform.graphql.user_errors import UserError, as_user_errors
from app.platform.principal import Scope
from app.platform.validation import Validation
from app.platform.values import EmailAddress

ALLOWED: Access = back_office(Scope.ORDERS_WRITE)

OrderArgument = Annotated[OrderBy, strawberry.argument(description="Which order.")]


@strawberry.type(description="An order that was written.")
class OrderPayload(Payload):
    """The shared fields of the payloads of orders."""

    order: Order | None = strawberry.field(description="The order as it is now.", default=None)
    customer_id: strawberry.Private[UUID | None] = None

    @strawberry.field(description=f"Null for a guest's order that is not attached yet. {DESCRIPTION}")
    async def customer(self, info: Info[Context, None]) -> Customer | None:
        """Writing an order gives no access to the profile."""
        return await load_payload_customer(info, self.customer_id) if self.customer_id else None


@strawberry.type(description="An order that was written with its addresses.")
class CheckedOrderPayload(OrderPayload):
    """The shared fields of the payloads of recording and updating."""

    warnings: list[UserError] = strawberry.field(
        default_factory=list, description="Where an address breaks rules of its country; it was written all the same."
    )


@strawberry.type(description="The order that was recorded, now or by an earlier call.")
class RecordOrderPayload(CheckedOrderPayload):
    """Payload of `recordOrder`."""

    created: bool = strawberry.field(
        description="False when the same order was recorded before, or it was refused.", default=False
    )


@strawberry.type(description="The changed order.")
class UpdateOrderPayload(CheckedOrderPayload):
    """Payload of `updateOrder`."""


@strawberry.type(description="The cancelled order.")
class CancelOrderPayload(OrderPayload):
    """Payload of `cancelOrder`."""


@strawberry.type
class CustomerOrderMutations:
    """Mutations of orders, for the shop."""

    @mutation(
        allow=ALLOWED,
        description="Record an order, once by its number: the same number and content again answers the same order, "
        "another content is a `CONFLICT`.",
    )
    async def record_order(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RecordOrderInput, strawberry.argument(description="The order.")],
    ) -> RecordOrderPayload:
        """The customer's number of orders and status change in the same transaction."""
        validation = Validation()
        number, contents = inputs.parse_order(validation, input)
        inputs.check_buyer(validation, input)
        email = validation.optional("email", EmailAddress.parse, input.email)
        validation.raise_errors()
        recorded = await customer_orders.record_order(
            session,
            context.store.vault,
            context.origin,
            buyer=email or ids.decode("Customer", input.customer_id or "", "customerId"),
            number=number,
            contents=contents,
        )
        return RecordOrderPayload(
            created=recorded.created, warnings=as_user_errors(contents.warnings), **_payload_fields(recorded.order)
        )

    @mutation(allow=ALLOWED, description="Change an order, in part: a field left away stays.")
    async def update_order(
        self,
        context: Context,
        session: AsyncSession,
        by: OrderArgument,
        input: Annotated[UpdateOrderInput, strawberry.argument(description="What to change.")],
    ) -> UpdateOrderPayload:
        """When anything changed: the next version and one audit row; else nothing."""
        validation = Validation()
        changes, warnings = inputs.parse_changes(validation, input)
        validation.raise_errors()
        row = await customer_orders.change_order(
            session,
            context.store.vault,
            context.origin,
            by=orders.parse_order_by(by),
            changes=changes,
            expected_version=input.expected_version,
        )
        return UpdateOrderPayload(warnings=as_user_errors(warnings), **_payload_fields(row))

    @mutation(allow=ALLOWED, description="Cancel an order: it counts no longer. Cancelling it again changes nothing.")
    async def cancel_order(self, context: Context, session: AsyncSession, by: OrderArgument) -> CancelOrderPayload:
        """A cancelled order no longer counts for the customer's status."""
        row = await customer_orders.change_order(
            session,
            context.store.vault,
            context.origin,
            by=orders.parse_order_by(by),
            changes={"status": OrderStatus.CANCELLED},
        )
        return CancelOrderPayload(**_payload_fields(row))


def _payload_fields(row: OrderRow) -> dict[str, Any]:
    return {"order": orders.to_order(row), "customer_id": row.customer_id}
