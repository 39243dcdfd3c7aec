"""Tiles: the layout of C2SP's `tlog-tiles`, and a tree that grows in batches."""

import pytest

from app.platform.audit.merkle import Range, Subtree, leaf_hash, perfect_root, range_hash
from app.platform.audit.tiles import (
    Tile,
    TileAddress,
    TreeEdge,
    bundle,
    bundle_path,
    partial_tiles,
    split_hashes,
    tile_of,
    tile_path,
    tiles_of,
)


def hashes(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def root(leaves: list[bytes]) -> bytes:
    def read(subtree: Subtree) -> bytes:
        first = subtree.position << subtree.height
        return perfect_root(leaves[first : first + (1 << subtree.height)])

    return range_hash(Range(0, len(leaves)), read)


def test_the_tiles_of_a_tree_of_seventy_thousand_leaves_are_those_of_the_specification() -> None:
    tiles = list(tiles_of(70_000))

    assert [sum(one.level == level and width == 256 for one, width in tiles) for level in range(3)] == [273, 1, 0]
    assert partial_tiles(70_000) == [(TileAddress(0, 273), 112), (TileAddress(1, 1), 17), (TileAddress(2, 0), 1)]
    assert list(tiles_of(256)) == [(TileAddress(0, 0), 256), (TileAddress(1, 0), 1)]
    assert list(tiles_of(0)) == []


def test_paths_are_those_of_the_specification() -> None:
    assert tile_path(TileAddress(0, 1234067), 256) == "tile/0/x001/x234/067"
    assert tile_path(TileAddress(1, 5), 17) == "tile/1/005.p/17"
    assert bundle_path(273, 112) == "tile/entries/273.p/112"
    assert bundle_path(1000, 256) == "tile/entries/x001/000"


def test_entries_are_bundled_after_their_lengths() -> None:
    assert bundle([b"ab", b"", b"c" * 300]) == b"\x00\x02ab" + b"\x00\x00" + b"\x01\x2c" + b"c" * 300


@pytest.mark.parametrize("batch", [1, 7, 255, 256, 257, 1000])
def test_a_tree_that_grows_in_batches_has_the_root_and_the_tiles_of_one_built_at_once(batch: int) -> None:
    leaves, stored, size = hashes(1100), dict[TileAddress, Tile](), 0
    for start in range(0, len(leaves), batch):
        edge = TreeEdge.load(size, stored.values())
        stored.update({tile.address: tile for tile in edge.append(leaves[start : start + batch])})
        size = edge.size

        assert edge.root() == root(leaves[:size])

    assert [(address, stored[address].width) for address, _ in tiles_of(1100)] == list(tiles_of(1100))
    assert len(stored) == len(list(tiles_of(1100)))
    assert [one for index in range(5) for one in split_hashes(stored[TileAddress(0, index)].hashes)] == leaves


def test_a_tree_with_a_second_level_of_full_tiles_has_the_right_root() -> None:
    leaves = hashes(256 * 256 + 300)
    edge = TreeEdge()

    tiles = {tile.address: tile for tile in edge.append(leaves)}

    assert edge.root() == root(leaves)
    assert tiles[TileAddress(2, 0)].hashes == perfect_root(leaves[: 256 * 256])
    assert TreeEdge.load(len(leaves), tiles.values()).root() == root(leaves)


def test_every_perfect_subtree_is_found_in_a_tile() -> None:
    leaves = hashes(1024)
    tiles = {tile.address: tile for tile in TreeEdge().append(leaves)}
    for height in range(11):
        for index in range(1024 >> height):
            address, part = tile_of(Subtree(height, index))

            found = perfect_root(split_hashes(tiles[address].hashes[part]))

            assert found == perfect_root(leaves[index << height : (index + 1) << height])
