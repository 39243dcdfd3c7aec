"""GraphQL queries and mutations of staff members."""

from typing import Annotated

import strawberry
from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from app.identity.sessions import service as sessions
from app.identity.staff import repository as staff
from app.identity.staff.api import StaffMember, to_staff_member
from app.platform.audit.log import Action, record
from app.platform.errors import AppError, ErrorCode, NotFound
from app.platform.graphql import ids
from app.platform.graphql.access import back_office
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation, query
from app.platform.principal import Scope
from app.platform.validation import Validation
from app.platform.values import EmailAddress, text_parser

BACK_OFFICE = back_office(Scope.ORGANIZATION_WRITE)


class StaffEmailTaken(AppError):
    """Another staff member has this email address."""

    code = ErrorCode.EMAIL_TAKEN
    message = "Another staff member has this address."
    field = ("email",)


@strawberry.input(description="A new staff member.")
class CreateStaffMemberInput:
    """What `createStaffMember` needs."""

    email: str = strawberry.field(description="Address in the back office; unique among the staff.")
    first_name: str | None = strawberry.field(description="1 to 32 characters.", default=None)
    last_name: str | None = strawberry.field(description="1 to 32 characters.", default=None)


@strawberry.type(description="The new staff member.")
class CreateStaffMemberPayload(Payload):
    """Answer of `createStaffMember`."""

    staff_member: StaffMember | None = strawberry.field(description="Who may now be acted for.", default=None)


@strawberry.input(description="The staff member who leaves.")
class DeleteStaffMemberInput:
    """What `deleteStaffMember` needs."""

    id: strawberry.ID = strawberry.field(description="Who.")


@strawberry.type(description="The staff member who left.")
class DeleteStaffMemberPayload(Payload):
    """Answer of `deleteStaffMember`."""

    deleted_staff_member_id: strawberry.ID | None = strawberry.field(description="Who left.", default=None)
    ended_sessions: int = strawberry.field(description="How many sessions on its behalf ended.", default=0)


@strawberry.type
class MemberQueries:
    """Queries of staff members."""

    @query(allow=BACK_OFFICE, description="The staff members on whose behalf integrations may act, oldest first.")
    async def staff(self, context: Context) -> list[StaffMember]:
        """Without removed members."""
        found = await staff.list_active(context.store, organization_id=context.organization.id)
        return [to_staff_member(staff_id, details) for staff_id, details in found]


@strawberry.type
class MemberMutations:
    """Mutations of staff members."""

    @mutation(allow=BACK_OFFICE, description="Add a staff member, on whose behalf integrations may then act.")
    async def create_staff_member(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[CreateStaffMemberInput, strawberry.argument(description="Who.")],
    ) -> CreateStaffMemberPayload:
        """The unique index decides whether the address is taken. Raise `AppErrorGroup`, `StaffEmailTaken`."""
        validation = Validation()
        email = validation.require("email", EmailAddress.parse, input.email)
        first_name = validation.optional("firstName", text_parser(1, 32), input.first_name)
        last_name = validation.optional("lastName", text_parser(1, 32), input.last_name)
        validation.raise_errors()
        try:
            staff_id = await staff.add(
                session,
                context.store.vault,
                organization_id=context.organization.id,
                email=email,
                first_name=first_name,
                last_name=last_name,
            )
        except IntegrityError:
            raise StaffEmailTaken from None
        record(session, context.origin, Action.STAFF_ADDED, object_id=staff_id)
        details = staff.StaffDetails(email=email.address, first_name=first_name, last_name=last_name)
        return CreateStaffMemberPayload(staff_member=to_staff_member(staff_id, details))

    @mutation(
        allow=BACK_OFFICE,
        description="Remove a staff member and forget it: all sessions on its behalf end immediately, its name and "
        "address are destroyed. What it asked for keeps its id.",
    )
    async def delete_staff_member(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[DeleteStaffMemberInput, strawberry.argument(description="Who.")],
    ) -> DeleteStaffMemberPayload:
        """Raise `NotFound`, also for a member who is removed already."""
        staff_id = ids.decode("Staff", input.id)
        organization_id = context.organization.id
        if not await staff.remove(session, organization_id=organization_id, staff_id=staff_id):
            raise NotFound(field=("id",))
        ended = await sessions.end_all_for_staff_member(session, organization_id=organization_id, staff_id=staff_id)
        record(session, context.origin, Action.STAFF_REMOVED, object_id=staff_id)
        return DeleteStaffMemberPayload(deleted_staff_member_id=ids.encode("Staff", staff_id), ended_sessions=ended)
