"""Starts the session of a customer who has just registered or proven an address."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.payloads import Tokens, graphql_tokens
from app.identity.sessions.service import LoginSessions
from app.platform.audit.log import Action, record
from app.platform.graphql.context import Context


async def start_login_session(context: Context, session: AsyncSession, customer_id: UUID) -> tuple[UUID, Tokens]:
    """A new session, which is recorded as a login, with its tokens."""
    session_id, issued = await context.services.get(LoginSessions).start_for_customer(
        session,
        organization_id=context.organization.id,
        customer_id=customer_id,
        user_agent=context.origin.user_agent,
    )
    record(session, context.origin, Action.LOGGED_IN, customer_id=customer_id, object_id=session_id)
    return session_id, graphql_tokens(issued)
