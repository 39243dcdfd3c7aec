"""GraphQL types, queries and mutations of markets."""

from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Info

from app.customers import repository as customers
from app.customers.groups.api import KIND as GROUP
from app.customers.groups.api import CustomerGroup, load_group
from app.customers.markets import editing, repository
from app.customers.markets.repository import MarketRow
from app.platform.audit.log import Action, record
from app.platform.graphql import ids
from app.platform.graphql.access import ANYBODY, Access, admits, authorize, back_office
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation, query
from app.platform.graphql.ids import Node
from app.platform.principal import Scope

KIND = "Market"
WRITERS: Access = back_office(Scope.GROUPS_WRITE)
PRIVATE_MARKET_READERS: Access = [*back_office(Scope.CUSTOMERS_READ), *back_office(Scope.GROUPS_WRITE)]
CODE = "At most 25 letters, digits, `_` and `-`; unique in the organization."
NAME = "What it is called, at most 255 characters."
CURRENCY = "ISO 4217 code of the currency its prices are in, such as `CHF`."
GROUP_ID = "Makes it private to the customers of this group; null makes it public."


@strawberry.type(description="Where the shop sells: public, or private to the customers of one group.")
class Market(Node):
    """Plain values of the row."""

    code: str = strawberry.field(description="Unique in the organization: letters, digits, `_` and `-`.")
    name: str = strawberry.field(description="What the market is called.")
    currency_code: str = strawberry.field(description="ISO 4217 code of the currency its prices are in.")
    is_private: bool = strawberry.field(description="Whether only the customers of one group know of it.")
    row: strawberry.Private[MarketRow]

    @strawberry.field(description="The group it is private to; null when it is public.")
    async def group(self, info: Info[Context, None]) -> CustomerGroup | None:
        """Loaded with a data loader, once for a list."""
        return await load_group(info.context, self.row.group_id) if self.row.group_id else None


def to_market(row: MarketRow) -> Market:
    """The GraphQL object of a row."""
    return Market(
        id=ids.encode(KIND, row.id),
        code=row.code,
        name=row.name,
        currency_code=row.currency_code,
        is_private=row.group_id is not None,
        row=row,
    )


@strawberry.input(description="A new market.")
class CreateMarketInput:
    """Input of `createMarket`."""

    code: str = strawberry.field(description=CODE)
    name: str = strawberry.field(description=NAME)
    currency_code: str = strawberry.field(description=CURRENCY)
    group_id: strawberry.ID | None = strawberry.field(description=GROUP_ID, default=None)


@strawberry.input(description="What to change of a market: a field left away stays.")
class UpdateMarketInput:
    """Absent fields stay; only the group can be cleared."""

    code: strawberry.Maybe[str | None] = strawberry.field(description=CODE, default=None)
    name: strawberry.Maybe[str | None] = strawberry.field(description=NAME, default=None)
    currency_code: strawberry.Maybe[str | None] = strawberry.field(description=CURRENCY, default=None)
    group_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(description=GROUP_ID, default=None)


@strawberry.type(description="The new market.")
class CreateMarketPayload(Payload):
    """Payload of `createMarket`."""

    market: Market | None = strawberry.field(description="The market.", default=None)


@strawberry.type(description="The changed market.")
class UpdateMarketPayload(Payload):
    """Payload of `updateMarket`."""

    market: Market | None = strawberry.field(description="The market as it is now.", default=None)


@strawberry.type(description="What was deleted.")
class DeleteMarketPayload(Payload):
    """Payload of `deleteMarket`."""

    deleted_market_id: strawberry.ID | None = strawberry.field(description="The id that is no more.", default=None)


async def _visible_markets(context: Context, *, include_private: bool) -> list[MarketRow]:
    if include_private:
        authorize(context.principal, PRIVATE_MARKET_READERS)
    rows = await repository.by_organization(context.store, organization_id=context.organization.id)
    if include_private:
        return rows
    # The customer was read with the login session: a change of the group applies from the next request on.
    customer_id = context.principal.customer_id
    customer = await context.load(customers.by_ids, customer_id) if customer_id else None
    group_id = customer.row.group_id if customer else None
    return [row for row in rows if row.visible_to(group_id)]


