"""Deletes sessions and refresh tokens that nobody can use any more."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import col

from app.identity.sessions.tables import LoginSession, RefreshToken
from app.platform.clock import now
from app.platform.db.sweeping import Sweep
from app.platform.vault.vault import Store

# An expired token is kept a while, so that its holder learns that it expired and not that it is unknown.
TOKEN_RETENTION = timedelta(days=7)

_TOKENS = (RefreshToken, RefreshToken.customer_id, RefreshToken.session_id)
_EXPIRED_TOKENS = Sweep(RefreshToken, col(RefreshToken.expires_at) < bindparam("before"))
_IN_ORGANIZATION = col(LoginSession.organization_id) == bindparam("organization_id")
_EXPIRED, _ENDED = (
    Sweep(LoginSession, _IN_ORGANIZATION, col(column) < bindparam("before"), belonging=[_TOKENS])
    for column in (LoginSession.expires_at, LoginSession.ended_at)
)


async def sweep_refresh_tokens(store: Store) -> int:
    """Delete the tokens, used or not, that expired more than 7 days ago; return how many."""
    return await _EXPIRED_TOKENS.run(store.database, before=now() - TOKEN_RETENTION)


async def sweep_sessions(store: Store, *, organization_id: UUID, before: datetime) -> int:
    """Delete an organization's sessions that ended or expired before then, with their tokens; return how many."""
    expired = await _EXPIRED.run(store.database, organization_id=organization_id, before=before)
    return expired + await _ENDED.run(store.database, organization_id=organization_id, before=before)
