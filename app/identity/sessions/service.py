"""Login sessions: start, refresh, end.

A session ends at the earliest of three moments: `idle_expires_at` (a lifetime after the last refresh),
`expires_at` (a lifetime after the login) and `ended_at` (ended for an `EndReason`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.identity.sessions.tables import LoginSession, RefreshToken
from app.identity.sessions.tokens import AccessTokens, Subject, TokenExpired, TokenInvalid
from app.platform import owner_tokens
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.locks import NO_KEY
from app.platform.db.writing import execute_at_commit, insert_statement
from app.platform.principal import CallerKind, Scope
from app.platform.vault.vault import Vault

TABLE = "login_sessions"
REFRESH_PREFIX = "rt"
# The token in a session cookie: kept as a refresh token is, and good for nothing that one is good for.
COOKIE_PREFIX = "ck"
REFRESH_REUSE_GRACE = timedelta(seconds=30)
# How many refreshes within the grace period are followed to the newest token.
MAX_SUCCESSORS = 100
_INSERT_SESSION, _INSERT_REFRESH_TOKEN = insert_statement(LoginSession), insert_statement(RefreshToken)


class EndReason(Enum):
    """Why a session ended; stored in `ended_reason`. `EXPIRED` is never stored: reads derive it from the times."""

    LOGGED_OUT = "LOGGED_OUT"
    LOGGED_OUT_EVERYWHERE = "LOGGED_OUT_EVERYWHERE"
    ENDED_BY_OWNER = "ENDED_BY_OWNER"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    PASSWORD_RESET = "PASSWORD_RESET"
    EMAIL_PROVEN = "EMAIL_PROVEN"
    EMAIL_CHANGE_UNDONE = "EMAIL_CHANGE_UNDONE"
    EMAIL_CHANGED_BY_SHOP = "EMAIL_CHANGED_BY_SHOP"
    TOKEN_REPLAYED = "TOKEN_REPLAYED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    TOKEN_REVOKED = "TOKEN_REVOKED"
    STAFF_REMOVED = "STAFF_REMOVED"


@dataclass(frozen=True, slots=True)
class LoginSessionLifetimes:
    """The lifetimes of a customer's session: `idle` without a refresh, `absolute` in total."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The access token and refresh token of a session, with their expiry."""

    access_token: str
    access_token_expires_at: datetime
    refresh_token: str
    refresh_token_expires_at: datetime


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """The outcome of a refresh. Without `tokens` the session has ended, and `ended_reason` says why.

    `replayed`: it was ended by this very call, which must be committed. `is_first`: the token was exchanged by this
    call, and not by one before. Of a cookie that another request replaced there are neither tokens nor a reason.
    """

    session_id: UUID
    customer_id: UUID | None
    tokens: TokenPair | None = None
    ended_reason: EndReason | None = None
    replayed: bool = False
    is_first: bool = False


