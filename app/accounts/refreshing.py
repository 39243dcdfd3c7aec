"""Refresh: exchanges a refresh token or an old cookie, records it, and counts it against the rate limits."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.notices import notify_of_replay
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import PENDING_EMAIL_CHANGE
from app.identity.sessions import cookies
from app.identity.sessions.service import LoginSessions, RefreshResult
from app.identity.sessions.tokens import TokenInvalid
from app.platform.audit.log import Action, record
from app.platform.errors import RateLimited
from app.platform.limits.rates import RateLimitExceeded, RateLimits
from app.platform.principal import RequestOrigin
from app.platform.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """The token, where it came from, and the OAuth client it came through, if any."""

    origin: RequestOrigin
    token: str
    client_id: UUID | None = None


async def refresh(
    session: AsyncSession, vault: Vault, login_sessions: LoginSessions, limits: RateLimits, request: RefreshRequest
) -> RefreshResult:
    """Exchange the token; a result without tokens must be committed, as the session may have been ended.

    | The token                           | Counted                         | Outcome                              |
    |-------------------------------------|---------------------------------|--------------------------------------|
    | was never issued, or not to this one| by source (only such are)       | raises `TokenInvalid`                |
    | has expired                         | no                              | raises `TokenExpired`                |
    | is of a session that has ended      | no                              | the reason                           |
    | is good                             | by session                      | tokens; raises `RateLimited` instead |
    """
    origin = request.origin
    organization = origin.principal.organization
    try:
        result = await login_sessions.refresh(
            session, organization_id=organization.id, token=request.token, client_id=request.client_id
        )
    except TokenInvalid:
        await limits.count_refresh_failure(origin.source)
        raise
    if result.tokens is not None:
        try:
            await limits.admit_session_refresh(result.session_id)
        except RateLimitExceeded as exceeded:
            raise RateLimited(exceeded.limit_status.reset_seconds) from None
        record(session, origin, Action.SESSION_REFRESHED, customer_id=result.customer_id, object_id=result.session_id)
    elif result.replayed:
        await _report_replay(session, vault, origin, result)
    return result


async def refresh_cookie(
    session: AsyncSession, vault: Vault, login_sessions: LoginSessions, origin: RequestOrigin, token: str
) -> RefreshResult:
    """Replace an old cookie; `cookies.refresh` has the table. The result must be committed.

    It is recorded by the request that replaces it, and not by those of other tabs. Its age bounds how often that is.
    """
    organization_id = origin.principal.organization.id
    result = await cookies.refresh(session, login_sessions, organization_id=organization_id, token=token)
    if result.is_first:
        record(session, origin, Action.SESSION_REFRESHED, customer_id=result.customer_id, object_id=result.session_id)
    elif result.replayed:
        await _report_replay(session, vault, origin, result)
    return result


async def _report_replay(session: AsyncSession, vault: Vault, origin: RequestOrigin, result: RefreshResult) -> None:
    record(session, origin, Action.SESSION_REPLAYED, customer_id=result.customer_id, object_id=result.session_id)
    if result.customer_id is not None:
        await proofs.revoke(session, customer_id=result.customer_id, purposes=PENDING_EMAIL_CHANGE)
    await notify_of_replay(session, vault, origin.principal.organization, customer_id=result.customer_id)
