"""Tests of the argon2id calibration."""

import pytest

from app.identity.passwords import calibration
from app.identity.passwords.calibration import CHOICES, Measurement, calibrate

SMALL = ((8, 1), (64, 2))


def test_a_generous_target_raises_the_iterations_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With computed times, so that other load on the machine does not matter."""
    monkeypatch.setattr(calibration, "_milliseconds", lambda memory, iterations, _: memory * iterations / 100)

    rows = calibrate(5, choices=SMALL, repetitions=1)

    assert [(row.memory_kib, row.iterations, row.within_target) for row in rows] == [(8, 62, True), (64, 7, True)]


def test_an_impossible_target_keeps_the_least_iterations_and_says_that_it_is_missed() -> None:
    rows = calibrate(0.000_001, choices=SMALL, repetitions=1)

    assert [(row.memory_kib, row.iterations) for row in rows] == [(8, 1), (64, 2)]
    assert not any(row.within_target for row in rows)


def test_a_row_says_how_much_memory_a_hash_takes_and_how_many_a_core_makes() -> None:
    row = Measurement(memory_kib=19_456, iterations=2, min_iterations=2, milliseconds=20.0, within_target=True)

    assert row.memory_mib == 19
    assert row.hashes_per_second == pytest.approx(50)


def test_the_choices_are_those_of_owasp_and_rfc_9106() -> None:
    assert CHOICES == ((47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5), (65_536, 3))
