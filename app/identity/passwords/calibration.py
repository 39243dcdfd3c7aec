"""Benchmark of argon2id on this machine, for choosing its parameters."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from passlib.hash import argon2  # type: ignore[import-untyped]

# (KiB, iterations). The first five are the equally strong minimums of the OWASP Password Storage Cheat Sheet; the last
# is the second recommended option of RFC 9106, section 4, for machines with memory to spare.
CHOICES = ((47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5), (65_536, 3))
SAMPLE_PASSWORD = b"correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One set of parameters and the time that one hash takes on an idle core."""

    memory_kib: int
    iterations: int
    min_iterations: int
    milliseconds: float
    within_target: bool

    @property
    def memory_mib(self) -> float:
        """The memory in MiB that each concurrent hash takes."""
        return self.memory_kib / 1024

    @property
    def hashes_per_second(self) -> float:
        """How many logins one core can serve; concurrent ones are slower, since memory bandwidth is the bottleneck."""
        return 1000 / self.milliseconds


def calibrate(
    target_milliseconds: float, *, choices: Sequence[tuple[int, int]] = CHOICES, repetitions: int = 3
) -> list[Measurement]:
    """For each (memory in KiB, minimum iterations) of `choices`, the most iterations that stay within the target.

    Never fewer than the minimum: `within_target` is False where even that is too slow. Blocks for about
    `repetitions` x 2 x target for each choice. The fastest repetition counts, as it was disturbed least.
    """
    return [_measure(memory, min_iterations, target_milliseconds, repetitions) for memory, min_iterations in choices]


def _measure(memory_kib: int, min_iterations: int, target: float, repetitions: int) -> Measurement:
    iterations, elapsed = min_iterations, _milliseconds(memory_kib, min_iterations, repetitions)
    estimate = min_iterations * target / elapsed
    # The estimate is too high when something else used the core during the longer measurement only.
    for share in (1, 0.9, 0.75):
        candidate = int(estimate * share)
        if candidate > min_iterations:
            candidate_elapsed = _milliseconds(memory_kib, candidate, repetitions)
            if candidate_elapsed <= target:
                iterations, elapsed = candidate, candidate_elapsed
                break
    return Measurement(memory_kib, iterations, min_iterations, elapsed, within_target=elapsed <= target)


def _milliseconds(memory_kib: int, iterations: int, repetitions: int) -> float:
    hasher = argon2.using(type="ID", memory_cost=memory_kib, rounds=iterations, parallelism=1)
    return min(_time_once(hasher.hash) for _ in range(repetitions))


def _time_once(hash_once: Callable[[bytes], str]) -> float:
    started = time.perf_counter()
    hash_once(SAMPLE_PASSWORD)
    return (time.perf_counter() - started) * 1000
