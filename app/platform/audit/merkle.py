"""Merkle trees of RFC 6962: hashes, inclusion proofs and consistency proofs.

A proof is computed in two steps, because the hashes may have to be read from a database first: `inclusion_ranges` and
`consistency_ranges` name the ranges of leaves whose hashes make the proof, and `range_hash` computes the hash of one
from perfect subtrees. A perfect subtree is named by its height and its position at that height: it covers the leaves
`position * 2**height` up to, not including, `(position + 1) * 2**height`.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


class Range(NamedTuple):
    """The leaves from `start` up to, not including, `end`."""

    start: int
    end: int


class Subtree(NamedTuple):
    """A perfect subtree."""

    height: int
    position: int


ReadHash = Callable[[Subtree], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf (RFC 6962, section 2.1)."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (RFC 6962, section 2.1)."""
    return sha256(b"\1" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root of a perfect subtree; the number of hashes is a power of two."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def join(roots: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees that get smaller from left to right."""
    if not roots:
        return EMPTY_ROOT
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


def subtrees(leaves: Range) -> list[Subtree]:
    """The perfect subtrees that make up a range of leaves as RFC 6962 splits them, the largest first.

    The range starts at a multiple of the smallest power of two that is not smaller than its length, as every range of a
    proof does.
    """
    found, start = [], leaves.start
    while start < leaves.end:
        height = (leaves.end - start).bit_length() - 1
        found.append(Subtree(height, start >> height))
        start += 1 << height
    return found


def range_hash(leaves: Range, read: ReadHash) -> bytes:
    """The Merkle tree hash of a range of leaves."""
    return join([read(subtree) for subtree in subtrees(leaves)])


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose hashes prove that the leaf `index` is in the tree of `size` leaves, from leaf to root."""
    if not 0 <= index < size:
        raise ValueError("The leaf is not in the tree.")
    ranges, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append(Range(middle, end))
            end = middle
        else:
            ranges.append(Range(start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """The ranges whose hashes prove that the tree of `old` leaves is the beginning of the one of `new` leaves."""
    if not 0 < old <= new:
        raise ValueError("The older tree is empty, or larger than the newer one.")
    ranges, start, end = [], 0, new
    while old < end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append(Range(middle, end))
            end = middle
        else:
            ranges.append(Range(start, middle))
            start = middle
    # A verifier has the root of the older tree, so a proof leaves it away.
    return [*([Range(start, end)] if start else []), *ranges[::-1]]


def includes(entry_hash: bytes, *, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that a leaf with this hash is at `index` of the tree (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, entry_hash
    for sibling in proof:
        if not last:
            return False
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    return not last and found == root


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the newer tree begins with the older one (RFC 9162, section 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new or not proof:
        return False
    steps: Iterator[bytes] = iter(proof)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    found_old = found_new = next(steps) if old & (old - 1) else old_root
    for sibling in steps:
        if not last:
            return False
        if at & 1 or at == last:
            found_old, found_new = node_hash(sibling, found_old), node_hash(sibling, found_new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found_new = node_hash(found_new, sibling)
        at, last = at >> 1, last >> 1
    return not last and found_old == old_root and found_new == new_root


def _split(length: int) -> int:
    """The largest power of two smaller than `length`."""
    return 1 << ((length - 1).bit_length() - 1)
