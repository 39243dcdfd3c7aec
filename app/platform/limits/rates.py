"""The rate limiter: counts requests against the policies, and writes the rate-limit headers."""

from collections.abc import Mapping
from math import ceil
from uuid import UUID

from limits import RateLimitItem

from app.platform.graphql.operations import OperationClass
from app.platform.limits.policies import (
    RECIPIENT_MAILS,
    SESSION_REFRESHES,
    SOURCE,
    SOURCE_CARDS,
    SOURCE_CREDENTIALS,
    SOURCE_REFRESH_FAILURES,
    TOKEN_REQUESTS,
    card_policy_for,
    policy_for,
)
from app.platform.limits.shared import SharedWindows
from app.platform.limits.windows import LimitStatus
from app.platform.principal import CallerKind, Principal
from app.platform.vault.fingerprints import Fingerprints

KEY_BYTES = 16


class RateLimitExceeded(Exception):
    """The request is refused, because its sender exceeded a rate limit."""

    def __init__(self, limit_status: LimitStatus) -> None:
        """Keep the limit that was exceeded, and when a retry makes sense."""
        super().__init__(limit_status.policy)
        self.limit_status = limit_status


class RateLimits:
    """Counts requests by caller and by source. Keys are keyed fingerprints, so Redis learns no id and no address."""

    def __init__(
        self, policies: Mapping[str, RateLimitItem], windows: SharedWindows, fingerprints: Fingerprints
    ) -> None:
        """Apply `policies`."""
        self._policies = policies
        self._windows = windows
        self._fingerprints = fingerprints

    @property
    def degraded(self) -> bool:
        """Whether limits should be shared by all processes but are counted locally."""
        return self._windows.degraded

    async def count_source(self, source: bytes) -> LimitStatus:
        """Count a request before it is parsed, in this process only; raise `RateLimitExceeded`."""
        return _checked(await self._windows.hit_locally(self._policies[SOURCE], _hex(source)))

    async def admit(
        self, principal: Principal, source: bytes, operation_class: OperationClass, amount: int, *, cards: int = 0
    ) -> LimitStatus:
        """Count an operation and its `cards` card checks; raise `RateLimitExceeded` when it must not run."""
        if cards:
            await self._admit_cards(principal, source, cards)
        if operation_class is OperationClass.REFRESHES:
            # A good refresh token is no guess: only failures are counted by source, once they are known.
            policy = self._policies[SOURCE_REFRESH_FAILURES]
            return _checked(await self._windows.test(policy, _hex(source)))
        if operation_class is OperationClass.CREDENTIALS and principal.kind is CallerKind.CUSTOMER:
            # An account must not give an attacker more attempts at passwords.
            await self._hit(SOURCE_CREDENTIALS, source, amount)
        return await self._hit(policy_for(principal.kind, operation_class), self._caller(principal, source), amount)

    async def admit_mail(self, kind: str, organization_id: UUID, canonical: str) -> LimitStatus:
        """Count a mail that anybody may ask for, by its address, whether or not somebody has it."""
        key = self._fingerprints.compute("recipient", f"{kind}:{canonical}", organization_id=organization_id)
        return await self._hit(RECIPIENT_MAILS, key, 1)

    async def count_refresh_failure(self, source: bytes) -> None:
        """Count a refresh token that was never issued; the next ones are refused when there were too many."""
        await self._windows.hit(self._policies[SOURCE_REFRESH_FAILURES], _hex(source), 1)

    async def admit_session_refresh(self, session_id: UUID) -> LimitStatus:
        """Count a refresh with a good token by its session: shops with a server have one address for all customers."""
        return await self._hit(SESSION_REFRESHES, self._fingerprints.compute("rate-limit", session_id.hex), 1)

    async def _admit_cards(self, principal: Principal, source: bytes, cards: int) -> None:
        if principal.kind is CallerKind.CUSTOMER:
            # Somebody who tests stolen cards would open an account for every few of them.
            await self._hit(SOURCE_CARDS, source, cards)
        await self._hit(card_policy_for(principal.kind), self._caller(principal, source), cards)

    async def admit_token_request(self, source: bytes) -> LimitStatus:
        """Count a request to the token endpoint, by source: the client is unknown until its secret is checked."""
        return await self._hit(TOKEN_REQUESTS, source, 1)

    async def _hit(self, policy: str, key: bytes, amount: int) -> LimitStatus:
        return _checked(await self._windows.hit(self._policies[policy], _hex(key), amount))

    def _caller(self, principal: Principal, source: bytes) -> bytes:
        actor = principal.actor_id
        return self._fingerprints.compute("rate-limit", actor.hex) if actor else source


def _hex(key: bytes) -> str:
    return key[:KEY_BYTES].hex()


def _checked(limit_status: LimitStatus) -> LimitStatus:
    if not limit_status.allowed:
        raise RateLimitExceeded(limit_status)
    return limit_status


def headers(limit_status: LimitStatus) -> dict[str, str]:
    """The response fields of draft-ietf-httpapi-ratelimit-headers-10, and the older ones that clients read."""
    remaining = 0 if not limit_status.allowed else limit_status.remaining
    rate_limit_headers = {
        "RateLimit-Policy": f'"{limit_status.policy}";q={limit_status.limit};w={limit_status.window}',
        "RateLimit": f'"{limit_status.policy}";r={remaining};t={ceil(limit_status.reset_seconds)}',
        "RateLimit-Limit": str(limit_status.limit),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(limit_status.reset_seconds),
    }
    return (
        rate_limit_headers
        if limit_status.allowed
        else rate_limit_headers | {"Retry-After": str(limit_status.reset_seconds)}
    )