class LoginSessions:
    """Starts and refreshes login sessions, and finds them by their tokens."""

    def __init__(self, vault: Vault, tokens: AccessTokens, lifetimes: LoginSessionLifetimes) -> None:
        """Issue tokens with `tokens`, valid within `lifetimes`."""
        self._vault = vault
        self._tokens = tokens
        self._lifetimes = lifetimes

    async def start_for_customer(
        self,
        session: AsyncSession,
        *,
        organization_id: UUID,
        customer_id: UUID,
        user_agent: str,
        client_id: UUID | None = None,
        by_cookie: bool = False,
    ) -> tuple[UUID, TokenPair]:
        """Start a session for a customer; return its id and tokens. The device is sealed with the customer's key.

        With `client_id`, the session belongs to that OAuth client: only the client may refresh or revoke its tokens,
        and revoking the client invalidates them. With `by_cookie`, the refresh token is one for the session cookie.
        """
        moment, session_id, kind = now(), new_id(), CallerKind.CUSTOMER.value
        idle, latest = moment + self._lifetimes.idle, moment + self._lifetimes.absolute
        cipher = await self._vault.cipher(customer_id)
        execute_at_commit(
            session,
            _INSERT_SESSION,
            owner_id=customer_id,
            id=session_id,
            organization_id=organization_id,
            kind=kind,
            customer_id=customer_id,
            client_id=client_id,
            scopes="",
            sealed_device=cipher.seal(TABLE, session_id, {"user_agent": user_agent[:256]}),
            created_at=moment,
            last_used_at=moment,
            idle_expires_at=idle,
            expires_at=latest,
        )
        owner = {"type": "Customer", "id": customer_id.hex}
        subject = Subject(kind, organization_id, session_id, customer_id, client_id=client_id, owner=owner)
        prefix = COOKIE_PREFIX if by_cookie else REFRESH_PREFIX
        return session_id, await self._issue(session, subject, expires=min(idle, latest), prefix=prefix)

    async def issue_again(
        self,
        session: AsyncSession,
        *,
        organization_id: UUID,
        customer_id: UUID,
        session_id: UUID,
        by_cookie: bool = False,
    ) -> TokenPair | None:
        """More tokens of a session, for who asked twice or goes on with a cookie; None when it has ended."""
        row = await lock(session, organization_id=organization_id, customer_id=customer_id, session_id=session_id)
        if row is None or row.ended_at is not None:
            return None
        prefix = COOKIE_PREFIX if by_cookie else REFRESH_PREFIX
        expires = min(row.idle_expires_at, row.expires_at)
        return await self._issue(session, _subject(row), expires=expires, prefix=prefix)

    async def start_for_client(
        self,
        session: AsyncSession,
        *,
        organization_id: UUID,
        client_id: UUID,
        staff_id: UUID | None,
        scopes: frozenset[Scope],
        custom_claim: dict[str, Any] | None = None,
    ) -> tuple[str, datetime]:
        """Start a session that lasts as long as its only access token; return that token and its expiry."""
        moment = now()
        row = LoginSession(
            owner_id=client_id,
            organization_id=organization_id,
            kind=(CallerKind.STAFF if staff_id else CallerKind.INTEGRATION).value,
            client_id=client_id,
            staff_id=staff_id,
            scopes=" ".join(sorted(scope.value for scope in scopes)),
            custom_claim=custom_claim,
            created_at=moment,
            last_used_at=moment,
            idle_expires_at=moment,
            expires_at=moment,
        )
        token, expires = await self._tokens.issue(_subject(row))
        row.idle_expires_at = row.expires_at = expires
        session.add(row)
        return token, expires

    async def refresh(
        self, session: AsyncSession, *, organization_id: UUID, token: str, client_id: UUID | None = None
    ) -> RefreshResult:
        """Exchange a refresh token (RFC 6749, section 6) for new tokens.

        The first row that applies decides:

        | The refresh token                                           | Outcome                                       |
        |-------------------------------------------------------------|-----------------------------------------------|
        | unknown, or of another organization                         | raises `TokenInvalid`                         |
        | issued through another client than `client_id`              | raises `TokenInvalid`                         |
        | its session has ended                                       | the reason, result without tokens             |
        | used more than 30 seconds ago, and so was its successor     | ends the session, result without tokens       |
        | expired, or its session is over (idle or absolute lifetime) | raises `TokenExpired`                         |
        | used, and its successor was not (a lost answer, sleep)      | the same successor, a new access token        |
        | used at most 30 seconds ago, as by a second browser tab     | the newest successor, a new access token      |
        | not used yet                                                | new tokens; the token is marked as used       |

        A successor that was used shows that the client got it: the parent is then replayed (RFC 9700, section 4.14).

        The result without tokens must be committed, or the session would not end. The session row is locked first, so
        a concurrent logout is never overtaken.
        """
        found = await self.lock_by_refresh_token(session, organization_id=organization_id, token=token)
        if found is None or found[1].client_id != client_id:
            raise TokenInvalid(field=("refreshToken",))
        used, row = found
        if row.ended_at is not None:
            return RefreshResult(row.id, row.customer_id, ended_reason=EndReason(row.ended_reason))
        moment = now()
        newest = await self.newest_successor(session, used, token, moment)
        if newest is None:
            return end_replayed(row)
        if min(used.expires_at, row.idle_expires_at, row.expires_at) <= moment:
            raise TokenExpired(field=("refreshToken",))
        is_first = used.used_at is None
        tokens = await self.exchange(session, used, row, newest, moment)
        return RefreshResult(row.id, row.customer_id, tokens, is_first=is_first)

    async def exchange(
        self, session: AsyncSession, used: RefreshToken, row: LoginSession, newest: str, moment: datetime
    ) -> TokenPair:
        """The session goes on with the token `newest`, which is stored when `used` is exchanged for the first time."""
        row.last_used_at = moment
        row.idle_expires_at = moment + self._lifetimes.idle
        expires = min(row.idle_expires_at, row.expires_at)
        if used.used_at is not None:
            access, access_expires = await self._tokens.issue(_subject(row))
            return TokenPair(access, access_expires, newest, expires)
        used.used_at = moment
        return await self._issue(session, _subject(row), expires=expires, refresh_token=newest)

    async def newest_successor(
        self, session: AsyncSession, used: RefreshToken, token: str, moment: datetime
    ) -> str | None:
        """The token to hand out for `token`: its only successor, or the newest of that; None for a replay.

        A successor is computed from its parent, so a repeated refresh hands out the same one, and its plain text need
        not be stored.
        """
        successor = self._successor(used, token)
        if used.used_at is None:
            return successor
        in_grace = moment - used.used_at <= REFRESH_REUSE_GRACE
        for _ in range(MAX_SUCCESSORS):
            found = await self._used_at(session, used, successor)
            if found is None:
                return None
            if found.used_at is None:
                return successor
            if not in_grace:
                return None
            successor = self._successor(used, successor)
        return None

    async def _used_at(self, session: AsyncSession, parent: RefreshToken, token: str) -> RefreshToken | None:
        statement = select(RefreshToken).where(
            col(RefreshToken.customer_id) == parent.customer_id,
            col(RefreshToken.session_id) == parent.session_id,
            col(RefreshToken.token_hash) == self._hash(token),
        )
        found: RefreshToken | None = (await session.exec(statement)).scalars().first()  # type: ignore[call-overload] # an entity
        return found

    def _successor(self, parent: RefreshToken, token: str) -> str:
        secret = self._vault.fingerprints.compute("refresh-successor", token)
        prefix, _, _ = token.partition("_")
        return owner_tokens.compose(prefix, parent.customer_id, secret)

    async def lock_by_token(self, session: AsyncSession, *, organization_id: UUID, token: str) -> LoginSession | None:
        """Lock the session of an access or refresh token; None when the token is invalid or the session has ended."""
        found = await self.lock_by_refresh_token(session, organization_id=organization_id, token=token)
        row = found[1] if found else await self._lock_by_access_token(session, organization_id, token)
        return row if row is not None and row.ended_at is None else None

    async def _lock_by_access_token(
        self, session: AsyncSession, organization_id: UUID, token: str
    ) -> LoginSession | None:
        try:
            claims = await self._tokens.verify(token)
        except (TokenInvalid, TokenExpired):
            return None
        if claims.organization_id != organization_id:
            return None
        return await session.get(LoginSession, (claims.owner_id, claims.session_id), with_for_update=NO_KEY)

    async def lock_by_refresh_token(
        self, session: AsyncSession, *, organization_id: UUID, token: str, prefix: str = REFRESH_PREFIX
    ) -> tuple[RefreshToken, LoginSession] | None:
        """The token with its session, both locked; None for one that was never issued, or not in the organization."""
        owner_id = owner_tokens.owner_id(prefix, token)
        if owner_id is None:
            return None
        # Lock the session together with the token, so that a concurrent logout always wins over a refresh.
        statement = (
            select(RefreshToken, LoginSession)
            .join(
                LoginSession,
                and_(
                    col(LoginSession.owner_id) == col(RefreshToken.customer_id),
                    col(LoginSession.id) == col(RefreshToken.session_id),
                ),
            )
            .where(col(RefreshToken.customer_id) == owner_id, col(RefreshToken.token_hash) == self._hash(token))
            .where(col(RefreshToken.organization_id) == organization_id)
            .with_for_update(**NO_KEY)
        )
        row = (await session.exec(statement)).first()  # type: ignore[call-overload] # two entities
        return (row[0], row[1]) if row else None

    async def _issue(
        self,
        session: AsyncSession,
        subject: Subject,
        *,
        expires: datetime,
        refresh_token: str | None = None,
        prefix: str = REFRESH_PREFIX,
    ) -> TokenPair:
        access, access_expires = await self._tokens.issue(subject)
        # Clients get no refresh tokens: the subject is a customer.
        refresh = refresh_token or owner_tokens.issue(prefix, subject.subject_id)
        execute_at_commit(
            session,
            _INSERT_REFRESH_TOKEN,
            customer_id=subject.subject_id,
            id=new_id(),
            organization_id=subject.organization_id,
            session_id=subject.session_id,
            token_hash=self._hash(refresh),
            issued_at=now(),
            expires_at=expires,
        )
        return TokenPair(access, access_expires, refresh, expires)

    def _hash(self, token: str) -> bytes:
        return token_hash(self._vault, token)


