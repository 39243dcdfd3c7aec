"""Exports the tree as the files of C2SP's `tlog-tiles`, which any verifier of transparency logs reads.

checkpoint              the newest signed tree head
tile/<L>/<N>[.p/<W>]    hashes
tile/entries/<N>[.p/…]  entries: the events as JSON, without personal values
verifier-key            the public key as Go's `note.NewVerifier` reads it; a verifier should know it from before
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from app.platform.audit import checkpoints, tree
from app.platform.audit.leaves import entry
from app.platform.audit.merkle import leaf_hash
from app.platform.audit.notes import NoteSigner, open_checkpoint
from app.platform.audit.tiles import WIDTH, Tile, TileAddress, TreeEdge, bundle, bundle_path, tile_path
from app.platform.vault.vault import Store

TILES_PER_STEP = 32


class NotExportable(Exception):
    """The events do not fit the signed tree, or there is no tree yet; the message says what to do."""


async def export_tree(store: Store, folder: Path, *, progress: Callable[[int], None] = lambda _: None) -> int:
    """Write the tree below `folder` and return the number of entries; the checkpoint is written last.

    Raise `NotExportable` when the entries do not make the tree that was signed.
    """
    state = await tree.state(store.database)
    if state is None:
        raise NotExportable("There is no tree yet: the worker builds it.")
    signer = NoteSigner(state.origin, await checkpoints.signing_key(store.vault))
    edge, upper, step = TreeEdge(), dict[TileAddress, Tile](), TILES_PER_STEP * WIDTH
    for start in range(0, state.size, step):
        end = min(start + step, state.size)
        entries = [entry(one.event) for one in await tree.leaves(store.database, start, end) if one.event is not None]
        if len(entries) != end - start:
            break
        grown = edge.append(leaf_hash(one) for one in entries)
        # The tiles above grow with every step and are written when they are complete.
        upper.update({one.address: one for one in grown if one.address.level})
        await asyncio.to_thread(_write_step, folder, start // WIDTH, entries, grown)
        progress(end)
    head = open_checkpoint(state.checkpoint, signer.verifier)
    if (head.size, head.root) != (edge.size, edge.root()):
        raise NotExportable("The events do not make the tree that was signed. Run `patron audit verify`.")
    await asyncio.to_thread(_write_tiles, folder, upper.values())
    await asyncio.to_thread(_write, folder / "verifier-key", f"{signer.verifier}\n".encode())
    await asyncio.to_thread(_write, folder / "checkpoint", state.checkpoint.encode())
    return state.size


def _write_step(folder: Path, first: int, entries: Sequence[bytes], grown: Iterable[Tile]) -> None:
    _write_tiles(folder, (tile for tile in grown if not tile.address.level))
    for number, start in enumerate(range(0, len(entries), WIDTH), first):
        part = entries[start : start + WIDTH]
        _write(folder / bundle_path(number, len(part)), bundle(part))


def _write_tiles(folder: Path, tiles: Iterable[Tile]) -> None:
    for tile in tiles:
        _write(folder / tile_path(tile.address, tile.width), tile.hashes)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
