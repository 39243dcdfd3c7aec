"""Verifies the audit log: every event against its leaf, the leaves against the tiles, and both against checkpoints.

    kind          what was done                                        what is named
    CHANGED       a column of an event was changed                     the event and its place
    MISSING       an event, or its place in the tree, was deleted      the event and its place
    REORDERED     events changed places                                the event and both places
    NOT_IN_TREE   an event was added later, with an older time         the event
    HASHES        hashes of the tree were changed                      the places that they cover
    CHECKPOINT    all was changed and computed again: a signed         the places since the last checkpoint
                  checkpoint contradicts it                            that fits
    ROLLED_BACK   the main database was set back: the key store has    both sizes
                  a checkpoint of a larger tree

Events of the last minutes may not be leaves yet; they are not reported.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from app.platform.audit import checkpoints, tree
from app.platform.audit.leaves import event_hash
from app.platform.audit.merkle import HASH_BYTES
from app.platform.audit.notes import BadNote, NoteSigner, TreeHead, open_checkpoint
from app.platform.audit.tiles import HEIGHT, WIDTH, Tile, TileAddress, TreeEdge, split_hashes
from app.platform.audit.tree import StoredLeaf, TreeState
from app.platform.vault.vault import Store

TILES_PER_STEP = 32
# Of each kind of finding; a table that was emptied would otherwise name a million events.
MAX_NAMED = 100


class FindingKind(Enum):
    """What is wrong with the audit log."""

    CHANGED = "changed"
    MISSING = "missing"
    REORDERED = "reordered"
    NOT_IN_TREE = "not in the tree"
    HASHES = "hashes"
    CHECKPOINT = "checkpoint"
    ROLLED_BACK = "rolled back"


class Finding(NamedTuple):
    """One thing that is wrong: the leaves from `start` up to `end`, and the event where one can be named."""

    kind: FindingKind
    message: str
    start: int | None = None
    end: int | None = None
    event_id: UUID | None = None


@dataclass(slots=True)
class Report:
    """The result: which tree of how many leaves was verified, and what is wrong.

    At most 100 findings of each kind are named; `counts` has them all. `earlier` are trees that were given up for this.
    """

    origin: str | None = None
    size: int = 0
    earlier: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)
    counts: dict[FindingKind, int] = field(default_factory=dict)

    def add(
        self, kind: FindingKind, message: str, leaves: range | None = None, *, event_id: UUID | None = None
    ) -> None:
        """Add a finding."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= MAX_NAMED:
            start, end = (leaves.start, leaves.stop) if leaves is not None else (None, None)
            self.findings.append(Finding(kind, message, start, end, event_id))


async def verify(store: Store, *, progress: Callable[[int], None] = lambda _: None) -> Report:
    """Verify the whole log; `progress` receives the number of leaves done. Nothing is written."""
    report = Report()
    state = await tree.state(store.database)
    origins = await checkpoints.known_origins(store.vault)
    if state is None:
        if origins:
            report.add(FindingKind.ROLLED_BACK, "The key store has checkpoints, the main database has no tree.")
        return report
    signer = NoteSigner(state.origin, await checkpoints.signing_key(store.vault))
    kept = await _kept_heads(store, signer, report)
    # Read again, after the key store: the worker may have added leaves between the two reads.
    state = await tree.state(store.database) or state
    report.origin, report.size, report.earlier = state.origin, state.size, frozenset(origins - {state.origin})
    pass_ = _Pass(store, report, state, _trusted_heads(kept, state, signer, report))
    await pass_.run(progress)
    before = tree.first_id_at(state.built_until - tree.LATE)
    for organization_id in await tree.organizations(store.database):
        for event_id in await tree.left_out(store.database, organization_id, before=before, limit=MAX_NAMED):
            message = f"Event {event_id} is not in the tree: it was added later than its time says."
            report.add(FindingKind.NOT_IN_TREE, message, event_id=event_id)
    return report


async def _kept_heads(store: Store, signer: NoteSigner, report: Report) -> list[TreeHead]:
    try:
        return await checkpoints.kept_checkpoints(store.vault, signer)
    except BadNote:
        report.add(FindingKind.CHECKPOINT, "A checkpoint in the key store has no valid signature.")
        return []


def _trusted_heads(heads: list[TreeHead], state: TreeState, signer: NoteSigner, report: Report) -> list[TreeHead]:
    """The signed heads of this tree and its beginnings, the smallest first."""
    if heads and heads[-1].size > state.size:
        message = (
            f"The key store has a checkpoint of {heads[-1].size} events, the main database has {state.size}: "
            "the main database was set back."
        )
        report.add(FindingKind.ROLLED_BACK, message, range(state.size, heads[-1].size))
    try:
        head = open_checkpoint(state.checkpoint, signer.verifier)
    except BadNote:
        head = None
    if head is None or head.size != state.size:
        report.add(FindingKind.CHECKPOINT, "The checkpoint in the main database is not the log's own.")
        head = None
    known = {*heads, *([head] if head else [])}
    return sorted((one for one in known if one.size <= state.size), key=lambda one: one.size)