def token_hash(vault: Vault, token: str) -> bytes:
    """The keyed hash under which a refresh token, or the token of a cookie, is stored."""
    return vault.fingerprints.compute("refresh-token", token)


def end_replayed(row: LoginSession) -> RefreshResult:
    """End the session whose token was used again."""
    _end(row, EndReason.TOKEN_REPLAYED)
    return RefreshResult(row.id, row.customer_id, ended_reason=EndReason.TOKEN_REPLAYED, replayed=True)


def _subject(row: LoginSession) -> Subject:
    return Subject(
        kind=row.kind,
        organization_id=row.organization_id,
        session_id=row.id,
        subject_id=row.owner_id,
        scopes=row.scopes,
        client_id=row.client_id,
        owner=_owner_claim(row),
        custom_claim=row.custom_claim,
    )


def _owner_claim(row: LoginSession) -> dict[str, str] | None:
    if row.staff_id:
        return {"type": "Staff", "id": row.staff_id.hex}
    return {"type": "Customer", "id": row.customer_id.hex} if row.customer_id else None


def _end(row: LoginSession, reason: EndReason) -> None:
    row.ended_at = now()
    row.ended_reason = reason.value


async def end(
    session: AsyncSession, *, organization_id: UUID, owner_id: UUID, session_id: UUID, reason: EndReason
) -> LoginSession | None:
    """End one session; its tokens are refused from the next request on. None when it had ended already."""
    row = await session.get(LoginSession, (owner_id, session_id), with_for_update=NO_KEY)
    if row is None or row.organization_id != organization_id or row.ended_at is not None:
        return None
    _end(row, reason)
    session.add(row)
    return row


