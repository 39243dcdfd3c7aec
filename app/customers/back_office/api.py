"""GraphQL queries `customer` and `customers`, and the mutation `upsertCustomer`."""

from dataclasses import fields
from typing import Annotated
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import repository
from app.customers.api import Customer, to_customer
from app.customers.back_office import listing, upserting
from app.customers.back_office.conditions import CustomerConditions
from app.customers.back_office.where.api import ConditionBuilder, CustomerSort, CustomerWhere, parse_sort
from app.customers.fields import repository as extra_fields
from app.customers.identifiers import IdentifierKind
from app.customers.inputs import AttributeInput, CustomerBy, ProfileInput, attribute_pairs, provided_fields
from app.customers.newsletter import UnsubscribeLinks, send_newsletter_welcome
from app.platform.audit.log import Action, record
from app.platform.errors import AppError
from app.platform.graphql import ids
from app.platform.graphql.access import authorize, back_office
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation, query
from app.platform.graphql.pagination import COUNT_LIMIT, Connection, connection, page_request
from app.platform.principal import Scope
from app.platform.values import EmailAddress, LoginName


@strawberry.type
class BackOfficeQueries:
    """Queries of customers; each is recorded in the audit log."""

    @query(
        allow=back_office(Scope.CUSTOMERS_READ),
        description="One customer, by exactly one of its names, or null. The read is recorded in the audit log.",
    )
    async def customer(
        self,
        context: Context,
        by: Annotated[CustomerBy, strawberry.argument(description="Which customer.")],
    ) -> Customer | None:
        """A malformed name is answered like an unknown one."""
        try:
            customer_id = await _find_customer_id(context, by)
        except AppError:
            return None
        found = await context.load(repository.by_ids, customer_id) if customer_id else None
        if found is None:
            return None
        async with context.store.database.transaction() as session:
            record(session, context.origin, Action.CUSTOMER_READ, customer_id=found.row.id)
        return to_customer(found)

    @query(
        allow=back_office(Scope.CUSTOMERS_READ),
        description="Customers, newest first unless sorted otherwise. Each list that is read is recorded once in the "
        "audit log. Deleted customers are not in it; anonymized ones are, without anything personal.",
    )
    async def customers(
        self,
        context: Context,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 100.")] = 20,
        after: Annotated[str | None, strawberry.argument(description="The cursor of the last one seen.")] = None,
        where: Annotated[CustomerWhere | None, strawberry.argument(description="Which; all without it.")] = None,
        sort_by: Annotated[CustomerSort | None, strawberry.argument(description="In which order.")] = None,
    ) -> Connection[Customer]:
        """Keyset pagination: every page costs the same."""
        sort, builder = (
            parse_sort(sort_by),
            ConditionBuilder(CustomerConditions(context.store.vault, context.organization.id)),
        )
        page = page_request(context, sort.name, first, after)
        condition, organization_id = builder.build(where), context.organization.id
        found = await listing.page(
            context.store,
            organization_id=organization_id,
            condition=condition,
            sort=sort,
            size=page.size,
            after=page.after,
        )
        async with context.store.database.transaction() as session:
            record(session, context.origin, Action.CUSTOMERS_LISTED, fields=builder.names)
        for _, one in found:
            context.prime(repository.by_ids, one.row.id, one)
        return connection(
            context,
            sort.name,
            page,
            [(position, to_customer(one)) for position, one in found],
            lambda: listing.count(
                context.store, organization_id=organization_id, condition=condition, limit=COUNT_LIMIT
            ),
        )


async def _find_customer_id(context: Context, by: CustomerBy) -> UUID | None:
    organization_id = context.organization.id
    if by.id is not None:
        return ids.decode("Customer", by.id.value)
    if by.email is not None:
        kind, canonical = IdentifierKind.EMAIL, EmailAddress.parse(by.email.value).canonical
    elif by.login_name is not None:
        kind, canonical = IdentifierKind.LOGIN_NAME, LoginName.parse(by.login_name.value).canonical
    else:
        assert by.shopper_reference is not None  # noqa: S101 - one of the four, by @oneOf
        return await repository.id_by_shopper_reference(
            context.store, organization_id=organization_id, reference=by.shopper_reference.value
        )
    return await repository.id_by_identifier(
        context.store, organization_id=organization_id, kind=kind, canonical=canonical
    )


@strawberry.input(
    description="A customer to create or update: a field left away stays, an explicit null clears it. The id names the "
    "customer, or else the email does; one of the two must be given."
)
class UpsertCustomerInput(ProfileInput):
    """The profile fields, for integrations."""

    id: strawberry.ID | None = strawberry.field(
        description="The customer to update; with it, `email` is its new address, as in `updateCustomer`.", default=None
    )
    email: strawberry.Maybe[str | None] = strawberry.field(
        description="Without `id`: the customer with this address is updated, or created as a guest.", default=None
    )
    attributes: strawberry.Maybe[list[AttributeInput] | None] = strawberry.field(
        description="Answers to extra fields; those not named stay. None is required here.", default=None
    )
    group: strawberry.Maybe[str | None] = strawberry.field(
        description="The id or the code of the group to put the customer into, as in `assignCustomerGroup`; an "
        "explicit null takes it out of its group. Needs the scope `groups:write` too.",
        default=None,
    )
    expected_version: int | None = strawberry.field(
        description="Refuse to update with `CONFLICT` unless the customer still has this `version`.", default=None
    )


UPSERTABLE_FIELDS = frozenset(field.name for field in fields(UpsertCustomerInput)) - {"id", "expected_version"}


@strawberry.type(description="The created or updated customer.")
class UpsertCustomerPayload(Payload):
    """Payload of `upsertCustomer`."""

    customer: Customer | None = strawberry.field(description="The customer as it is now.", default=None)
    created: bool = strawberry.field(description="Whether it was created by this call.", default=False)


@strawberry.type
class BackOfficeMutations:
    """Mutations of the back office."""

    @mutation(
        allow=back_office(Scope.CUSTOMERS_WRITE),
        description="Create a customer, or update it where it exists, in one call. Of two calls at once with a new "
        "address one creates and the other updates.",
    )
    async def upsert_customer(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[UpsertCustomerInput, strawberry.argument(description="The customer.")],
    ) -> UpsertCustomerPayload:
        """A new customer is a guest: it has no password until it registers."""
        if input.group is not None:
            authorize(context.principal, back_office(Scope.GROUPS_WRITE))
        values, extras = provided_fields(input, UPSERTABLE_FIELDS), []
        if values.get("attributes") is not None:
            values["attributes"] = attribute_pairs(values["attributes"])
            extras = await extra_fields.by_organization(context.store, context.organization.id)
        result = await upserting.upsert(
            session,
            context.store.vault,
            organization=context.organization,
            customer_id=ids.decode("Customer", input.id, "id") if input.id else None,
            input_values=values,
            extras=extras,
            expected_version=input.expected_version,
        )
        action = Action.CUSTOMER_CREATED if result.created else Action.CUSTOMER_UPDATED
        record(session, context.origin, action, customer_id=result.customer.row.id, fields=result.names)
        if result.subscribed:
            await send_newsletter_welcome(
                session,
                context.store.vault,
                context.services.get(UnsubscribeLinks),
                organization=context.organization,
                customer=result.customer,
            )
        return UpsertCustomerPayload(customer=to_customer(result.customer), created=result.created)
