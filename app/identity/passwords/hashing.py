"""Password hasher: argon2id in a thread pool, off the event loop and within a fixed amount of memory."""

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

from app.identity.passwords import formats
from app.identity.passwords.memory import HeapTrimmer
from app.identity.passwords.normalization import candidate_encodings, encode, normal_form
from app.identity.passwords.strength import PasswordTooLong
from app.platform.errors import RateLimited

Result = TypeVar("Result")

# Stored for an account without a password. No password matches it, and verifying costs the same as for any other.
UNUSABLE_PASSWORD = "!"


class TooBusy(RateLimited):
    """The queue of passwords to hash is full; nothing was hashed. The seconds are an estimate of when it is empty."""

    message = "Too many people are logging in at this moment. Try again in {seconds} s."


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a password matches; `upgraded_hash` replaces the stored hash when that was outdated."""

    matches: bool
    upgraded_hash: str | None = None


class PasswordHasher:
    """Makes and verifies password hashes: argon2id with one lane (RFC 9106), parameters as OWASP recommends.

    Call `warm_up` before serving and `close` at the end. Use one per process: at most `parallel` passwords are hashed
    at a time and at most `queue` more wait, so hashing takes at most `parallel` x `memory_kib`. (Verifying an imported
    hash takes the memory that its parameters ask for, at most 128 MiB for hashes that `scheme` accepted.)
    """

    def __init__(self, memory_kib: int, iterations: int, parallel: int | None = None, queue: int = 64) -> None:
        """Hash with `memory_kib` (at least 8) and `iterations`; `parallel` is the number of CPU cores unless given."""
        self.memory_kib = memory_kib
        self.iterations = iterations
        self.parallel = parallel or os.cpu_count() or 1
        self.queue = queue
        self.hashes = 0
        self.in_flight = 0
        self._context = formats.crypt_context(memory_kib, iterations)
        self._current_pattern = formats.argon2_pattern(memory_kib, iterations)
        self._heap_trimmer = HeapTrimmer()
        self._executor = ThreadPoolExecutor(self.parallel, thread_name_prefix="passwords")
        self._slots = threading.BoundedSemaphore(self.parallel + queue)
        self._count_lock = threading.Lock()
        self._dummy_lock = threading.Lock()
        self._dummy: str | None = None
        self._seconds_per_hash = 0.1

    async def warm_up(self) -> None:
        """Make the dummy hash and load the libraries, so that the first login takes no longer than the next ones."""
        await self._run(self._prepare)

    async def hash(self, password: str) -> str:
        """The hash to store for `password`; raise `PasswordTooLong` over 128 characters, `TooBusy`.

        Its strength is not checked: see `strength.check`.
        """
        normal = normal_form(password)
        if normal is None:
            raise PasswordTooLong
        secret = encode(normal)
        return await self._run(lambda: self._hash(secret))

    async def verify(self, password: str, hash: str | None) -> Verification:  # noqa: A002 - the word of the field
        """Whether `password` matches `hash`, in any format that `scheme` accepts; raise `TooBusy`.

        A mismatch costs at least one argon2id computation with the current parameters:

        | `hash`                                      | Cost of a mismatch, for each encoding of the password        |
        |---------------------------------------------|--------------------------------------------------------------|
        | None (no account)                           | one argon2id computation, against a dummy hash               |
        | `UNUSABLE_PASSWORD`, or unreadable          | the same                                                     |
        | argon2id with the current parameters        | one argon2id computation                                     |
        | outdated (imported, or with old parameters) | its own cost, and one argon2id computation against the dummy |

        Timing therefore distinguishes an outdated hash only, until the first login replaces it: measurably for slow
        formats such as bcrypt, not for salted SHA-1. Passwords over 128 characters never match. Only a match yields an
        upgraded hash.
        """
        return await self._run(lambda: self._verify(password, hash))

    def scheme(self, hash: str) -> str | None:  # noqa: A002 - the word of the field
        """The name of the format of `hash`, for import; None when the hash is malformed or its format unsupported.

        Also None when verifying would take more than about two seconds or 128 MiB. Nothing is hashed.
        """
        try:
            scheme: str | None = self._context.identify(hash)
            if scheme is None:
                return None
            parsed = self._context.handler(scheme).from_string(hash)
        except formats.INVALID_HASH_ERRORS:
            return None
        return scheme if formats.is_verifiable(parsed) and formats.is_affordable(scheme, parsed) else None

    def needs_rehash(self, hash: str) -> bool:  # noqa: A002 - the word of the field
        """Whether the next login replaces `hash`: True unless it is argon2id with exactly the current parameters."""
        return self._current_pattern.fullmatch(hash) is None

    def close(self) -> None:
        """Finish running jobs, cancel waiting ones, and end the threads."""
        self._heap_trimmer.cancel_trim()
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], Result]) -> Result:
        if not self._slots.acquire(blocking=False):
            raise TooBusy(max(1, ceil((1 + self.queue / self.parallel) * self._seconds_per_hash)))
        self._heap_trimmer.cancel_trim()
        self.in_flight += 1
        try:
            return await asyncio.wrap_future(self._submit(work))
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self._heap_trimmer.schedule_trim()

    def _submit(self, work: Callable[[], Result]) -> Future[Result]:
        try:
            job = self._executor.submit(work)
        except RuntimeError:
            self._slots.release()
            raise
        # The slot belongs to the job, not to the task that awaits it. Cancelling the task frees the slot of a waiting
        # job immediately, but that of a running job only when its thread, and so its memory, is free again.
        job.add_done_callback(lambda _: self._slots.release())
        return job

    def _prepare(self) -> None:
        for scheme in ("argon2", "bcrypt", "scrypt"):
            self._context.handler(scheme).get_backend()
        self._verify_dummy(b"")

    def _verify(self, password: str, stored: str | None) -> Verification:
        candidates = candidate_encodings(password)
        if not candidates:
            self._verify_dummy(b"")
        # Each encoding costs one computation, for known and unknown accounts alike.
        for candidate in candidates:
            if self._matches(candidate, stored):
                return Verification(matches=True, upgraded_hash=self._upgraded(candidate, candidates[0], stored))
        return Verification(matches=False)

    def _upgraded(self, candidate: bytes, normal: bytes, stored: str | None) -> str | None:
        is_current = candidate == normal and stored is not None and not self.needs_rehash(stored)
        return None if is_current else self._hash(normal)

    def _matches(self, secret: bytes, stored: str | None) -> bool:
        if stored is None:
            return self._verify_dummy(secret)
        if not self.needs_rehash(stored):
            self._count_hash()
            return self._compare(secret, stored)
        return self._compare(secret, stored) or self._verify_dummy(secret)

    def _compare(self, secret: bytes, stored: str) -> bool:
        try:
            truncated = formats.truncate(self._context.identify(stored), secret)
            return bool(self._context.verify(truncated, stored))
        except formats.INVALID_HASH_ERRORS:
            # bcrypt also raises for a password with a NUL character, which it can never have hashed.
            return False

    def _verify_dummy(self, secret: bytes) -> bool:
        """Spend the time that verifying a wrong password takes; always False."""
        dummy = self._dummy_hash()
        self._count_hash()
        self._context.verify(secret, dummy)
        return False

    def _dummy_hash(self) -> str:
        with self._dummy_lock:
            if self._dummy is None:
                started = time.perf_counter()
                self._dummy = self._hash(secrets.token_bytes(32))
                self._seconds_per_hash = time.perf_counter() - started
            return self._dummy

    def _hash(self, secret: bytes) -> str:
        self._count_hash()
        return str(self._context.hash(secret))

    def _count_hash(self) -> None:
        with self._count_lock:
            self.hashes += 1
