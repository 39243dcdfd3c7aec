"""Adds the new events of the audit log to its tree, in batches, and signs a checkpoint after each.

Order of writes: leaves, tiles and checkpoint in one transaction of the main database; then the checkpoint in the key
store. A worker that dies between the two leaves the key store behind, and the next run writes it there.

| the key store's newest checkpoint is | meaning                                        | what happens               |
|--------------------------------------|------------------------------------------------|----------------------------|
| of a smaller tree, or absent         | the worker died, or this is the first run      | the tree grows             |
| of the same tree                     | nothing is wrong                               | the tree grows             |
| of a larger tree, or of another one  | the main database was set back, or was changed | `TreeRolledBack`, no write |
"""

from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete

from app.platform.audit import checkpoints, tree
from app.platform.audit.leaves import event_hash
from app.platform.audit.log import Action, record_system_event
from app.platform.audit.merkle import EMPTY_ROOT
from app.platform.audit.notes import BadNote, NoteSigner, TreeHead, open_checkpoint
from app.platform.audit.tables import AuditLeaf, AuditTile, AuditTree
from app.platform.audit.tiles import TreeEdge
from app.platform.audit.tree import TreeState
from app.platform.clock import now
from app.platform.db.inserts import insert_if_absent
from app.platform.vault.vault import Store

# On SQLite other writers wait while a batch is written.
BATCH = 1000


class TreeRolledBack(Exception):
    """The key store has a checkpoint that the tree contradicts: the main database was set back, or was changed.

    `patron audit verify` says what is wrong; `patron audit restart` starts a new tree, where that is accepted.
    """


class TreeDamaged(Exception):
    """The stored tiles do not fit the checkpoint: `patron audit verify` says where."""


async def extend_tree(store: Store, *, public_url: str) -> int:
    """Make leaves of all events that are not leaves yet; return how many."""
    key = await checkpoints.signing_key(store.vault)
    state = await tree.state(store.database) or await _create(store, key, origin=origin_of(public_url))
    signer = NoteSigner(state.origin, key)
    kept = await checkpoints.kept_checkpoints(store.vault, signer)
    newest = kept[-1] if kept else TreeHead(state.origin, 0, EMPTY_ROOT)
    # Read again, after the key store: another worker may have added leaves between the two reads.
    state = await tree.state(store.database) or state
    if newest.size > state.size or (newest.size == state.size and newest != _head(state, signer)):
        raise TreeRolledBack
    started, added = now(), 0
    for organization_id in await tree.organizations(store.database):
        added += await _add_all(store, signer, organization_id, after=tree.first_id_at(state.built_until - tree.LATE))
    if added:
        async with store.database.transaction() as session:
            await tree.set_built_until(session, started)
    current = await tree.state(store.database)
    if current is not None and current.size > newest.size:
        await checkpoints.keep_checkpoint(store.vault, _head(current, signer), current.checkpoint)
    return added


async def restart_tree(store: Store, *, public_url: str) -> str:
    """Start a new tree with a name of its own, after a backup was restored for good; return the name.

    The checkpoints of the old tree stay in the key store: they prove what was in it. Every organization's audit log
    records the restart.
    """
    number = len(await checkpoints.known_origins(store.vault)) + 1
    origin = origin_of(public_url) if number == 1 else f"{origin_of(public_url)}/{number}"
    key = await checkpoints.signing_key(store.vault)
    organizations = await tree.organizations(store.database)
    async with store.database.transaction() as session:
        for table in (AuditLeaf, AuditTile, AuditTree):
            await session.exec(delete(table))
        await insert_if_absent(session, AuditTree, id=tree.TREE_ID, **_empty_tree(key, origin)._asdict())
        for organization_id in organizations:
            record_system_event(session, Action.AUDIT_TREE_RESTARTED, organization_id=organization_id)
    return origin


def origin_of(public_url: str) -> str:
    """The name of the log: the service's address without the scheme, and `/audit`."""
    parts = urlsplit(public_url)
    return f"{parts.netloc}{parts.path.rstrip('/')}/audit"


async def _create(store: Store, key: Ed25519PrivateKey, *, origin: str) -> TreeState:
    if await checkpoints.known_origins(store.vault):
        raise TreeRolledBack
    state = _empty_tree(key, origin)
    async with store.database.transaction() as session:
        await insert_if_absent(session, AuditTree, id=tree.TREE_ID, **state._asdict())
    return await tree.state(store.database) or state


def _empty_tree(key: Ed25519PrivateKey, origin: str) -> TreeState:
    return TreeState(origin, 0, TreeHead(origin, 0, EMPTY_ROOT).sign(NoteSigner(origin, key)), tree.BEGINNING)


async def _add_all(store: Store, signer: NoteSigner, organization_id: UUID, *, after: UUID) -> int:
    added = 0
    # The first look takes no lock: on SQLite a transaction would make all other writers wait.
    while await tree.has_pending(store.database, organization_id, after=after):
        async with store.database.transaction() as session:
            state = await tree.lock(session)
            events = await tree.pending(session, organization_id, after=after, limit=BATCH)
            if not events:
                break
            edge = TreeEdge.load(state.size, await tree.edge_tiles(session, state.size))
            if _head(state, signer) != TreeHead(state.origin, edge.size, edge.root()):
                raise TreeDamaged
            await tree.put_tiles(session, edge.append(event_hash(one.event) for one in events))
            await tree.add_leaves(session, events, first=state.size)
            head = TreeHead(state.origin, edge.size, edge.root())
            await tree.grow(session, size=edge.size, checkpoint=head.sign(signer))
        added += len(events)
        after = events[-1].event.id
    return added


def _head(state: TreeState, signer: NoteSigner) -> TreeHead:
    try:
        return open_checkpoint(state.checkpoint, signer.verifier)
    except BadNote:
        raise TreeDamaged from None
