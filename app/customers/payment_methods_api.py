"""GraphQL mutations of payment methods; the payloads show the customer after the change."""

from datetime import datetime
from typing import Annotated

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.payload_customers import CustomerPayload
from app.customers.payment_methods import addition, deletion
from app.customers.payment_methods.addition import NewPaymentMethod
from app.customers.payment_methods.api import (
    ALLOWED,
    CUSTOMER_ID,
    KIND,
    PaymentMethod,
    PaymentMethodId,
    to_payment_method,
)
from app.customers.payment_methods.customer_payment_methods import lock_payment_methods_of
from app.customers.payment_methods.gateway_references import parse_gateway_reference
from app.customers.payment_methods.gateways.interface import Gateways, SetupSession
from app.customers.payment_methods.payment_sessions import open_payment_session
from app.platform.graphql import ids
from app.platform.graphql.access import BACK_OFFICE, access_directives
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, back_office_input, mutation
from app.platform.graphql.owner import owner_id


@strawberry.type(description="A form of the payment gateway, opened for one customer to type a card into.")
class PaymentSession:
    """What the gateway's script in the browser needs to show the form."""

    id: strawberry.ID = strawberry.field(description="Send it to `addPaymentMethod` as `sessionId` when completed.")
    gateway: str = strawberry.field(description="The payment gateway whose form it is, such as `stripe`.")
    publishable_key: str = strawberry.field(description="The shop's public key at the gateway.")
    client_secret: str = strawberry.field(description="Opens this one form; keep it in the customer's browser.")
    expires_at: datetime = strawberry.field(description="When the session can no longer be saved.")


def _to_payment_session(setup_session: SetupSession) -> PaymentSession:
    return PaymentSession(
        id=strawberry.ID(setup_session.id),
        gateway=setup_session.gateway,
        publishable_key=setup_session.publishable_key,
        client_secret=setup_session.client_secret,
        expires_at=setup_session.expires_at,
    )


@strawberry.input(description="For whom a payment session is opened.")
class CreatePaymentSessionInput:
    """Only integrations need it."""

    customer_id: strawberry.ID | None = back_office_input(CUSTOMER_ID)


@strawberry.input(description="A new payment method: exactly one of `token` and `sessionId`. Never a card number.")
class AddPaymentMethodInput:
    """The reference that the gateway gave to the browser."""

    token: str | None = strawberry.field(default=None, description="The token the gateway made of the card.")
    session_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of a payment session the customer has completed."
    )
    set_default: bool | None = strawberry.field(
        default=None, description="Make it the default; the first one is the default anyway."
    )
    customer_id: strawberry.ID | None = back_office_input(CUSTOMER_ID)


@strawberry.type(description="What `createPaymentSession` answers.")
class CreatePaymentSessionPayload(Payload):
    """Carries the opened session."""

    payment_session: PaymentSession | None = strawberry.field(default=None, description="The session that was opened.")


@strawberry.type(description="What `addPaymentMethod` answers.")
class AddPaymentMethodPayload(CustomerPayload):
    """Carries the saved payment method."""

    payment_method: PaymentMethod | None = strawberry.field(default=None, description="As it was saved.")


@strawberry.type(description="What `setDefaultPaymentMethod` answers.")
class SetDefaultPaymentMethodPayload(CustomerPayload):
    """Carries the new default."""

    payment_method: PaymentMethod | None = strawberry.field(default=None, description="The default from now on.")


@strawberry.type(description="What `deletePaymentMethod` answers.")
class DeletePaymentMethodPayload(CustomerPayload):
    """Carries the id of the deleted payment method."""

    deleted_payment_method_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the payment method that was deleted."
    )


@strawberry.type(description="Changes of saved payment methods.")
class PaymentMethodMutations:
    """They call the gateway before the first statement of the transaction, so no lock waits for it."""

    @mutation(
        allow=ALLOWED,
        description="Open the payment gateway's own form for a customer; the card goes to the gateway only.",
    )
    async def create_payment_session(
        self,
        context: Context,
        session: AsyncSession,  # noqa: ARG002 - nothing is written
        input: Annotated[
            CreatePaymentSessionInput | None,
            strawberry.argument(
                description="For integrations only: for whom.", directives=access_directives(BACK_OFFICE)
            ),
        ] = None,
    ) -> CreatePaymentSessionPayload:
        """Writes nothing: the gateway opens the session."""
        setup_session = await open_payment_session(
            context.store,
            context.services.get(Gateways),
            organization_id=context.organization.id,
            customer_id=owner_id(context.principal, input.customer_id if input else None),
        )
        return CreatePaymentSessionPayload(payment_session=_to_payment_session(setup_session))

    @mutation(
        allow=ALLOWED,
        description="Save a payment method the gateway knows. Asking again with the same token is harmless; "
        "each use of a sandbox token is a card of its own.",
    )
    async def add_payment_method(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[AddPaymentMethodInput, strawberry.argument(description="What to save.")],
    ) -> AddPaymentMethodPayload:
        """Anything that looks like a card number is refused before it is stored, logged or sent."""
        owner = owner_id(context.principal, input.customer_id)
        saved = await addition.add(
            session,
            context.store,
            context.services.get(Gateways),
            context.origin,
            NewPaymentMethod(
                reference=parse_gateway_reference(token=input.token, session_id=input.session_id),
                customer_id=owner,
                make_default=bool(input.set_default),
            ),
        )
        return AddPaymentMethodPayload(customer_id=owner, payment_method=to_payment_method(saved))

    @mutation(allow=ALLOWED, description="Make a payment method the default; the present one stops being it.")
    async def set_default_payment_method(
        self, context: Context, session: AsyncSession, id: PaymentMethodId
    ) -> SetDefaultPaymentMethodPayload:
        """Nothing is written when it already is the default."""
        owner, method_id = ids.decode_owned(KIND, id)
        methods = await lock_payment_methods_of(session, context.store.vault, context.origin, owner_id=owner)
        row = methods.find(method_id, "id")
        await methods.make_default(row)
        return SetDefaultPaymentMethodPayload(customer_id=owner, payment_method=to_payment_method(methods.open(row)))

    @mutation(
        allow=ALLOWED,
        description=(
            "Delete a payment method, here at once and then at the gateway. "
            "If it was the default, another one becomes it while there are any."
        ),
    )
    async def delete_payment_method(
        self,
        context: Context,
        session: AsyncSession,
        id: PaymentMethodId,
        replacement_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Which one becomes the default if the deleted one was; else the newest."),
        ] = None,
    ) -> DeletePaymentMethodPayload:
        """The reconciler detaches it at the gateway afterwards."""
        owner, method_id = ids.decode_owned(KIND, id)
        methods = await lock_payment_methods_of(session, context.store.vault, context.origin, owner_id=owner)
        replacement = ids.decode_owned(KIND, replacement_id, "replacementId").row_id if replacement_id else None
        await deletion.delete(methods, method_id, replacement_id=replacement)
        deleted = ids.encode_owned(KIND, owner_id=owner, row_id=method_id)
        return DeletePaymentMethodPayload(customer_id=owner, deleted_payment_method_id=deleted)
