"""Deletes sessions and refresh tokens that nobody can use any more."""

from datetime import timedelta

from sqlalchemy import bindparam
from sqlmodel import col

from app.identity.sessions.tables import LoginSession, RefreshToken
from app.platform.clock import now
from app.platform.db.sweeping import Sweep
from app.platform.vault.vault import Store

# The customer sees how a session ended for as long.
SESSION_RETENTION = timedelta(days=30)
# An expired token is kept a while, so that its holder learns that it expired and not that it is unknown.
TOKEN_RETENTION = timedelta(days=7)

_TOKENS = (RefreshToken, RefreshToken.customer_id, RefreshToken.session_id)
_EXPIRED_TOKENS = Sweep(RefreshToken, col(RefreshToken.expires_at) < bindparam("before"))
_EXPIRED = Sweep(LoginSession, col(LoginSession.expires_at) < bindparam("before"), belonging=[_TOKENS])
_ENDED = Sweep(LoginSession, col(LoginSession.ended_at) < bindparam("before"), belonging=[_TOKENS])


async def sweep_refresh_tokens(store: Store) -> int:
    """Delete the tokens, used or not, that expired more than 7 days ago; return how many."""
    return await _EXPIRED_TOKENS.run(store.database, before=now() - TOKEN_RETENTION)


async def sweep_sessions(store: Store) -> int:
    """Delete the sessions that ended or expired more than 30 days ago, with their tokens; return how many."""
    before = now() - SESSION_RETENTION
    return await _EXPIRED.run(store.database, before=before) + await _ENDED.run(store.database, before=before)
