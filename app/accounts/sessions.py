"""Starts the session of a customer who has just registered or proven an address, and hands out tokens of sessions."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.payloads import Tokens, graphql_tokens
from app.customers.records import CustomerRecord
from app.identity.sessions import cookies, service
from app.identity.sessions.service import EndReason, LoginSessions, TokenPair
from app.platform.audit.log import Action, record
from app.platform.graphql.context import Context
from app.platform.principal import CallerKind, Principal


async def start_login_session(context: Context, session: AsyncSession, customer_id: UUID) -> tuple[UUID, Tokens | None]:
    """A new session, which is recorded as a login, with its tokens."""
    session_id, issued = await context.services.get(LoginSessions).start_for_customer(
        session,
        organization_id=context.organization.id,
        customer_id=customer_id,
        user_agent=context.origin.user_agent,
        by_cookie=context.cookie.asked,
    )
    record(session, context.origin, Action.LOGGED_IN, customer_id=customer_id, object_id=session_id)
    return session_id, await hand_out_tokens(context, session, session_id, issued)


def answer_as_customer(context: Context, customer: CustomerRecord, session_id: UUID) -> None:
    """Have the payload show all that the customer who has just logged in may see, in that customer's language."""
    context.answer_as(
        Principal(
            CallerKind.CUSTOMER,
            context.organization,
            customer_id=customer.row.id,
            session_id=session_id,
            locale=customer.personal.locale,
        )
    )


async def hand_out_tokens(
    context: Context, session: AsyncSession, session_id: UUID, issued: TokenPair
) -> Tokens | None:
    """The tokens for the payload, or None for who asked for a cookie, which is set.

    Another session that this browser had by its cookie is ended: nobody could use it any more.
    """
    cookie, principal = context.cookie, context.principal
    if not cookie.asked:
        return graphql_tokens(issued)
    if cookie.authenticates and principal.session_id not in {None, session_id}:
        ended = await service.end(
            session,
            organization_id=context.organization.id,
            owner_id=principal.own_session_owner_id,
            session_id=principal.session_id,
            reason=EndReason.LOGGED_OUT,
        )
        if ended is not None:
            record(session, context.origin, Action.SESSION_ENDED, customer_id=ended.customer_id, object_id=ended.id)
    cookie.set(issued.refresh_token, issued.refresh_token_expires_at)
    return None


async def replace_cookie(context: Context, session: AsyncSession) -> None:
    """Give a caller who has a session cookie another one: what somebody copied of the old one opens nothing soon."""
    session_id = context.principal.session_id
    if not context.cookie.authenticates or session_id is None:
        return
    issued = await cookies.replace(
        session,
        context.services.get(LoginSessions),
        organization_id=context.organization.id,
        customer_id=context.principal.own_customer_id,
        session_id=session_id,
    )
    if issued is not None:
        context.cookie.set(issued.refresh_token, issued.refresh_token_expires_at)
