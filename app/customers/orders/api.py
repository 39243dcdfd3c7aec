"""GraphQL types and the query of orders."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from app.customers.orders import repository
from app.customers.orders.contents import parse_number, postal_address
from app.customers.orders.records import AddressCopies, AddressCopy, OrderRow, OrderStatus, open_copies
from app.customers.orders.repository import CountLoader, OrderFilter, PageLoader
from app.platform.audit.log import Action, record
from app.platform.errors import AppError
from app.platform.geography.api import Country, Zone, graphql_country, graphql_zone
from app.platform.geography.formatting import format_address
from app.platform.graphql import ids
from app.platform.graphql.access import CUSTOMER, back_office
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.fields import query
from app.platform.graphql.ids import Node
from app.platform.graphql.pagination import Connection, connection, page_request
from app.platform.money import Money as Amount
from app.platform.principal import Scope

KIND = "Order"
ORDERS = "orders"

describe(
    OrderStatus,
    "Where an order stands.",
    PENDING="Not placed yet, such as one that waits for its payment; does not count for the customer's status.",
    PLACED="Placed; counts for the customer's status.",
    FULFILLED="Delivered; counts for the customer's status.",
    CANCELLED="Cancelled, for good; does not count for the customer's status.",
)


@strawberry.type(description="An amount of money.")
class Money:
    """Decimal text, never a floating-point number."""

    amount: str = strawberry.field(description="Decimal text with all decimals of the currency, such as `49.90`.")
    currency_code: str = strawberry.field(description="ISO 4217 code, such as `CHF`.")


def to_money(source: Amount) -> Money:
    """The GraphQL object of an amount."""
    return Money(amount=source.amount, currency_code=source.currency_code)


@strawberry.type(description="An address as it was when the order was placed; later changes do not touch it.")
class OrderAddress:
    """Plain values of the address copy."""

    first_name: str | None = strawberry.field(description="Given name of who is addressed.")
    last_name: str | None = strawberry.field(description="Family name of who is addressed.")
    company: str | None = strawberry.field(description="Company that is addressed.")
    line1: str | None = strawberry.field(description="Street and number.")
    line2: str | None = strawberry.field(description="What else the street needs.")
    city: str | None = strawberry.field(description="City, town or suburb.")
    postal_code: str | None = strawberry.field(description="Postal code as the post of the country writes it.")
    zone: Zone | None = strawberry.field(
        description="State, province, canton … named like the country; as typed where the country has no such zone."
    )
    country: Country = strawberry.field(
        description="The country, named in the customer's own `locale`; in English where none is set, and for others."
    )
    phone: str | None = strawberry.field(description="Telephone number in E.164 form, or as typed if it has none.")
    source: strawberry.Private[AddressCopy]

    @strawberry.field(
        description="The lines for an envelope in the country's own order, the country last and in English; without it "
        "for an address in the shop's own `defaultCountry`."
    )
    def formatted(self, info: Info[Context, None]) -> list[str]:
        """The lines as the country's postal service wants them."""
        sent_from = info.context.organization.settings.default_country
        return format_address(postal_address(self.country.source, self.source), sent_from=sent_from)


def _address(copy: AddressCopy | None, locale: str | None) -> OrderAddress | None:
    if copy is None:
        return None
    return OrderAddress(
        first_name=copy.first_name,
        last_name=copy.last_name,
        company=copy.company,
        line1=copy.line1,
        line2=copy.line2,
        city=copy.city,
        postal_code=copy.postal_code,
        zone=graphql_zone(copy.country, copy.zone, locale),
        country=graphql_country(copy.country, locale),
        phone=copy.phone,
        source=copy,
    )


