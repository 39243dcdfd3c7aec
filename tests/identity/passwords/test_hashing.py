"""Tests of the password hasher: cost of a mismatch, queue, cancellation, event loop."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from app.identity.passwords.hashing import UNUSABLE_PASSWORD, PasswordHasher, TooBusy, Verification
from app.identity.passwords.strength import PasswordTooWeak
from app.platform.errors import ErrorCode, ErrorRule

PASSWORD = "correct horse battery staple"


def hasher(parallel: int = 1, queue: int = 4) -> PasswordHasher:
    return PasswordHasher(memory_kib=8, iterations=1, parallel=parallel, queue=queue)


class BlockedHasher(PasswordHasher):
    """A hasher whose threads wait for `release`, and which records how many waited at the same time."""

    def __init__(self, parallel: int = 1, queue: int = 1) -> None:
        super().__init__(memory_kib=8, iterations=1, parallel=parallel, queue=queue)
        self.released = threading.Event()
        self.entered = threading.Semaphore(0)
        self.inside = self.most_inside = 0

    def _hash(self, secret: bytes) -> str:
        with self._count_lock:
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
        self.entered.release()
        self.released.wait()
        with self._count_lock:
            self.inside -= 1
        return super()._hash(secret)

    async def until_entered(self) -> None:
        while not self.entered.acquire(blocking=False):
            await asyncio.sleep(0)


async def started(*works: Coroutine[Any, Any, Any]) -> list["asyncio.Task[Any]"]:
    """Tasks for `works`, each run until it has to wait."""
    tasks = [asyncio.ensure_future(work) for work in works]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


def test_a_password_matches_its_own_hash_and_no_other_does() -> None:
    async def scenario() -> None:
        passwords = hasher()
        stored = await passwords.hash(PASSWORD)

        assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
        assert await passwords.verify(PASSWORD, stored) == Verification(matches=True, upgraded_hash=None)
        assert await passwords.verify(PASSWORD + " ", stored) == Verification(matches=False)
        assert await passwords.verify(PASSWORD.upper(), stored) == Verification(matches=False)

    asyncio.run(scenario())


def test_the_same_password_is_never_hashed_to_the_same_text_twice() -> None:
    async def scenario() -> None:
        passwords = hasher()

        assert await passwords.hash(PASSWORD) != await passwords.hash(PASSWORD)

    asyncio.run(scenario())


@pytest.mark.parametrize("change", [{"memory_kib": 16}, {"iterations": 2}, {"memory_kib": 16, "iterations": 2}])
def test_a_hash_of_other_parameters_is_replaced_at_login_by_one_of_the_current_ones(change: dict[str, int]) -> None:
    async def scenario() -> None:
        current = PasswordHasher(**{"memory_kib": 8, "iterations": 1} | change, parallel=1)
        for older, newer in ((hasher(), current), (current, hasher())):
            stored = await older.hash(PASSWORD)

            upgraded = (await newer.verify(PASSWORD, stored)).upgraded_hash

            assert newer.needs_rehash(stored)
            assert upgraded is not None
            assert not newer.needs_rehash(upgraded)
            assert (await newer.verify("wrong", stored)).upgraded_hash is None

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "stored",
    [
        None,
        UNUSABLE_PASSWORD,
        "",
        "no hash at all",
        "$argon2id$v=19$m=8,t=1,p=1$cut off",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$!",
        "{SSHA}/////////////////////////////w==",
        "$opencart$salt$da39a3ee5e6b4b0d3255bfef95601890afd80709",
    ],
)
def test_an_absent_unusable_unknown_or_fast_old_hash_costs_exactly_what_a_wrong_password_costs(
    stored: str | None,
) -> None:
    async def scenario() -> None:
        passwords = hasher()
        await passwords.warm_up()
        known = await passwords.hash(PASSWORD)
        before = passwords.hashes
        await passwords.verify("wrong", known)
        of_a_wrong_password = passwords.hashes - before

        before = passwords.hashes
        verified = await passwords.verify("wrong", stored)

        assert verified == Verification(matches=False)
        assert passwords.hashes - before == of_a_wrong_password == 1

    asyncio.run(scenario())


def test_a_password_with_two_spellings_costs_the_same_for_a_known_account_and_an_unknown_one() -> None:
    async def scenario() -> None:
        passwords = hasher()
        await passwords.warm_up()
        known = await passwords.hash(PASSWORD)
        costs = []
        for stored in (known, None, UNUSABLE_PASSWORD):
            before = passwords.hashes
            await passwords.verify("Cafe\u0301 au lait", stored)
            costs.append(passwords.hashes - before)

        assert costs == [2, 2, 2]

    asyncio.run(scenario())


@pytest.mark.parametrize("spelling", ["Zu\u0308rich \u2460", "Z\u00fcrich 1", "\uff3a\u00fcrich\u00a01"])
def test_every_spelling_of_one_password_matches(spelling: str) -> None:
    async def scenario() -> None:
        passwords = hasher()
        stored = await passwords.hash("Z\u00fcrich 1")

        assert await passwords.verify(spelling, stored) == Verification(matches=True)
        assert (await passwords.verify("Z\u00fcrich 1", await passwords.hash(spelling))).matches

    asyncio.run(scenario())


def test_a_hash_that_only_matches_what_was_typed_is_replaced_even_with_the_current_parameters() -> None:
    async def scenario() -> None:
        passwords = hasher()
        elsewhere = passwords._context.hash("Zu\u0308rich 1")

        verified = await passwords.verify("Zu\u0308rich 1", elsewhere)

        assert verified.matches
        assert (await passwords.verify("Z\u00fcrich 1", verified.upgraded_hash)).matches

    asyncio.run(scenario())


@pytest.mark.parametrize("password", ["a\0b", "\0", "\ud800", "", " ", "\n", "\U0001f600" * 128])
def test_any_text_of_at_most_128_characters_can_be_hashed_and_verified(password: str) -> None:
    async def scenario() -> None:
        passwords = hasher()
        stored = await passwords.hash(password)

        assert (await passwords.verify(password, stored)).matches
        assert not (await passwords.verify(password + "b", stored)).matches

    asyncio.run(scenario())


def test_a_nul_does_not_end_a_password() -> None:
    async def scenario() -> None:
        passwords = hasher()

        assert not (await passwords.verify("a\0c", await passwords.hash("a\0b"))).matches

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "password", ["a" * 129, "a" * 10_000_000, "\ufdfa" * 8], ids=["129", "10 million", "8 become 144"]
)
def test_a_password_over_128_characters_is_not_hashed(password: str) -> None:
    async def scenario() -> None:
        passwords = hasher()

        with pytest.raises(PasswordTooWeak) as refusal:
            await passwords.hash(password)

        assert refusal.value.rule is ErrorRule.LENGTH
        assert refusal.value.code is ErrorCode.PASSWORD_TOO_WEAK
        assert passwords.hashes == 0

    asyncio.run(scenario())


def test_a_password_over_128_characters_matches_nothing_at_the_cost_of_a_wrong_one() -> None:
    async def scenario() -> None:
        passwords = hasher()
        await passwords.warm_up()
        stored = await passwords.hash("a" * 128)
        before = passwords.hashes

        assert await passwords.verify("a" * 129, stored) == Verification(matches=False)
        assert passwords.hashes - before == 1

    asyncio.run(scenario())


def test_warming_up_makes_the_dummy_so_that_the_first_login_costs_what_every_other_does() -> None:
    async def scenario() -> None:
        passwords = hasher()
        await passwords.warm_up()
        costs = []
        for _ in range(3):
            before = passwords.hashes
            await passwords.verify("wrong", None)
            costs.append(passwords.hashes - before)

        assert costs == [1, 1, 1]

    asyncio.run(scenario())


def test_concurrent_first_logins_without_warming_up_make_one_dummy() -> None:
    async def scenario() -> None:
        passwords = hasher(parallel=4, queue=8)

        await asyncio.gather(*(passwords.verify("wrong", None) for _ in range(8)))

        assert passwords.hashes == 8 + 1

    asyncio.run(scenario())


def test_more_than_the_queue_holds_is_refused_with_a_time_to_come_back_and_then_taken_again() -> None:
    async def scenario() -> None:
        passwords = BlockedHasher(parallel=1, queue=2)
        waiting = await started(*(passwords.hash(PASSWORD) for _ in range(3)))

        with pytest.raises(TooBusy) as refusal:
            await passwords.hash(PASSWORD)
        with pytest.raises(TooBusy):
            await passwords.verify(PASSWORD, None)
        passwords.released.set()
        hashes = await asyncio.gather(*waiting)

        assert refusal.value.code is ErrorCode.RATE_LIMITED
        assert refusal.value.retry_after_seconds >= 1
        assert f"Try again in {refusal.value.retry_after_seconds} s." in str(refusal.value)
        assert len(set(hashes)) == 3
        assert passwords.hashes == 3
        assert (await passwords.verify(PASSWORD, hashes[0])).matches

    asyncio.run(scenario())


def test_never_more_passwords_than_parallel_are_in_memory_at_once() -> None:
    async def scenario() -> None:
        passwords = BlockedHasher(parallel=2, queue=20)
        waiting = await started(*(passwords.hash(PASSWORD) for _ in range(20)))
        await passwords.until_entered()
        await passwords.until_entered()
        passwords.released.set()
        await asyncio.gather(*waiting)

        assert passwords.most_inside == 2

    asyncio.run(scenario())


def test_the_event_loop_goes_on_while_a_password_is_hashed() -> None:
    async def scenario() -> None:
        passwords = BlockedHasher()
        (hashing,) = await started(passwords.hash(PASSWORD))
        await passwords.until_entered()
        ticks = 0
        while ticks < 1000:
            await asyncio.sleep(0)
            ticks += 1

        assert not hashing.done()
        passwords.released.set()
        assert (await hashing).startswith("$argon2id$")

    asyncio.run(scenario())


def test_argon2_itself_lets_the_event_loop_go_on() -> None:
    async def scenario() -> int:
        passwords = PasswordHasher(memory_kib=1024, iterations=100, parallel=1)
        (hashing,) = await started(passwords.hash(PASSWORD))
        ticks = 0
        while not hashing.done():
            await asyncio.sleep(0)
            ticks += 1
        return ticks

    assert asyncio.run(scenario()) > 20


def test_a_cancelled_login_that_was_waiting_gives_its_place_back_and_is_never_hashed() -> None:
    async def scenario() -> None:
        passwords = BlockedHasher(parallel=1, queue=1)
        running, waiting = await started(passwords.hash(PASSWORD), passwords.hash(PASSWORD))
        await passwords.until_entered()

        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        (next_one,) = await started(passwords.hash(PASSWORD))
        passwords.released.set()
        await asyncio.gather(running, next_one)

        assert passwords.hashes == 2

    asyncio.run(scenario())


def test_a_cancelled_login_that_is_being_hashed_keeps_its_place_until_the_memory_is_free() -> None:
    async def scenario() -> None:
        passwords = BlockedHasher(parallel=1, queue=0)
        (running,) = await started(passwords.hash(PASSWORD))
        await passwords.until_entered()

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with pytest.raises(TooBusy):
            await passwords.hash(PASSWORD)
        passwords.released.set()
        while passwords.hashes < 1 or not passwords._slots.acquire(blocking=False):
            await asyncio.sleep(0)
        passwords._slots.release()

        assert (await passwords.hash(PASSWORD)).startswith("$argon2id$")

    asyncio.run(scenario())


def test_a_thousand_cancelled_logins_leak_no_place() -> None:
    async def scenario() -> None:
        passwords = hasher(parallel=2, queue=8)
        for _ in range(100):
            tasks = await started(*(passwords.verify("wrong", None) for _ in range(10)))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        passwords.close()

        places = 0
        while passwords._slots.acquire(blocking=False):
            places += 1
        assert places == 2 + 8

    asyncio.run(scenario())


def test_a_closed_hasher_takes_nothing_more_and_leaks_no_place() -> None:
    async def scenario() -> None:
        passwords = hasher(queue=0)
        passwords.close()

        for _ in range(3):
            with pytest.raises(RuntimeError):
                await passwords.hash(PASSWORD)

    asyncio.run(scenario())


def test_one_hasher_serves_two_event_loops() -> None:
    passwords = hasher(queue=0)
    stored = asyncio.run(passwords.hash(PASSWORD))

    assert asyncio.run(passwords.verify(PASSWORD, stored)).matches


def test_as_many_passwords_are_hashed_at_once_as_there_are_cores_unless_configured_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 7)

    assert PasswordHasher(memory_kib=8, iterations=1).parallel == 7
