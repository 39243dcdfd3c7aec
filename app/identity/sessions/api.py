"""GraphQL types of login sessions; `endSession` is in `app.accounts.sessions_api`."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from app.identity.sessions import repository
from app.identity.sessions.repository import LoginSessionRecord
from app.identity.sessions.service import EndReason
from app.identity.sessions.user_agents import device_name
from app.platform.graphql import ids
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.ids import Node
from app.platform.graphql.pagination import Connection, connection, page_request

KIND = "Session"

describe(
    EndReason,
    "Why a session ended.",
    LOGGED_OUT="The customer logged out.",
    LOGGED_OUT_EVERYWHERE="The customer logged out everywhere.",
    ENDED_BY_OWNER="The customer ended it from another device.",
    PASSWORD_CHANGED="The password was changed.",
    PASSWORD_RESET="The password was reset by mail.",
    EMAIL_PROVEN="The email address was proven, and what was claimed before is void.",
    EMAIL_CHANGE_UNDONE="A change of the email address was undone.",
    EMAIL_CHANGED_BY_SHOP="The shop gave the account another email address.",
    TOKEN_REPLAYED="Somebody used a refresh token twice: it may have been stolen.",
    TOKEN_REVOKED="The client it was got through revoked its tokens.",
    STAFF_REMOVED="The staff member it was for has left.",
    REJECTED="The shop does not want this account.",
    EXPIRED="It was not used for too long, or its time was over.",
)


@strawberry.type(description="A login of the customer on one device, from then until it ended.")
class Session(Node):
    """GraphQL type of a login session, with what its owner needs to recognize it."""

    device: str | None = strawberry.field(
        description="Browser and system in English words, such as `Firefox on Windows`."
    )
    created_at: datetime = strawberry.field(description="When the customer logged in.")
    last_used_at: datetime = strawberry.field(description="When its tokens were exchanged last.")
    expires_at: datetime = strawberry.field(description="When it ends unless its tokens are exchanged before.")
    current: bool = strawberry.field(description="Whether this is the session that asks.")
    ended_at: datetime | None = strawberry.field(description="When it ended; null while it lives.")
    ended_reason: EndReason | None = strawberry.field(description="Why it ended; null while it lives.")


def to_session(login_session: LoginSessionRecord, *, current_id: UUID | None) -> Session:
    """The GraphQL object of a session record."""
    return Session(
        id=ids.encode(KIND, login_session.id),
        device=device_name(login_session.user_agent),
        created_at=login_session.created_at,
        last_used_at=login_session.last_used_at,
        expires_at=login_session.expires_at,
        current=login_session.id == current_id,
        ended_at=login_session.ended_at,
        ended_reason=login_session.ended_reason,
    )


async def login_session_connection(
    context: Context, customer_id: UUID, first: int, after: str | None, *, active: bool | None
) -> Connection[Session]:
    """A page of the customer's sessions, newest first. The caller has checked who may see them."""
    pages = f"{KIND}:{active}"
    page = page_request(context, pages, first, after)
    names: dict[str, Any] = {
        "organization_id": context.organization.id,
        "customer_id": customer_id,
        "active": active,
    }
    before = UUID(hex=page.after[0]) if page.after else None
    found = await repository.page_by_customer(context.store, **names, before=before, limit=page.size + 1)
    current = context.principal.session_id
    items = [((one.id.hex,), to_session(one, current_id=current)) for one in found]
    return connection(context, pages, page, items, lambda: repository.count_by_customer(context.store, **names))