@strawberry.type(description="An order that was placed in the shop, as the shop recorded it here.")
class Order(Node):
    """Plain values of the row; the address copies are decrypted on request."""

    number: str = strawberry.field(description="The shop's own number, unique in the organization.")
    status: OrderStatus = strawberry.field(description="Where the order stands.")
    placed_at: datetime = strawberry.field(description="When the order was placed.")
    cancelled_at: datetime | None = strawberry.field(description="When it was cancelled, if it was.")
    total: Money = strawberry.field(description="What was to be paid, everything included.")
    item_count: int = strawberry.field(description="How many pieces were ordered.")
    country_code: str | None = strawberry.field(
        description="ISO 3166-1 code of where it went, or was billed; stays when the customer is anonymized."
    )
    version: int = strawberry.field(description="Grows with every change; send it back as `expectedVersion`.")
    created_at: datetime = strawberry.field(description="When the order was recorded here.")
    updated_at: datetime = strawberry.field(description="When it was changed here last.")
    row: strawberry.Private[OrderRow]

    @strawberry.field(description="Where it was delivered; null when unknown, or the customer was anonymized.")
    async def shipping_address(self, info: Info[Context, None]) -> OrderAddress | None:
        """Decrypted with the key of `OrderRow.key_owner_id`."""
        return _address((await _copies(info.context, self.row)).shipping, info.context.principal.locale)

    @strawberry.field(description="Where the invoice went; null when unknown, or the customer was anonymized.")
    async def billing_address(self, info: Info[Context, None]) -> OrderAddress | None:
        """Decrypted with the key of `OrderRow.key_owner_id`."""
        return _address((await _copies(info.context, self.row)).billing, info.context.principal.locale)


async def _copies(context: Context, row: OrderRow) -> AddressCopies:
    ciphers = await context.store.vault.ciphers([row.key_owner_id]) if row.sealed else {}
    return open_copies(row, ciphers.get(row.key_owner_id))


def to_order(row: OrderRow) -> Order:
    """The GraphQL object of a row."""
    return Order(
        id=ids.encode(KIND, row.id),
        number=row.number,
        status=OrderStatus(row.status),
        placed_at=row.placed_at,
        cancelled_at=row.cancelled_at,
        total=to_money(row.total),
        item_count=row.item_count,
        country_code=row.country_code,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        row=row,
    )


async def orders_of(
    context: Context, customer_id: UUID, order_filter: OrderFilter, *, first: int, after: str | None
) -> Connection[Order]:
    """A page of a customer's orders, newest first; the caller checks the access."""
    page = page_request(context, ORDERS, first, after)
    rows = await context.load(PageLoader(order_filter, page.size + 1, _position(page.after)), customer_id)
    found = [((row.placed_at.isoformat(), row.id.hex), to_order(row)) for row in rows]
    return connection(context, ORDERS, page, found, lambda: context.load(CountLoader(order_filter), customer_id))


def _position(after: tuple[Any, ...] | None) -> tuple[datetime, UUID] | None:
    return (datetime.fromisoformat(after[0]), UUID(hex=after[1])) if after else None


@strawberry.input(one_of=True, description="Names one order in exactly one way.")
class OrderBy:
    """Exactly one of the fields is given (@oneOf)."""

    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The global id.", default=None)
    number: strawberry.Maybe[str] = strawberry.field(description="The shop's own number.", default=None)


def parse_order_by(by: OrderBy) -> dict[str, Any]:
    """The argument `order_id` or `number` of a read; raise `NotFound` or another error of `by` when malformed."""
    if by.id is not None:
        return {"order_id": ids.decode(KIND, by.id.value, "by")}
    assert by.number is not None  # noqa: S101 - one of the two, by @oneOf
    try:
        return {"number": parse_number(by.number.value)}
    except AppError as error:
        raise error.with_field("by") from None


@strawberry.type
class OrderQueries:
    """Query of a single order."""

    @query(
        allow=[CUSTOMER, *back_office(Scope.CUSTOMERS_READ), *back_office(Scope.ORDERS_WRITE)],
        description="One order; null when there is none or, for a customer, when it is somebody else's. "
        "What the back office reads is recorded in the audit log.",
    )
    async def order(
        self, context: Context, by: Annotated[OrderBy, strawberry.argument(description="Which order.")]
    ) -> Order | None:
        """A malformed id or number is answered like an unknown one."""
        row = await _find(context, by)
        if row is None or context.principal.customer_id is not None:
            return to_order(row) if row else None
        async with context.store.database.transaction() as session:
            record(session, context.origin, Action.ORDER_READ, customer_id=row.customer_id, object_id=row.id)
        return to_order(row)


async def _find(context: Context, by: OrderBy) -> OrderRow | None:
    try:
        name = parse_order_by(by)
    except AppError:
        return None
    find = repository.by_id if "order_id" in name else repository.by_number
    own = context.principal.customer_id
    return await find(context.store, organization_id=context.organization.id, customer_id=own, **name)
