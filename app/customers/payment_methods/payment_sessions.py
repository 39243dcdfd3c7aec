"""Opens the gateway's own form for a customer, so that card data never passes through Patron."""

from uuid import UUID

from app.customers.payment_methods.gateway_customers import get_or_create_gateway_customer
from app.customers.payment_methods.gateways.interface import Gateways, SetupSession
from app.platform.db.columns import new_id
from app.platform.vault.vault import Store


async def open_payment_session(
    store: Store, gateways: Gateways, *, organization_id: UUID, customer_id: UUID
) -> SetupSession:
    """Open a form for this customer; adding a payment method with the session's id saves what was typed into it.

    Nothing is stored here. Raise `NotFound` of `customerId`, `GatewayDeclined`, `GatewayUnavailable`.
    """
    gateway = gateways.default
    gateway_customer = await get_or_create_gateway_customer(
        store, gateway, organization_id=organization_id, customer_id=customer_id
    )
    return await gateway.create_setup_session(gateway_customer=gateway_customer, idempotency_key=new_id().hex)
