"""GraphQL type, queries and mutations of erasure requests: for the customer who asks, and for staff who decide."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Info

from app.accounts import fresh_proofs
from app.customers.payload_customers import CustomerPayload
from app.identity.staff.api import StaffMember, load_staff_member
from app.platform.audit.log import Action, record
from app.platform.errors import AppError
from app.platform.graphql import ids
from app.platform.graphql.access import CUSTOMER, Access, staff
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.fields import Payload, mutation, query, restricted
from app.platform.graphql.pagination import Connection, connection, page_request
from app.platform.graphql.user_errors import user_errors
from app.platform.principal import Scope
from app.platform.validation import Validation
from app.platform.values import text_parser
from app.privacy.erasure_requests import deciding, repository
from app.privacy.erasure_requests.repository import ErasureRequestStatus, RequestRecord, RequestRow
from app.privacy.policy import PrivacyPolicy

KIND = "ErasureRequest"
PAGES = "erasure-requests"
STAFF: Access = [staff(Scope.PRIVACY_WRITE)]
REASON_MAX = 1000

describe(
    ErasureRequestStatus,
    "Where a customer's request to be erased stands.",
    PENDING="It waits for the shop's decision.",
    ACCEPTED="The shop has had the customer anonymized; it starts after a delay.",
    DECLINED="The shop has declined it; the customer got the reason by mail.",
    WITHDRAWN="The customer took it back.",
)


@strawberry.type(description="A customer asked to be erased.")
class ErasureRequest:
    """GraphQL type of a request."""

    id: strawberry.ID = strawberry.field(description="The request's id.")
    status: ErasureRequestStatus = strawberry.field(description="Where it stands.")
    requested_at: datetime = strawberry.field(description="When the customer asked.")
    decided_at: datetime | None = strawberry.field(description="When it was decided or taken back.")
    reason: str | None = strawberry.field(description="Why it was declined.")
    row: strawberry.Private[RequestRow]

    @restricted(allow=STAFF, description="Who asked.")
    def customer_id(self, info: Info[Context, None]) -> strawberry.ID:  # noqa: ARG002 - the form of a resolver
        """The customer's id."""
        return ids.encode("Customer", self.row.customer_id)

    @restricted(allow=STAFF, description="Who decided.")
    async def decided_by(self, info: Info[Context, None]) -> StaffMember | None:
        """From a data loader."""
        return await load_staff_member(info.context, self.row.decided_by_id) if self.row.decided_by_id else None


def to_erasure_request(found: RequestRecord) -> ErasureRequest:
    """The GraphQL object of a request."""
    row = found.row
    return ErasureRequest(
        id=ids.encode(KIND, row.id),
        status=ErasureRequestStatus(row.status),
        requested_at=row.requested_at,
        decided_at=row.decided_at,
        reason=found.reason,
        row=row,
    )


@strawberry.input(description="A proof that it is you who asks.")
class RequestMyErasureInput:
    """Input of `requestMyErasure`."""

    password: str | None = strawberry.field(
        description="Your password: may be left away within five minutes of a login.", default=None
    )


@strawberry.type(description="The request that was made.")
class RequestMyErasurePayload(CustomerPayload):
    """Payload of `requestMyErasure`."""

    request: ErasureRequest | None = strawberry.field(description="The request.", default=None)


@strawberry.type(description="The request that was taken back.")
class WithdrawMyErasurePayload(CustomerPayload):
    """Payload of `withdrawMyErasure`."""

    request: ErasureRequest | None = strawberry.field(description="The request.", default=None)


@strawberry.input(description="Which request is accepted.")
class AcceptErasureRequestInput:
    """Input of `acceptErasureRequest`."""

    id: strawberry.ID = strawberry.field(description="The request.")


@strawberry.type(description="The request that was accepted.")
class AcceptErasureRequestPayload(Payload):
    """Payload of `acceptErasureRequest`."""

    request: ErasureRequest | None = strawberry.field(description="The request.", default=None)


@strawberry.input(description="Which request is declined, and why.")
class DeclineErasureRequestInput:
    """Input of `declineErasureRequest`."""

    id: strawberry.ID = strawberry.field(description="The request.")
    reason: str = strawberry.field(
        description=f"Why, for the customer, who gets it by mail: at most {REASON_MAX} characters, lines allowed."
    )


@strawberry.type(description="The request that was declined.")
class DeclineErasureRequestPayload(Payload):
    """Payload of `declineErasureRequest`."""

    request: ErasureRequest | None = strawberry.field(description="The request.", default=None)


