"""One attempt at a password: whether it is looked at, and what its outcome changes."""

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
    """Who tries what: `name` is what is guessed at, the same for an unknown name; `customer_id` whose it is.

    `source` is None where all customers come from one, as through an OAuth client that proved who it is.
    """

    organization_id: UUID
    name: str
    customer_id: UUID | None
    source: bytes | None
    device_token: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that may be looked at; the first counter is the one that a success takes back."""

    organization_id: UUID
    customer_id: UUID | None
    device: bytes | None
    counters: tuple[tuple[bytes, Allowance], ...]

    @property
    def keys(self) -> list[bytes]:
        """The keyed hashes of the counters."""
        return [key for key, _ in self.counters]


async def begin(store: Store, policy: GuessingPolicy, guess: Guess) -> Attempt:
    """Ask, with one query and before anything costly, whether the attempt is looked at; raise `RateLimited`.

    A known device of the customer has a counter of its own, so that nobody else's guesses, about the name or from
    the same network, keep the owner out. An attempt that is refused here counts for nothing.
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
    """Count a wrong guess; must be committed, so what it returns is to be returned too.

    `RateLimited` when other guesses closed the door in the meantime: then this one, however it came out, must
    look like one that was not looked at. So many guesses sent at once teach no more than one after the other.
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
    """Forget the wrong guesses about the name, or of the device, but not those of the source.

    A source could otherwise guess at many names and log in to an account of its own in between.
    `RateLimited` as in `fail`.
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
