"""GraphQL types of payment methods; their mutations are in `payment_methods_api`."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry

from app.customers.payment_methods import repository
from app.customers.payment_methods.records import PaymentMethodRecord
from app.platform.clock import now
from app.platform.graphql import ids
from app.platform.graphql.access import CUSTOMER, back_office
from app.platform.graphql.context import Context
from app.platform.graphql.ids import Node
from app.platform.principal import Scope

KIND = "PaymentMethod"
ALLOWED = [CUSTOMER, *back_office(Scope.CUSTOMERS_WRITE)]
CUSTOMER_ID = "whose it is, required; a customer's own is taken without."

PaymentMethodId = Annotated[strawberry.ID, strawberry.argument(description="The global id of the payment method.")]


@strawberry.enum(description="What kind of thing a customer pays with.")
class PaymentMethodType(Enum):
    """The GraphQL enum of `gateways.interface.PaymentMethodType`, with descriptions."""

    CARD = strawberry.enum_value("CARD", description="A credit, debit or prepaid card.")
    BANK_ACCOUNT = strawberry.enum_value("BANK_ACCOUNT", description="A bank account that is debited.")
    WALLET = strawberry.enum_value("WALLET", description="An account with a wallet service.")
    OTHER = strawberry.enum_value("OTHER", description="Anything else the gateway offers.")


@strawberry.type(description="A saved payment method: enough to be recognised by its owner, never to pay with.")
class PaymentMethod(Node):
    """Plain values; the gateway's token is not exposed."""

    type: PaymentMethodType = strawberry.field(description="What kind of payment method it is.")
    gateway: str = strawberry.field(description="The payment gateway that keeps it, such as `stripe`.")
    brand: str | None = strawberry.field(description="Brand in the gateway's words, such as `visa`.")
    last4: str | None = strawberry.field(description="The last digits, by which the owner recognises it.")
    expiry_month: int | None = strawberry.field(description="Month it is valid until the end of, 1 to 12.")
    expiry_year: int | None = strawberry.field(description="Year of the expiry, four digits.")
    funding: str | None = strawberry.field(description="`credit`, `debit`, `prepaid` or `unknown`, for cards.")
    country: str | None = strawberry.field(description="Country of the bank, ISO 3166-1 alpha-2.")
    expires_soon: bool = strawberry.field(description="Whether it has expired, or will within the next 30 days.")
    is_default: bool = strawberry.field(description="Whether it is used unless said otherwise; exactly one is.")
    created_at: datetime = strawberry.field(description="When it was added.")


def to_payment_method(method: PaymentMethodRecord) -> PaymentMethod:
    """The GraphQL object of a record."""
    row, details = method.row, method.details
    return PaymentMethod(
        id=ids.encode_owned(KIND, owner_id=row.customer_id, row_id=row.id),
        type=PaymentMethodType[row.type],
        gateway=row.gateway,
        brand=details.brand,
        last4=details.last4,
        expiry_month=details.expiry_month,
        expiry_year=details.expiry_year,
        funding=details.funding,
        country=details.country,
        expires_soon=details.expires_soon(now().date()),
        is_default=row.is_default,
        created_at=row.created_at,
    )


async def payment_methods_of(context: Context, customer_id: UUID) -> list[PaymentMethod]:
    """All payment methods of a customer, oldest first; the caller checks the access."""
    return [to_payment_method(method) for method in await context.load(repository.of_customers, customer_id)]
