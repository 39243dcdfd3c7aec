"""GraphQL types, queries and mutations of customer groups."""

from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Info

from app.customers.groups import editing, repository
from app.customers.groups.repository import GroupRow
from app.platform.audit.log import Action, record
from app.platform.graphql import ids
from app.platform.graphql.access import Access, back_office
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation, query
from app.platform.graphql.ids import Node
from app.platform.principal import Scope

KIND = "CustomerGroup"
GROUP_READERS: Access = [*back_office(Scope.CUSTOMERS_READ), *back_office(Scope.GROUPS_WRITE)]
WRITERS: Access = back_office(Scope.GROUPS_WRITE)
CODE = "At most 25 letters, digits, `_` and `-`; unique in the organization."
NAME = "What it is called in the back office, at most 255 characters."
TAX_EXEMPT = "Whether its customers pay no tax."
IS_DEFAULT = "Whether new customers come into this group; the group that was it until now stops being it."


@strawberry.type(description="A group of customers, such as wholesale; a customer is in one group at most.")
class CustomerGroup(Node):
    """Plain values of the row; a customer is in at most one group."""

    code: str = strawberry.field(description="Unique in the organization: letters, digits, `_` and `-`.")
    name: str = strawberry.field(description="What the group is called in the back office.")
    tax_exempt: bool = strawberry.field(description="Whether customers of this group pay no tax.")
    row_id: strawberry.Private[UUID]

    @strawberry.field(description="Whether new customers come into this group.")
    async def is_default(self, info: Info[Context, None]) -> bool:
        """Loaded separately: only the back office needs it."""
        found = await info.context.load(repository.by_ids, self.row_id)
        return found is not None and found.is_default


def build_group(row_id: UUID, *, code: str, name: str, tax_exempt: bool) -> CustomerGroup:
    """The GraphQL object of the group columns that are read with a customer."""
    return CustomerGroup(id=ids.encode(KIND, row_id), code=code, name=name, tax_exempt=tax_exempt, row_id=row_id)


def to_group(row: GroupRow) -> CustomerGroup:
    """The GraphQL object of a row."""
    return build_group(row.id, code=row.code, name=row.name, tax_exempt=row.tax_exempt)


async def load_group(context: Context, group_id: UUID) -> CustomerGroup | None:
    """The group with this id, from a data loader."""
    row = await context.load(repository.by_ids, group_id)
    return to_group(row) if row else None


@strawberry.input(description="A new group of customers.")
class CreateGroupInput:
    """Input of `createGroup`."""

    code: str = strawberry.field(description=CODE)
    name: str = strawberry.field(description=NAME)
    tax_exempt: bool = strawberry.field(description=TAX_EXEMPT, default=False)
    is_default: bool = strawberry.field(description=IS_DEFAULT, default=False)


@strawberry.input(description="What to change of a group: a field left away stays.")
class UpdateGroupInput:
    """Absent fields stay; none can be cleared."""

    code: strawberry.Maybe[str | None] = strawberry.field(description=CODE, default=None)
    name: strawberry.Maybe[str | None] = strawberry.field(description=NAME, default=None)
    tax_exempt: strawberry.Maybe[bool | None] = strawberry.field(description=TAX_EXEMPT, default=None)
    is_default: strawberry.Maybe[bool | None] = strawberry.field(description=IS_DEFAULT, default=None)


@strawberry.type(description="The new group.")
class CreateGroupPayload(Payload):
    """Payload of `createGroup`."""

    group: CustomerGroup | None = strawberry.field(description="The group.", default=None)


@strawberry.type(description="The changed group.")
class UpdateGroupPayload(Payload):
    """Payload of `updateGroup`."""

    group: CustomerGroup | None = strawberry.field(description="The group as it is now.", default=None)


@strawberry.type(description="What was deleted.")
class DeleteGroupPayload(Payload):
    """Payload of `deleteGroup`."""

    deleted_group_id: strawberry.ID | None = strawberry.field(description="The id that is no more.", default=None)
    moved_customers: int | None = strawberry.field(
        description="How many customers came into the group that takes its place.", default=None
    )


@strawberry.type
class GroupQueries:
    """Queries of groups; a customer reads its own as `me { group }`."""

    @query(allow=GROUP_READERS, description="All groups of customers in the order of their codes, at most 1,000.")
    async def groups(self, context: Context) -> list[CustomerGroup]:
        """At most 1,000, so there is no pagination."""
        rows = await repository.by_organization(context.store, organization_id=context.organization.id)
        for row in rows:
            context.prime(repository.by_ids, row.id, row)
        return [to_group(row) for row in rows]

    @query(allow=GROUP_READERS, description="One group of customers; null when there is none with this code.")
    async def group(
        self, context: Context, code: Annotated[str, strawberry.argument(description="Code of the group, as typed.")]
    ) -> CustomerGroup | None:
        """The code is case-sensitive."""
        row = await repository.by_code(context.store, organization_id=context.organization.id, code=code)
        return to_group(row) if row else None


@strawberry.type
class GroupMutations:
    """Mutations of groups; `assignCustomerGroup` is in `groups_api`."""

    @mutation(allow=WRITERS, description="Make a group of customers.")
    async def create_group(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[CreateGroupInput, strawberry.argument(description="The group.")],
    ) -> CreateGroupPayload:
        """The unique index decides whether the code is free."""
        row = await editing.create(
            session,
            organization_id=context.organization.id,
            code=input.code,
            name=input.name,
            tax_exempt=input.tax_exempt,
            is_default=input.is_default,
        )
        record(session, context.origin, Action.GROUP_CREATED, object_id=row.id)
        return CreateGroupPayload(group=to_group(row))

    @mutation(allow=WRITERS, description="Change a group of customers, in part: a field left away stays.")
    async def update_group(
        self,
        context: Context,
        session: AsyncSession,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id of the group.")],
        input: Annotated[UpdateGroupInput, strawberry.argument(description="What to change.")],
    ) -> UpdateGroupPayload:
        """One audit row when anything changed."""
        names = ("code", "name", "tax_exempt", "is_default")
        input_values: dict[str, Any] = {name: getattr(input, name) for name in names}
        row, changed = await editing.update(
            session,
            organization_id=context.organization.id,
            group_id=ids.decode(KIND, id),
            input_values={name: maybe.value for name, maybe in input_values.items() if maybe is not None},
        )
        if changed:
            record(session, context.origin, Action.GROUP_UPDATED, object_id=row.id, fields=changed)
        return UpdateGroupPayload(group=to_group(row))

    @mutation(
        allow=WRITERS,
        description="Delete a group of customers. One that is in use needs another group that takes its place.",
    )
    async def delete_group(
        self,
        context: Context,
        session: AsyncSession,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id of the group.")],
        replacement_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="The group that takes over customers, markets, and being the default."),
        ] = None,
    ) -> DeleteGroupPayload:
        """Refused with `IN_USE` when customers or markets would be left without a group."""
        group_id = ids.decode(KIND, id)
        moved = await editing.delete(
            session,
            organization_id=context.organization.id,
            group_id=group_id,
            replacement_id=ids.decode(KIND, replacement_id, "replacementId") if replacement_id else None,
        )
        record(session, context.origin, Action.GROUP_DELETED, object_id=group_id)
        return DeleteGroupPayload(deleted_group_id=ids.encode(KIND, group_id), moved_customers=moved)