@strawberry.type
class ErasureRequestQueries:
    """Queries of erasure requests."""

    @query(
        allow=[CUSTOMER],
        description="The newest request of the customer who is logged in to be erased; null when there is none.",
    )
    async def my_erasure_request(self, context: Context) -> ErasureRequest | None:
        """Read by its owner's key."""
        found = await repository.latest(
            context.store, organization_id=context.organization.id, customer_id=context.principal.own_customer_id
        )
        return to_erasure_request(found) if found else None

    @query(allow=STAFF, description="What customers asked for: to be erased. Oldest first; the law gives a month.")
    async def erasure_requests(
        self,
        context: Context,
        status: Annotated[
            ErasureRequestStatus | None, strawberry.argument(description="Only those that stand there.")
        ] = None,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 100.")] = 20,
        after: Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before.")] = None,
    ) -> Connection[ErasureRequest]:
        """Keyset pagination by id."""
        pages = f"{PAGES}:{status.value if status else ''}"
        page, organization_id = page_request(context, pages, first, after), context.organization.id
        found = await repository.page(
            context.store,
            organization_id=organization_id,
            status=status,
            after=UUID(hex=page.after[0]) if page.after else None,
            limit=page.size + 1,
        )
        return connection(
            context,
            pages,
            page,
            [((one.row.id.hex,), to_erasure_request(one)) for one in found],
            lambda: repository.count(context.store, organization_id=organization_id, status=status),
        )


@strawberry.type
class ErasureRequestMutations:
    """Mutations of erasure requests."""

    @mutation(
        allow=[CUSTOMER],
        credentials=True,
        description="Ask the shop to forget you. The shop decides, and answers within a month as the law asks; until "
        "then nothing changes. You get a mail. It needs a fresh proof of who you are: the password, or a login that "
        "is at most five minutes old.",
        session_may_end=True,
    )
    async def request_my_erasure(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RequestMyErasureInput | None, strawberry.argument(description="The proof.")] = None,
    ) -> RequestMyErasurePayload:
        """Return the refusal of a wrong password, never raise it: the counted try must be committed."""
        proven = await fresh_proofs.prove(context, session, input.password if input else None)
        if isinstance(proven, AppError):
            return RequestMyErasurePayload(user_errors=user_errors(proven))
        found = await deciding.ask(session, context.store.vault, context.organization, proven)
        record(session, context.origin, Action.ERASURE_REQUESTED, object_id=found.row.id)
        return RequestMyErasurePayload(request=to_erasure_request(found))

    @mutation(
        allow=[CUSTOMER],
        description="Take your request to be erased back, as long as the shop has not decided. Afterwards only the "
        "shop can stop it.",
    )
    async def withdraw_my_erasure(self, context: Context, session: AsyncSession) -> WithdrawMyErasurePayload:
        """The row is locked."""
        found = await deciding.withdraw(
            session, context.store.vault, context.organization, customer_id=context.principal.own_customer_id
        )
        record(session, context.origin, Action.ERASURE_REQUEST_WITHDRAWN, object_id=found.row.id)
        return WithdrawMyErasurePayload(request=to_erasure_request(found))

    @mutation(
        allow=STAFF,
        description="Do what the customer asked for: it is `requestAnonymization`, and the customer gets a mail.",
    )
    async def accept_erasure_request(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[AcceptErasureRequestInput, strawberry.argument(description="The request.")],
    ) -> AcceptErasureRequestPayload:
        """The staff member is stored, and is the requester of the anonymization."""
        found = await deciding.accept(
            session,
            context.store,
            context.services.get(PrivacyPolicy),
            context.organization,
            request_id=ids.decode(KIND, input.id, "id"),
            staff_id=context.principal.own_staff_id,
        )
        _record_decision(session, context, Action.ERASURE_REQUEST_ACCEPTED, found)
        return AcceptErasureRequestPayload(request=to_erasure_request(found))

    @mutation(allow=STAFF, description="Decline what the customer asked for. The customer gets the reason by mail.")
    async def decline_erasure_request(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[DeclineErasureRequestInput, strawberry.argument(description="The request, and why.")],
    ) -> DeclineErasureRequestPayload:
        """The staff member is stored."""
        validation = Validation()
        reason = validation.require("reason", text_parser(1, REASON_MAX, multiline=True), input.reason)
        validation.raise_errors()
        found = await deciding.decline(
            session,
            context.store,
            context.organization,
            request_id=ids.decode(KIND, input.id, "id"),
            staff_id=context.principal.own_staff_id,
            reason=reason,
        )
        _record_decision(session, context, Action.ERASURE_REQUEST_DECLINED, found)
        return DeclineErasureRequestPayload(request=to_erasure_request(found))


def _record_decision(session: AsyncSession, context: Context, action: Action, found: RequestRecord) -> None:
    record(session, context.origin, action, customer_id=found.row.customer_id, object_id=found.row.id)