class _Pass:
    """One pass over the tree and the events, in the order of the leaves."""

    def __init__(self, store: Store, report: Report, state: TreeState, heads: list[TreeHead]) -> None:
        self._database = store.database
        self._report = report
        self._size = state.size
        self._heads = heads
        self._verified = 0
        self._contradicted = False
        self._edge = TreeEdge()
        self._upper: dict[TileAddress, Tile] = {}
        # The hashes of events that do not fit their leaves: one of them may be found at another place.
        self._misplaced: dict[bytes, StoredLeaf] = {}

    async def run(self, progress: Callable[[int], None]) -> None:
        """Verify everything."""
        step = TILES_PER_STEP * WIDTH
        for start in range(0, self._size, step):
            end = min(start + step, self._size)
            hashes = await self._stored_hashes(start, end)
            self._compare_events(start, hashes, await tree.leaves(self._database, start, end))
            self._grow(hashes)
            progress(end)
        self._compare_heads()
        await self._compare_upper_tiles()
        await self._name_misplaced()

    async def _stored_hashes(self, start: int, end: int) -> list[bytes]:
        """The hashes in the tiles of level 0; zeros where a tile is missing or too short."""
        positions = range(start // WIDTH, -(-end // WIDTH))
        found = {
            one.address.position: one for one in await tree.tiles(self._database, 0, positions.start, positions.stop)
        }
        hashes: list[bytes] = []
        for position in positions:
            leaves = range(position * WIDTH, min((position + 1) * WIDTH, end))
            tile = found.get(position)
            if tile is None or tile.width < len(leaves):
                self._report.add(FindingKind.HASHES, f"The hashes of {_places(leaves)} are gone.", leaves)
                hashes += [bytes(HASH_BYTES)] * len(leaves)
            else:
                hashes += split_hashes(tile.hashes)[: len(leaves)]
        return hashes

    def _compare_events(self, start: int, hashes: Sequence[bytes], found: Iterable[StoredLeaf]) -> None:
        expected = start
        for leaf in found:
            for position in range(expected, leaf.position):
                self._report_missing(position)
            if leaf.position < expected:
                message = f"Event {leaf.event_id} has the same place as another one: {leaf.position}."
                self._report.add(FindingKind.REORDERED, message, _at(leaf.position), event_id=leaf.event_id)
                continue
            expected = leaf.position + 1
            if leaf.event is None:
                self._report_missing(leaf.position, leaf.event_id)
            elif (computed := event_hash(leaf.event)) != hashes[leaf.position - start]:
                self._misplaced[computed] = leaf
        for position in range(expected, start + len(hashes)):
            self._report_missing(position)

    def _report_missing(self, position: int, event_id: UUID | None = None) -> None:
        name = f"Event {event_id}" if event_id else "An event"
        self._report.add(FindingKind.MISSING, f"{name} at place {position} is gone.", _at(position), event_id=event_id)

    def _grow(self, hashes: Sequence[bytes]) -> None:
        start = self._edge.size
        for stop in [head.size for head in self._heads if start < head.size < start + len(hashes)]:
            self._append(hashes[self._edge.size - start : stop - start])
        self._append(hashes[self._edge.size - start :])

    def _append(self, hashes: Sequence[bytes]) -> None:
        self._compare_heads()
        self._upper.update({one.address: one for one in self._edge.append(hashes) if one.address.level})

    def _compare_heads(self) -> None:
        """Compare the root with the signed heads of this size. After the first that differs, all others do, too."""
        for head in self._heads:
            if head.size == self._edge.size and not self._contradicted:
                if head.root == self._edge.root():
                    self._verified = head.size
                else:
                    self._contradicted = True
                    leaves = range(self._verified, head.size)
                    message = f"The checkpoint of {head.size} events contradicts the hashes of {_places(leaves)}."
                    self._report.add(FindingKind.CHECKPOINT, message, leaves)

    async def _compare_upper_tiles(self) -> None:
        for address, computed in sorted(self._upper.items()):
            found = await tree.tiles(self._database, address.level, address.position, address.position + 1)
            stored = split_hashes(found[0].hashes) if found else []
            for number, expected in enumerate(split_hashes(computed.hashes)):
                if number >= len(stored) or stored[number] != expected:
                    shift = HEIGHT * address.level
                    first = (address.position * WIDTH + number) << shift
                    leaves = range(first, first + (1 << shift))
                    self._report.add(FindingKind.HASHES, f"The hashes of {_places(leaves)} do not fit.", leaves)

    async def _name_misplaced(self) -> None:
        places = {}
        for start in range(0, self._size if self._misplaced else 0, TILES_PER_STEP * WIDTH):
            first = start // WIDTH
            for tile in await tree.tiles(self._database, 0, first, first + TILES_PER_STEP):
                hashes = enumerate(split_hashes(tile.hashes), tile.address.position * WIDTH)
                places.update({stored: number for number, stored in hashes if stored in self._misplaced})
        for computed, leaf in self._misplaced.items():
            if computed in places:
                message = f"Event {leaf.event_id} is at place {leaf.position}; its place is {places[computed]}."
                self._report.add(FindingKind.REORDERED, message, _at(leaf.position), event_id=leaf.event_id)
            else:
                message = f"Event {leaf.event_id} at place {leaf.position} was changed."
                self._report.add(FindingKind.CHANGED, message, _at(leaf.position), event_id=leaf.event_id)


def _at(position: int) -> range:
    return range(position, position + 1)


def _places(leaves: range) -> str:
    return f"places {leaves.start} to {leaves.stop - 1}"
