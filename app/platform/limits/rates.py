"""The door of this room: may this request be carried out, and what to tell its sender about limits."""

from collections.abc import Mapping
from math import ceil

from limits import RateLimitItem

from app.platform.graphql.operations import OperationClass
from app.platform.limits.policies import (
    SOURCE,
    SOURCE_CARDS,
    SOURCE_CREDENTIALS,
    TOKEN_REQUESTS,
    card_policy_of,
    policy_of,
)
from app.platform.limits.shared import SharedWindows
from app.platform.limits.windows import Standing
from app.platform.principal import CallerKind, Principal
from app.platform.vault.fingerprints import Fingerprints

KEY_BYTES = 16


class Exceeded(Exception):
    """The request is not carried out: its sender asks too often."""

    def __init__(self, standing: Standing) -> None:
        """Keep which limit, and when to come back."""
        super().__init__(standing.policy)
        self.standing = standing


class RateLimits:
    """Counts requests by caller and by source; keys are keyed fingerprints, so the store of windows learns nobody's."""

    def __init__(
        self, policies: Mapping[str, RateLimitItem], windows: SharedWindows, fingerprints: Fingerprints
    ) -> None:
        """Hold callers to `policies`."""
        self._policies = policies
        self._windows = windows
        self._fingerprints = fingerprints

    @property
    def degraded(self) -> bool:
        """Whether limits should be shared by all processes and are not."""
        return self._windows.degraded

    async def knock(self, source: bytes) -> Standing:
        """Count a request before anything is looked at, in this process only; raise `Exceeded`."""
        return _checked(await self._windows.take_locally(self._policies[SOURCE], _hex(source)))

    async def admit(
        self, principal: Principal, source: bytes, of: OperationClass, amount: int, *, cards: int = 0
    ) -> Standing:
        """Count what a caller is about to do, and the `cards` it tries; raise `Exceeded`, and it must not be done."""
        if cards:
            await self._admit_cards(principal, source, cards)
        if of is OperationClass.CREDENTIALS and principal.kind is CallerKind.CUSTOMER:
            # Who tries passwords does not get more tries by having an account.
            await self._take(SOURCE_CREDENTIALS, source, amount)
        return await self._take(policy_of(principal.kind, of), self._caller(principal, source), amount)

    async def _admit_cards(self, principal: Principal, source: bytes, cards: int) -> None:
        if principal.kind is CallerKind.CUSTOMER:
            # Who tries stolen cards opens an account for every few of them.
            await self._take(SOURCE_CARDS, source, cards)
        await self._take(card_policy_of(principal.kind), self._caller(principal, source), cards)

    async def admit_token_request(self, source: bytes) -> Standing:
        """Count a request to the token endpoint, by source: the client is not known before its secret is checked."""
        return await self._take(TOKEN_REQUESTS, source, 1)

    async def _take(self, policy: str, key: bytes, amount: int) -> Standing:
        return _checked(await self._windows.take(self._policies[policy], _hex(key), amount))

    def _caller(self, principal: Principal, source: bytes) -> bytes:
        actor = principal.actor_id
        return self._fingerprints.of("rate-limit", actor.hex) if actor else source


def _hex(key: bytes) -> str:
    return key[:KEY_BYTES].hex()


def _checked(standing: Standing) -> Standing:
    if not standing.allowed:
        raise Exceeded(standing)
    return standing


def headers(standing: Standing) -> dict[str, str]:
    """What to tell a client: the fields of draft-ietf-httpapi-ratelimit-headers-10, and the older ones clients read."""
    remaining = 0 if not standing.allowed else standing.remaining
    told = {
        "RateLimit-Policy": f'"{standing.policy}";q={standing.limit};w={standing.window}',
        "RateLimit": f'"{standing.policy}";r={remaining};t={ceil(standing.seconds)}',
        "RateLimit-Limit": str(standing.limit),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(standing.seconds),
    }
    return told if standing.allowed else told | {"Retry-After": str(standing.seconds)}
