"""Access tokens: JSON Web Tokens (RFC 7519, profile after RFC 9068) signed with EdDSA."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from app.identity.sessions.signing import SigningKeys
from app.platform.clock import now
from app.platform.errors import AppError, ErrorCode

ALGORITHM = "EdDSA"
AUDIENCE = "patron"
TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
TOKEN_MAX = 4096
CACHED_TOKENS = 10_000


class TokenInvalid(AppError):
    """The token was not issued here, was used up, or was revoked."""

    code = ErrorCode.TOKEN_INVALID
    message = "This token is not valid. Log in again."


class TokenRevoked(TokenInvalid):
    """A token of ours whose session has ended."""

    message = "This session has ended. Log in again."


class TokenExpired(AppError):
    """The token was issued here but its lifetime is over."""

    code = ErrorCode.TOKEN_EXPIRED
    message = "This token has expired. Log in again."


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of an access token that the service itself needs; `owner_id` is its subject."""

    owner_id: UUID
    session_id: UUID
    organization_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject a token is issued to, and the client it is issued through; `owner` is the person it acts for."""

    kind: str
    organization_id: UUID
    session_id: UUID
    subject_id: UUID
    scopes: str = ""
    client_id: UUID | None = None
    owner: Mapping[str, str] | None = None
    custom_claim: Mapping[str, Any] | None = None


class AccessTokens:
    """Issues and verifies access tokens. Callers must check separately that the session has not ended."""

    def __init__(self, keys: SigningKeys, *, issuer: str, lifetime: timedelta) -> None:
        """Issue tokens as `issuer`, each valid for `lifetime`."""
        self._keys = keys
        self._issuer = issuer
        self._lifetime = lifetime
        self._verified: OrderedDict[str, Claims] = OrderedDict()

    async def issue(self, subject: Subject) -> tuple[str, datetime]:
        """A new token and its expiry."""
        issued = now().replace(microsecond=0)
        expires = issued + self._lifetime
        payload: dict[str, Any] = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": subject.subject_id.hex,
            "org": subject.organization_id.hex,
            "sid": subject.session_id.hex,
            "kind": subject.kind,
            "scope": subject.scopes,
            "iat": issued,
            "exp": expires,
        }
        if subject.client_id:
            payload["client_id"] = subject.client_id.hex
        if subject.owner:
            payload["owner"] = dict(subject.owner)
        if subject.custom_claim:
            payload["custom_claim"] = dict(subject.custom_claim)
        key = await self._keys.current()
        return jwt.encode(payload, key.private, ALGORITHM, headers={"kid": key.kid, "typ": "at+jwt"}), expires

    async def verify(self, token: str) -> Claims:
        """The claims of the token; raise `TokenInvalid` or `TokenExpired`. The last 10,000 verified ones are cached."""
        claims = self._verified.get(token) or await self._verify(token)
        if claims.expires_at <= now():
            self._verified.pop(token, None)
            raise TokenExpired
        return claims

    async def verify_expired(self, token: str) -> Claims | None:
        """What a token of ours says, even when its time is over; None for any other text."""
        try:
            return await self._decode(token, verify_expiry=False)
        except TokenInvalid:
            return None

    async def _verify(self, token: str) -> Claims:
        claims = self._verified[token] = await self._decode(token, verify_expiry=True)
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return claims

    async def _decode(self, token: str, *, verify_expiry: bool) -> Claims:
        if len(token) > TOKEN_MAX:
            raise TokenInvalid
        try:
            header = jwt.get_unverified_header(token)
            key = await self._keys.find(str(header.get("kid")))
            # RFC 9068, section 4: no other JSON Web Token of ours may pass for an access token.
            if key is None or str(header.get("typ")).lower() not in TOKEN_TYPES:
                raise TokenInvalid
            payload = jwt.decode(
                token,
                key.public,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"require": ["exp", "iat", "sub", "sid", "org"], "verify_exp": verify_expiry},
            )
            return Claims(
                owner_id=UUID(hex=payload["sub"]),
                session_id=UUID(hex=payload["sid"]),
                organization_id=UUID(hex=payload["org"]),
                expires_at=datetime.fromtimestamp(payload["exp"], UTC),
            )
        except jwt.ExpiredSignatureError:
            raise TokenExpired from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError):
            raise TokenInvalid from None
