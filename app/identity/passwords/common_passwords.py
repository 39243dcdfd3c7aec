"""Blocklist of common passwords and dictionary words, stored as fingerprints and searched in memory in microseconds.

`common.bin` is a sorted array of 64-bit fingerprints, little-endian, made by `scripts/common-passwords`; `common.txt`
names the sources. A Bloom filter would take a third of the space, but its false positives would refuse good passwords
for no reason that a user could understand. Here the false positive rate is entries / 2^64, below 10^-14.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from importlib.resources import files

from app.identity.passwords.normalization import encode

MIN_LENGTH = 4
FINGERPRINT_BYTES = 8
FALSE_POSITIVE_RATE = 1e-14


def is_common(word: str) -> bool:
    """Whether `word`, in the form `values.fold` gives it, is listed. Words below 4 characters never are."""
    fingerprints = _fingerprints()
    target = fingerprint(word)
    position = bisect_left(fingerprints, target)
    return position < len(fingerprints) and fingerprints[position] == target


def fingerprint(word: str) -> int:
    """The 64-bit fingerprint of `word` (BLAKE2b)."""
    return int.from_bytes(blake2b(encode(word), digest_size=FINGERPRINT_BYTES).digest(), "little")


def pack(words: Iterable[str]) -> bytes:
    """The content of `common.bin` for `words`; it does not depend on their order."""
    fingerprints = sorted({fingerprint(word) for word in words if len(word) >= MIN_LENGTH})
    return b"".join(number.to_bytes(FINGERPRINT_BYTES, "little") for number in fingerprints)


@cache
def _fingerprints() -> "array[int]":
    fingerprints = array("Q", files(__package__).joinpath("common.bin").read_bytes())
    if sys.byteorder == "big":
        fingerprints.byteswap()
    return fingerprints
