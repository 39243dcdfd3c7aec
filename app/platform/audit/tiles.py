"""Tiles: the hashes of a Merkle tree in blocks of 256, with the paths and formats of C2SP's `tlog-tiles`.

A tile of level 0 holds the hashes of 256 leaves, one of level `n + 1` the roots of 256 full tiles of level `n`. Only
the last tile of each level may be partial.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.platform.audit.merkle import HASH_BYTES, Subtree, join, perfect_root

WIDTH = 256
# The height of a tile in levels of the binary tree.
HEIGHT = 8


class TileAddress(NamedTuple):
    """The place of a tile: its level, and its position in the level."""

    level: int
    position: int


class Tile(NamedTuple):
    """A tile with its hashes, one after the other; full with 256 of them."""

    address: TileAddress
    hashes: bytes

    @property
    def width(self) -> int:
        """The number of hashes."""
        return len(self.hashes) // HASH_BYTES


@dataclass(slots=True)
class TreeEdge:
    """The right edge of a growing tree: the hashes of the partial tile of each level, which is all that it needs."""

    size: int = 0
    partial: list[list[bytes]] = field(default_factory=list)

    @classmethod
    def load(cls, size: int, tiles: Iterable[Tile]) -> "TreeEdge":
        """The edge of a tree of `size` leaves, from its partial tiles; others are ignored."""
        by_address = {tile.address: tile for tile in tiles}
        edge = cls(size)
        for address, width in partial_tiles(size):
            hashes = split_hashes(by_address[address].hashes) if width else []
            edge.partial.append(hashes[:width])
        return edge

    def append(self, leaf_hashes: Iterable[bytes]) -> list[Tile]:
        """Add leaves; return every tile that is new or grew, the partial ones too."""
        full: list[Tile] = []
        changed = set()
        for leaf in leaf_hashes:
            level, carried = 0, leaf
            while True:
                if level == len(self.partial):
                    self.partial.append([])
                hashes = self.partial[level]
                hashes.append(carried)
                changed.add(level)
                if len(hashes) < WIDTH:
                    break
                position = self.size >> (HEIGHT * (level + 1))
                full.append(Tile(TileAddress(level, position), b"".join(hashes)))
                carried, self.partial[level] = perfect_root(hashes), []
                level += 1
            self.size += 1
        return full + [
            Tile(TileAddress(level, self.size >> (HEIGHT * (level + 1))), b"".join(self.partial[level]))
            for level in sorted(changed)
            if self.partial[level]
        ]

    def root(self) -> bytes:
        """The root of the tree."""
        roots = []
        for hashes in reversed(self.partial):
            start = 0
            while start < len(hashes):
                length = 1 << ((len(hashes) - start).bit_length() - 1)
                roots.append(perfect_root(hashes[start : start + length]))
                start += length
        return join(roots)


def partial_tiles(size: int) -> list[tuple[TileAddress, int]]:
    """The address and width of the last tile of each level, from level 0 up; the width is 0 if all tiles are full."""
    found, level = [], 0
    while size >> (HEIGHT * level):
        count = size >> (HEIGHT * level)
        found.append((TileAddress(level, count // WIDTH), count % WIDTH))
        level += 1
    return found


def tiles_of(size: int) -> Iterator[tuple[TileAddress, int]]:
    """The address and width of every tile of a tree, level by level."""
    for last, width in partial_tiles(size):
        yield from ((TileAddress(last.level, position), WIDTH) for position in range(last.position))
        if width:
            yield last, width


def split_hashes(hashes: bytes) -> list[bytes]:
    """The single hashes of a tile."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def tile_of(subtree: Subtree) -> tuple[TileAddress, slice]:
    """The tile that has the hash of a perfect subtree, and the part of the tile's bytes under which it lies."""
    level, height = divmod(subtree.height, HEIGHT)
    position, first = divmod(subtree.position << height, WIDTH)
    return TileAddress(level, position), slice(first * HASH_BYTES, (first + (1 << height)) * HASH_BYTES)


def tile_path(address: TileAddress, width: int) -> str:
    """The path of a tile below the log's prefix."""
    return f"tile/{address.level}/{_position_path(address.position)}{_suffix(width)}"


def bundle_path(position: int, width: int) -> str:
    """The path of the bundle with the entries of the tile of level 0 at this position."""
    return f"tile/entries/{_position_path(position)}{_suffix(width)}"


def bundle(entries: Sequence[bytes]) -> bytes:
    """The entries of one tile, each after its length in two bytes, most significant first."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def _position_path(position: int) -> str:
    parts = [f"{position % 1000:03d}"]
    while position := position // 1000:
        parts.append(f"x{position % 1000:03d}")
    return "/".join(reversed(parts))


def _suffix(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"