async def lock(
    session: AsyncSession, *, organization_id: UUID, customer_id: UUID, session_id: UUID
) -> LoginSession | None:
    """Lock a session of the customer; None when there is no such session or it belongs to somebody else."""
    row = await session.get(LoginSession, (customer_id, session_id), with_for_update=NO_KEY)
    owned = row is not None and row.organization_id == organization_id and row.customer_id == customer_id
    return row if owned else None


def end_if_live(row: LoginSession, reason: EndReason) -> bool:
    """End a locked session; False when it had ended or expired already."""
    if row.ended_at is not None or min(row.idle_expires_at, row.expires_at) <= now():
        return False
    _end(row, reason)
    return True


async def end_all(
    session: AsyncSession, *, organization_id: UUID, customer_id: UUID, reason: EndReason, keep: UUID | None = None
) -> int:
    """End all live sessions of a customer, except `keep`; return how many ended."""
    statement = (
        update(LoginSession)
        .where(col(LoginSession.organization_id) == organization_id, col(LoginSession.owner_id) == customer_id)
        .where(col(LoginSession.ended_at).is_(None), col(LoginSession.id) != keep if keep else True)  # type: ignore[arg-type]
        .values(ended_at=now(), ended_reason=reason.value)
    )
    return (await session.exec(statement)).rowcount


async def end_all_for_staff_member(session: AsyncSession, *, organization_id: UUID, staff_id: UUID) -> int:
    """End all live sessions on behalf of a staff member who was removed; return how many ended."""
    statement = (
        update(LoginSession)
        .where(col(LoginSession.organization_id) == organization_id, col(LoginSession.staff_id) == staff_id)
        .where(col(LoginSession.ended_at).is_(None), col(LoginSession.expires_at) > now())
        .values(ended_at=now(), ended_reason=EndReason.STAFF_REMOVED.value)
    )
    return (await session.exec(statement)).rowcount


async def erase(session: AsyncSession, *, customer_id: UUID) -> int:
    """Delete all sessions of a customer and their refresh tokens; return how many sessions there were."""
    # First wait for whoever refreshes one of them, and would add a token between the two deletions.
    its_sessions = select(col(LoginSession.id)).where(col(LoginSession.owner_id) == customer_id)
    await (await session.connection()).execute(its_sessions.with_for_update())
    await session.exec(delete(RefreshToken).where(col(RefreshToken.customer_id) == customer_id))
    return (await session.exec(delete(LoginSession).where(col(LoginSession.owner_id) == customer_id))).rowcount
