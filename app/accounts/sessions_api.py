"""GraphQL mutation that ends one of a customer's sessions."""

from typing import Annotated

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.payload_customers import CustomerPayload
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import PENDING_EMAIL_CHANGE
from app.identity.sessions import repository, service
from app.identity.sessions.api import KIND, Session, to_session
from app.identity.sessions.service import EndReason
from app.platform.audit.log import Action, record
from app.platform.errors import NotFound
from app.platform.graphql import ids
from app.platform.graphql.access import CUSTOMER
from app.platform.graphql.context import Context
from app.platform.graphql.fields import mutation


@strawberry.input(description="The session to end.")
class EndSessionInput:
    """What `endSession` needs."""

    id: strawberry.ID = strawberry.field(description="The global id of one of the customer's own sessions.")


@strawberry.type(description="The session that ended.")
class EndSessionPayload(CustomerPayload):
    """Answer of `endSession`."""

    session: Session | None = strawberry.field(description="The session as it is now.", default=None)


@strawberry.type
class SessionMutations:
    """Mutations of a customer's own sessions."""

    @mutation(
        allow=[CUSTOMER],
        description="End one of the customer's own sessions: its tokens are dead at the next request.",
        session_may_end=True,
    )
    async def end_session(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[EndSessionInput, strawberry.argument(description="Which session.")],
    ) -> EndSessionPayload:
        """A session that has ended keeps its reason. Raise `NotFound`, also for another customer's session."""
        session_id = ids.decode(KIND, input.id)
        customer_id = context.principal.own_customer_id
        row = await service.lock(
            session, organization_id=context.organization.id, customer_id=customer_id, session_id=session_id
        )
        if row is None:
            raise NotFound("There is no session with this id.", field=("id",))
        if service.end_if_live(row, EndReason.ENDED_BY_OWNER):
            session.add(row)
            record(session, context.origin, Action.SESSION_ENDED, object_id=session_id)
            if session_id != context.principal.session_id:
                # Whoever ends a session that is not theirs wants nothing of what it began.
                await proofs.revoke(session, customer_id=customer_id, purposes=PENDING_EMAIL_CHANGE)
        kept = repository.to_record(repository.to_row(row), await context.store.vault.cipher(customer_id))
        return EndSessionPayload(session=to_session(kept, current_id=context.principal.session_id))
