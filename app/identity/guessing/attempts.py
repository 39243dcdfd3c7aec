"""Guess limits applied to one password attempt: refuses it while blocked, counts a failure, resets after a success.

Which counters apply to an attempt, and what changes them:

| Counter  | Of                           | Applies                                             | Failure | Success |
|----------|------------------------------|-----------------------------------------------------|---------|---------|
| `device` | the customer and the device  | with a valid device token, instead of the other two | +1      | deleted |
| `name`   | the name, taken or not       | without a valid device token                        | +1      | deleted |
| `source` | the request's client address | the same, unless `source` is None                   | +1      | kept    |

`policy` says how many failures each allows and how long it then blocks.
A success keeps the counter of the source, because one source could otherwise guess at many names and log in to an
account of its own in between. A password reset deletes the counters of the customer's names and devices
(`repository.reset_for_customer`). A counter restarts at 1 when its last failure is older than 24 hours.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.identity.guessing import device_tokens, repository
from app.identity.guessing.policy import FAILURE_RETENTION, Allowance, GuessingPolicy
from app.platform.clock import now
from app.platform.errors import RateLimited
from app.platform.vault.vault import Store

PURPOSE = "guess"


class Guess(NamedTuple):
    """What is attempted. `name` is set for unknown names too; `customer_id` is the customer who has it, if any.

    `source` is the fingerprint of the client address. It is None where all customers share one address, as behind an
    OAuth client that authenticated.
    """

    organization_id: UUID
    name: str
    customer_id: UUID | None
    source: bytes | None
    device_token: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is not blocked. A success deletes the first counter only."""

    organization_id: UUID
    customer_id: UUID | None
    device: bytes | None
    counters: tuple[tuple[bytes, Allowance], ...]

    @property
    def keys(self) -> list[bytes]:
        """The keyed hashes of the counters."""
        return [key for key, _ in self.counters]


async def begin(store: Store, policy: GuessingPolicy, guess: Guess) -> Attempt:
    """Check with one query, before any password is hashed, that no counter blocks the attempt; raise `RateLimited`.

    A known device of the customer has a counter of its own. Guesses by others, about the name or from the same
    network, therefore do not lock the owner out. An attempt refused here is not counted.
    """
    device = device_tokens.verify(store.vault.fingerprints, guess.device_token, customer_id=guess.customer_id)
    attempt = Attempt(guess.organization_id, guess.customer_id, device, tuple(_counters(store, policy, guess, device)))
    blocked = await repository.blocked_until(store, attempt.keys)
    _raise_if_blocked(blocked)
    return attempt


def _counters(
    store: Store, policy: GuessingPolicy, guess: Guess, device: bytes | None
) -> Iterable[tuple[bytes, Allowance]]:
    def key(kind: str, value: str) -> bytes:
        return store.vault.fingerprints.compute(PURPOSE, f"{kind}:{value}", organization_id=guess.organization_id)

    if device is not None:
        yield key("device", f"{guess.customer_id}:{device.hex()}"), policy.device
        return
    yield key("name", guess.name), policy.account
    if guess.source is not None:
        yield key("source", guess.source.hex()), policy.source


def _raise_if_blocked(moments: Iterable[datetime]) -> None:
    wait = max((moment - now()).total_seconds() for moment in [now(), *moments])
    if wait > 0:
        raise RateLimited(ceil(wait))


async def fail(session: AsyncSession, attempt: Attempt) -> RateLimited | None:
    """Count a wrong password. The transaction must be committed, so the caller returns the error, never raises it.

    Return `RateLimited` when concurrent attempts blocked a counter in the meantime. The caller must then answer as if
    the password had not been checked: concurrent guesses must reveal no more than sequential ones.
    """
    rows = await repository.lock_counters(session, attempt, create=True)
    blocked = _blocked_error(rows)
    if blocked is not None:
        return blocked
    moment = now()
    allowances = dict(attempt.counters)
    for row in rows:
        failures = 1 if row.last_failed_at < moment - FAILURE_RETENTION else row.failures + 1
        repository.record_failure(
            session,
            row,
            customer_id=attempt.customer_id if row.key_hash == attempt.keys[0] else None,
            failures=failures,
            blocked_until=moment + allowances[row.key_hash].delay(failures),
        )
    return None


async def succeed(session: AsyncSession, attempt: Attempt) -> RateLimited | None:
    """Delete the counter of the name or of the device, never that of the source. Return `RateLimited` as `fail` does.

    A source could otherwise guess at many names and log in to an account of its own in between.
    """
    rows = await repository.lock_counters(session, attempt, create=False)
    blocked = _blocked_error(rows)
    if blocked is None:
        for row in rows:
            if row.key_hash == attempt.keys[0]:
                repository.delete_counter(session, row)
    return blocked


def _blocked_error(rows: Iterable[repository.LockedCounter]) -> RateLimited | None:
    try:
        _raise_if_blocked(row.blocked_until for row in rows)
    except RateLimited as blocked:
        return blocked
    return None
