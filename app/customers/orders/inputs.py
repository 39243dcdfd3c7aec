"""GraphQL inputs of orders, and their conversion."""

from dataclasses import fields
from typing import Any

import strawberry

from app.customers.orders import contents
from app.customers.orders.contents import OrderContents
from app.customers.orders.records import AddressCopies, AddressCopy, OrderStatus
from app.platform.errors import AppError, Invalid, Required
from app.platform.graphql.scalars import DateTime
from app.platform.validation import Validation

TOTAL = "What is to be paid, everything included."
ITEM_COUNT = "How many pieces were ordered, from 0 to 1,000,000."
PLACED_AT = "When the order was placed: from 1900 on, and at most a day ahead of now."
SHIPPING = "Where it is delivered. The order keeps its own copy; what its country's rules object to is a warning only."
BILLING = "Where the invoice goes. The order keeps its own copy."


@strawberry.input(description="An amount of money.")
class MoneyInput:
    """Decimal text, never a floating-point number."""

    amount: str = strawberry.field(description="Decimal text with at most the decimals of the currency: `49.90`.")
    currency_code: str = strawberry.field(description="ISO 4217 code, such as `CHF`.")


@strawberry.input(description="An address as it stands on an order.")
class OrderAddressInput:
    """The fields of `AddressCopy`."""

    country: str = strawberry.field(description="ISO 3166-1 alpha-2 code, such as `CH`.")
    first_name: str | None = strawberry.field(description="At most 255 characters.", default=None)
    last_name: str | None = strawberry.field(description="At most 255 characters.", default=None)
    company: str | None = strawberry.field(description="At most 255 characters.", default=None)
    line1: str | None = strawberry.field(description="Street and number, at most 255 characters.", default=None)
    line2: str | None = strawberry.field(description="At most 255 characters.", default=None)
    city: str | None = strawberry.field(description="At most 255 characters.", default=None)
    postal_code: str | None = strawberry.field(
        description="At most 32 characters; stored as the post of the country writes it: `SW1A 2AA`, `1012 JL`.",
        default=None,
    )
    zone: str | None = strawberry.field(
        description="Code of a zone of the country or its name, or free text.", default=None
    )
    phone: str | None = strawberry.field(
        description="At most 32 characters; stored in E.164 form where it is a telephone number.", default=None
    )


@strawberry.input(description="An order that was placed in the shop. It names a customer, or a guest by email.")
class RecordOrderInput:
    """Input of `recordOrder`."""

    customer_id: strawberry.ID | None = strawberry.field(description="Whose order it is.", default=None)
    email: str | None = strawberry.field(
        description="A guest's address instead: the order is nobody's until somebody has proven to own the address.",
        default=None,
    )
    number: str = strawberry.field(
        description="The shop's own number, at most 64 characters, unique in the organization."
    )
    status: OrderStatus = strawberry.field(description="Where the order stands.", default=OrderStatus.PLACED)
    placed_at: DateTime | None = strawberry.field(description=f"{PLACED_AT} Left away: now.", default=None)
    total: MoneyInput = strawberry.field(description=TOTAL)
    item_count: int = strawberry.field(description=ITEM_COUNT)
    shipping_address: OrderAddressInput | None = strawberry.field(description=SHIPPING, default=None)
    billing_address: OrderAddressInput | None = strawberry.field(description=BILLING, default=None)


@strawberry.input(description="What to change of an order: a field left away stays, an explicit null clears it.")
class UpdateOrderInput:
    """Input of `updateOrder`; the owner of an order cannot be changed."""

    expected_version: int | None = strawberry.field(
        description="Refuse the change with `CONFLICT` unless the order still has this `version`.", default=None
    )
    status: strawberry.Maybe[OrderStatus | None] = strawberry.field(
        description="From `PENDING` on to `PLACED` and `FULFILLED`, never back; to `CANCELLED`, which is final.",
        default=None,
    )
    placed_at: strawberry.Maybe[DateTime | None] = strawberry.field(description=PLACED_AT, default=None)
    total: strawberry.Maybe[MoneyInput | None] = strawberry.field(description=TOTAL, default=None)
    item_count: strawberry.Maybe[int | None] = strawberry.field(description=ITEM_COUNT, default=None)
    shipping_address: strawberry.Maybe[OrderAddressInput | None] = strawberry.field(description=SHIPPING, default=None)
    billing_address: strawberry.Maybe[OrderAddressInput | None] = strawberry.field(description=BILLING, default=None)


def parse_order(validation: Validation, given: RecordOrderInput) -> tuple[str, OrderContents]:
    """The number and contents of a new order; use them only after `validation.raise_errors()`."""
    warnings: list[AppError] = []
    number = validation.require("number", contents.parse_number, given.number)
    total = contents.parse_total(validation, "total", given.total.amount, given.total.currency_code)
    placed_at = validation.optional("placedAt", contents.parse_placed_at, given.placed_at)
    item_count = validation.check("itemCount", contents.parse_item_count, given.item_count)
    copies = AddressCopies(
        shipping=_address(validation, "shippingAddress", given.shipping_address, warnings),
        billing=_address(validation, "billingAddress", given.billing_address, warnings),
    )
    return number, OrderContents(given.status, placed_at, total, item_count, copies, warnings)


def parse_changes(validation: Validation, given: UpdateOrderInput) -> tuple[dict[str, Any], list[AppError]]:
    """The changes, and warnings about the addresses; use them only after `validation.raise_errors()`."""
    warnings: list[AppError] = []
    found: dict[str, Any] = {}
    if given.status is not None:
        found["status"] = validation.require("status", OrderStatus, given.status.value)
    if given.placed_at is not None:
        found["placed_at"] = validation.require("placedAt", contents.parse_placed_at, given.placed_at.value)
    if given.item_count is not None:
        found["item_count"] = validation.require("itemCount", contents.parse_item_count, given.item_count.value)
    if given.total is not None:
        found["total"] = validation.require("total", lambda raw: raw, given.total.value)
        if given.total.value is not None:
            money = given.total.value
            found["total"] = contents.parse_total(validation, "total", money.amount, money.currency_code)
    for name, api_name in (("shipping_address", "shippingAddress"), ("billing_address", "billingAddress")):
        maybe = getattr(given, name)
        if maybe is not None:
            found[name] = _address(validation, api_name, maybe.value, warnings)
    return found, warnings


def _address(
    validation: Validation, name: str, given: OrderAddressInput | None, warnings: list[AppError]
) -> AddressCopy | None:
    if given is None:
        return None
    typed = AddressCopy(**{field.name: getattr(given, field.name) for field in fields(AddressCopy)})
    return contents.check_address(validation, name, typed, warnings)


def check_buyer(validation: Validation, given: RecordOrderInput) -> None:
    """Require either a customer or the email address of a guest, not both."""
    if not given.customer_id and not given.email:
        validation.add(Required("Name a customer, or the email address of a guest."), "customerId")
    elif given.customer_id and given.email:
        validation.add(Invalid("Name the customer or an email address, not both."), "email")
