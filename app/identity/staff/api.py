"""GraphQL type of staff members."""

from uuid import UUID

import strawberry

from app.identity.staff import repository
from app.identity.staff.repository import StaffDetails
from app.platform.graphql import ids
from app.platform.graphql.context import Context


@strawberry.type(description="A member of the back office's staff.")
class StaffMember:
    """GraphQL type of a staff member."""

    id: strawberry.ID = strawberry.field(description="The staff member's id.")
    first_name: str | None = strawberry.field(description="Given name.")
    last_name: str | None = strawberry.field(description="Family name.")
    email: str | None = strawberry.field(description="Address in the back office.")


async def load_staff_member(context: Context, staff_id: UUID) -> StaffMember | None:
    """The staff member with this id in the caller's organization; None if there is none."""
    found = await context.load(repository.by_ids, staff_id)
    return to_staff_member(staff_id, found) if found else None


def to_staff_member(staff_id: UUID, found: StaffDetails) -> StaffMember:
    """The GraphQL object of a staff member."""
    return StaffMember(
        id=ids.encode("Staff", staff_id),
        first_name=found.first_name,
        last_name=found.last_name,
        email=found.email,
    )
