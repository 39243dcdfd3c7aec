"""Tokens of session cookies: replaced when they are old, and when the password was changed.

They are refresh tokens with another prefix, and so with other hashes: neither passes for the other.
"""

from uuid import UUID

from sqlalchemy import delete, func, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.identity.sessions.service import (
    COOKIE_PREFIX,
    REFRESH_REUSE_GRACE,
    EndReason,
    LoginSessions,
    RefreshResult,
    TokenPair,
    end_replayed,
)
from app.identity.sessions.tables import RefreshToken
from app.identity.sessions.tokens import TokenExpired, TokenInvalid
from app.platform.clock import now


async def refresh(
    session: AsyncSession, login_sessions: LoginSessions, *, organization_id: UUID, token: str
) -> RefreshResult:
    """What a cookie becomes that is older than an access token lives, or was replaced more than 30 seconds ago.

    The first row that applies decides:

    | The token of the cookie                             | Outcome                                         |
    |-----------------------------------------------------|-------------------------------------------------|
    | unknown, or of another organization                 | raises `TokenInvalid`                           |
    | its session has ended                               | the reason, without tokens                      |
    | expired, or its session is over                     | raises `TokenExpired`                           |
    | replaced at most 30 seconds ago, by another request | no tokens and no reason: nothing is to be done  |
    | replaced earlier, and so was its successor          | ends the session, as for a refresh token        |
    | replaced earlier, its successor was not             | the same successor                              |
    | otherwise                                           | its successor; the token is marked as used      |

    The session row is locked first: of many requests at the same time one replaces the cookie. The result must be
    committed.
    """
    found = await login_sessions.lock_by_refresh_token(
        session, organization_id=organization_id, token=token, prefix=COOKIE_PREFIX
    )
    if found is None:
        raise TokenInvalid
    used, row = found
    if row.ended_at is not None:
        return RefreshResult(row.id, row.customer_id, ended_reason=EndReason(row.ended_reason))
    moment = now()
    if min(used.expires_at, row.idle_expires_at, row.expires_at) <= moment:
        raise TokenExpired
    if used.used_at is not None and moment - used.used_at <= REFRESH_REUSE_GRACE:
        return RefreshResult(row.id, row.customer_id)
    newest = await login_sessions.newest_successor(session, used, token, moment)
    if newest is None:
        return end_replayed(row)
    is_first = used.used_at is None
    tokens = await login_sessions.exchange(session, used, row, newest, moment)
    return RefreshResult(row.id, row.customer_id, tokens, is_first=is_first)


async def replace(
    session: AsyncSession, login_sessions: LoginSessions, *, organization_id: UUID, customer_id: UUID, session_id: UUID
) -> TokenPair | None:
    """A new token for the session cookie; what the session had before opens nothing after 30 seconds.

    Requests that are under way still have it. None when the session has ended. The caller has locked the session.
    """
    moment = now()
    until = moment + REFRESH_REUSE_GRACE
    tokens = (col(RefreshToken.customer_id) == customer_id, col(RefreshToken.session_id) == session_id)
    await session.exec(delete(RefreshToken).where(*tokens, col(RefreshToken.used_at) < moment - REFRESH_REUSE_GRACE))
    await session.exec(
        update(RefreshToken)
        .where(*tokens, col(RefreshToken.expires_at) > until)
        .values(used_at=func.coalesce(RefreshToken.used_at, moment), expires_at=until)
    )
    return await login_sessions.issue_again(
        session, organization_id=organization_id, customer_id=customer_id, session_id=session_id, by_cookie=True
    )
