"""GraphQL type, query and mutation of data exports, for the customer and for staff."""

from datetime import datetime
from typing import Annotated

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Info

from app.accounts import fresh_proofs
from app.customers.payload_customers import CustomerPayload
from app.identity.staff.api import StaffMember, load_staff_member
from app.platform.audit.log import Action, record
from app.platform.errors import AppError
from app.platform.graphql import ids
from app.platform.graphql.access import CUSTOMER, Access, staff, top_level_error
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.fields import back_office_input, mutation, query, restricted
from app.platform.graphql.owner import owner_id
from app.platform.graphql.user_errors import user_errors
from app.platform.principal import Scope
from app.privacy.exports import repository, requesting
from app.privacy.exports.repository import DataExportStatus, ExportRow

KIND = "DataExport"
STAFF: Access = [staff(Scope.PRIVACY_WRITE)]

describe(
    DataExportStatus,
    "Where an export stands.",
    REQUESTED="It is being made, which takes moments.",
    READY="It can be downloaded until `expiresAt`.",
    FAILED="The last attempt failed; it is tried again.",
)


@strawberry.type(
    description="Everything that is held about a customer, as a ZIP file of JSON with its schema, CSV and a page to "
    "read. A customer who asked for it gets a link by mail that works for ten minutes from its first use; "
    "staff download it at `/data-exports/<id>` with their access token."
)
class DataExport:
    """GraphQL type of an export."""

    id: strawberry.ID = strawberry.field(description="The export's id.")
    status: DataExportStatus = strawberry.field(description="Where it stands.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    ready_at: datetime | None = strawberry.field(description="When it was ready; what it says is of this moment.")
    expires_at: datetime | None = strawberry.field(description="When it is deleted.")
    size: int | None = strawberry.field(description="How many bytes the file has.")
    row: strawberry.Private[ExportRow]

    @restricted(allow=STAFF, description="The staff member who asked for it; null when the customer did.")
    async def requested_by(self, info: Info[Context, None]) -> StaffMember | None:
        """From a data loader."""
        return await load_staff_member(info.context, self.row.requested_by_id) if self.row.requested_by_id else None


def to_data_export(row: ExportRow) -> DataExport:
    """The GraphQL object of an export."""
    return DataExport(
        id=ids.encode_owned(KIND, owner_id=row.customer_id, row_id=row.id),
        status=DataExportStatus(row.status),
        requested_at=row.requested_at,
        ready_at=row.ready_at,
        expires_at=row.expires_at,
        size=row.size,
        row=row,
    )


@strawberry.input(description="Whose data, and a proof that it is you who asks.")
class RequestDataExportInput:
    """Input of `requestDataExport`."""

    customer_id: strawberry.ID | None = back_office_input("Whose data. Nothing is mailed to the customer.")
    password: str | None = strawberry.field(
        description="For customers: your password. May be left away within five minutes of a login.", default=None
    )


@strawberry.type(description="The export that was asked for.")
class RequestDataExportPayload(CustomerPayload):
    """Payload of `requestDataExport`."""

    export: DataExport | None = strawberry.field(description="The export.", default=None)


@strawberry.type
class DataExportQueries:
    """The query of data exports."""

    @query(
        allow=[CUSTOMER, *STAFF],
        description="The exports of the customer who is logged in, or of the named one, newest first; those that "
        "expired are gone.",
        size=5,
    )
    async def data_exports(
        self,
        context: Context,
        customer_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="For staff: which customer.")
        ] = None,
    ) -> list[DataExport]:
        """A customer has few. Nobody has an id that is somebody else's, or nobody's."""
        if context.principal.customer_id is None and customer_id is None:
            raise top_level_error("BAD_USER_INPUT", "Name the customer.")
        try:
            owner = owner_id(context.principal, customer_id)
        except AppError:
            return []
        found = await repository.of_customer(context.store, organization_id=context.organization.id, customer_id=owner)
        return [to_data_export(row) for row in found]


@strawberry.type
class DataExportMutations:
    """The mutation of data exports."""

    @mutation(
        allow=[CUSTOMER, *STAFF],
        credentials=True,
        description="Ask for everything that is held about you, or about the named customer. A customer gets a link "
        "by mail, and needs a fresh proof of who it is: the password, or a login that is at most five minutes old; "
        "once a day.",
        session_may_end=True,
    )
    async def request_data_export(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RequestDataExportInput, strawberry.argument(description="Whose, and the proof.")],
    ) -> RequestDataExportPayload:
        """Return the refusal of a wrong password, never raise it: the counted try must be committed."""
        owner = owner_id(context.principal, input.customer_id)
        if context.principal.customer_id is not None:
            proven = await fresh_proofs.prove(context, session, input.password)
            if isinstance(proven, AppError):
                return RequestDataExportPayload(user_errors=user_errors(proven))
        row = await requesting.request(
            session,
            organization_id=context.organization.id,
            customer_id=owner,
            staff_id=context.principal.staff_id,
        )
        record(session, context.origin, Action.DATA_EXPORT_REQUESTED, customer_id=owner, object_id=row.id)
        return RequestDataExportPayload(customer_id=owner, export=to_data_export(row))
