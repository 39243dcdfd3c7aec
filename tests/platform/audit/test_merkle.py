"""Merkle trees: the hashes and proofs of RFC 6962, with the published test vectors of Certificate Transparency."""

import pytest

from app.platform.audit.merkle import (
    EMPTY_ROOT,
    Range,
    Subtree,
    consistency_ranges,
    includes,
    inclusion_ranges,
    is_consistent,
    leaf_hash,
    perfect_root,
    range_hash,
)

ENTRIES = [
    bytes.fromhex(one)
    for one in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 31, 32, 33]


def hashes(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def root_of(leaves: list[bytes], ranges: list[Range]) -> list[bytes]:
    def read(subtree: Subtree) -> bytes:
        first = subtree.position << subtree.height
        return perfect_root(leaves[first : first + (1 << subtree.height)])

    return [range_hash(one, read) for one in ranges]


def root(leaves: list[bytes]) -> bytes:
    return root_of(leaves, [Range(0, len(leaves))])[0]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_of_the_published_vectors(size: int) -> None:
    assert root([leaf_hash(one) for one in ENTRIES[:size]]).hex() == ROOTS[size]
    assert EMPTY_ROOT.hex() == ROOTS[0]


def test_the_published_inclusion_proof_of_the_sixth_of_seven_leaves() -> None:
    leaves = [leaf_hash(one) for one in ENTRIES[:7]]

    # RFC 6962, section 2.1.3: the path of d5 is [d4, n, k], where n is the last leaf and k the root of the first four.
    assert inclusion_ranges(5, 7) == [Range(4, 5), Range(6, 7), Range(0, 4)]
    assert root_of(leaves, [Range(0, 4)])[0].hex() == ROOTS[4]


def test_the_published_consistency_proofs_to_seven_leaves() -> None:
    # RFC 6962, section 2.1.3: from 3 leaves [c, d, g, l], from 4 [l], from 6 [i, j, k].
    assert consistency_ranges(3, 7) == [Range(2, 3), Range(3, 4), Range(0, 2), Range(4, 7)]
    assert consistency_ranges(4, 7) == [Range(4, 7)]
    assert consistency_ranges(6, 7) == [Range(4, 6), Range(6, 7), Range(0, 4)]


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_is_proven_and_nothing_else(size: int) -> None:
    leaves = hashes(size)
    top = root(leaves)
    for index in range(size):
        proof = root_of(leaves, inclusion_ranges(index, size))

        assert includes(leaves[index], index=index, size=size, root=top, proof=proof)
        assert not includes(leaf_hash(b"other"), index=index, size=size, root=top, proof=proof)
        assert not includes(leaves[index], index=index, size=size, root=top, proof=[*proof, top])
        assert not includes(leaves[index], index=size, size=size, root=top, proof=proof)
        for other in set(range(size)) - {index}:
            assert not includes(leaves[index], index=other, size=size, root=top, proof=proof)


@pytest.mark.parametrize("new", SIZES)
def test_every_older_tree_is_proven_to_be_a_beginning_and_no_other_is(new: int) -> None:
    leaves = hashes(new)
    top = root(leaves)
    for old in range(1, new + 1):
        proof, old_root = root_of(leaves, consistency_ranges(old, new)), root(leaves[:old])

        assert is_consistent(old, old_root, new, top, proof)
        assert not is_consistent(old, leaf_hash(b"other"), new, top, proof)
        assert not is_consistent(old, old_root, new, leaf_hash(b"other"), proof)
        assert not is_consistent(old, old_root, new, top, [*proof, top])
        assert not is_consistent(new + 1, old_root, new, top, proof)


def test_proofs_of_impossible_sizes_are_refused() -> None:
    for index, size in ((-1, 3), (3, 3), (0, 0)):
        with pytest.raises(ValueError, match="not in the tree"):
            inclusion_ranges(index, size)
    for old, new in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="older tree"):
            consistency_ranges(old, new)