async def load_visible_market(context: Context, market_id: UUID) -> Market | None:
    """The market with this id, if it is visible to the caller.

    | Caller                                 | Public | Private to the caller's group | Private to another group |
    | -------------------------------------- | ------ | ----------------------------- | ------------------------ |
    | back office (`PRIVATE_MARKET_READERS`) | yes    | yes                           | yes                      |
    | customer in a group                    | yes    | yes                           | no                       |
    | anybody else                           | yes    | no                            | no                       |
    """
    rows = await _visible_markets(context, include_private=admits(context.principal, PRIVATE_MARKET_READERS))
    return next((to_market(row) for row in rows if row.id == market_id), None)


IncludePrivate = Annotated[
    bool,
    strawberry.argument(
        description="For the back office with `customers:read` or `groups:write`: those of all groups too."
    ),
]


@strawberry.type
class MarketQueries:
    """Queries of markets: public ones for anybody, private ones by group."""

    @query(
        allow=ANYBODY,
        about_caller=True,
        description="The public markets and those of the caller's group in the order of their codes, at most 1,000.",
    )
    async def markets(self, context: Context, include_private: IncludePrivate = False) -> list[Market]:  # noqa: FBT002 - always passed by keyword
        """At most 1,000, so there is no pagination."""
        return [to_market(row) for row in await _visible_markets(context, include_private=include_private)]

    @query(
        allow=ANYBODY,
        about_caller=True,
        description="One market; null when there is none, or it is private to another group.",
    )
    async def market(
        self,
        context: Context,
        code: Annotated[str, strawberry.argument(description="Code of the market, as typed.")],
        include_private: IncludePrivate = False,  # noqa: FBT002 - always passed by keyword
    ) -> Market | None:
        """A private market is answered like an unknown one."""
        rows = await _visible_markets(context, include_private=include_private)
        return next((to_market(row) for row in rows if row.code == code), None)


@strawberry.type
class MarketMutations:
    """Mutations of markets."""

    @mutation(allow=WRITERS, description="Make a market.")
    async def create_market(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[CreateMarketInput, strawberry.argument(description="The market.")],
    ) -> CreateMarketPayload:
        """The unique index decides whether the code is free."""
        names = ("code", "name", "currency_code")
        input_values = {**{name: getattr(input, name) for name in names}, "group_id": _group_id(input.group_id)}
        row = await editing.create(session, organization_id=context.organization.id, input_values=input_values)
        record(session, context.origin, Action.MARKET_CREATED, object_id=row.id)
        return CreateMarketPayload(market=to_market(row))

    @mutation(allow=WRITERS, description="Change a market, in part: a field left away stays.")
    async def update_market(
        self,
        context: Context,
        session: AsyncSession,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id of the market.")],
        input: Annotated[UpdateMarketInput, strawberry.argument(description="What to change.")],
    ) -> UpdateMarketPayload:
        """One audit row when anything changed."""
        maybe: dict[str, Any] = {name: getattr(input, name) for name in ("code", "name", "currency_code", "group_id")}
        input_values = {name: value.value for name, value in maybe.items() if value is not None}
        if "group_id" in input_values:
            input_values["group_id"] = _group_id(input_values["group_id"])
        row, changed = await editing.update(
            session, organization_id=context.organization.id, market_id=ids.decode(KIND, id), input_values=input_values
        )
        if changed:
            record(session, context.origin, Action.MARKET_UPDATED, object_id=row.id, fields=changed)
        return UpdateMarketPayload(market=to_market(row))

    @mutation(allow=WRITERS, description="Delete a market. Nothing else is deleted with it.")
    async def delete_market(
        self,
        context: Context,
        session: AsyncSession,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id of the market.")],
    ) -> DeleteMarketPayload:
        """No other rows refer to markets."""
        market_id = ids.decode(KIND, id)
        await editing.delete(session, organization_id=context.organization.id, market_id=market_id)
        record(session, context.origin, Action.MARKET_DELETED, object_id=market_id)
        return DeleteMarketPayload(deleted_market_id=ids.encode(KIND, market_id))


def _group_id(global_id: str | None) -> UUID | None:
    # A blank id is invalid: only null may make a market public.
    return ids.decode(GROUP, global_id, "groupId") if global_id is not None else None
