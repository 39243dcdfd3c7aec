"""The tree over the audit log: it grows with the log, once for each event, and never contradicts a checkpoint."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.platform.audit import checkpoints, tree
from app.platform.audit.building import TreeDamaged, TreeRolledBack, extend_tree, origin_of, restart_tree
from app.platform.audit.merkle import EMPTY_ROOT
from app.platform.audit.notes import NoteSigner, TreeHead, open_checkpoint
from app.platform.audit.tables import AuditTile
from app.platform.audit.verification import verify
from app.platform.clock import now
from app.server.worker import jobs
from tests.platform.audit.builders import PUBLIC_URL, add_events, findings, grow, places, shop_with_tree
from tests.shop import Shop, Urls, open_shop

ORIGIN = "shop.example.org/accounts/audit"


async def test_every_event_of_every_organization_becomes_one_leaf(shop: Shop) -> None:
    history = await shop_with_tree(shop)

    assert [one.position for one in history] == list(range(len(history)))
    assert sorted(one.action for one in history) == sorted(await shop.audit())
    assert await grow(shop) == 0

    await shop.register("cleo@example.org")
    assert await grow(shop) == len(await shop.audit()) - len(history)
    assert (await places(shop))[: len(history)] == history
    assert await findings(shop) == []


async def test_the_checkpoint_is_signed_for_the_log_of_the_service_and_kept_in_the_key_store_too(shop: Shop) -> None:
    history = await shop_with_tree(shop)
    store = shop.runtime.store

    state = await tree.state(store.database)
    signer = NoteSigner(ORIGIN, await checkpoints.signing_key(store.vault))

    assert state is not None
    head = open_checkpoint(state.checkpoint, signer.verifier)
    assert (head.origin, head.size) == (ORIGIN, len(history))
    assert await checkpoints.kept_checkpoints(store.vault, signer) == [head]


async def test_a_tree_of_several_batches_and_tiles_verifies(shop: Shop) -> None:
    await add_events(shop, 1300)
    assert await grow(shop) == 1300
    await add_events(shop, 1000)
    assert await grow(shop) == 1000

    report = await verify(shop.runtime.store)

    assert (report.origin, report.size, report.findings) == (ORIGIN, 2300, [])
    assert await shop.count("audit_tiles", "level = 0") == 9
    assert await shop.count("audit_tiles", "level = 1") == 1


async def test_workers_that_run_at_the_same_time_add_each_event_once(shop: Shop) -> None:
    await grow(shop)
    await add_events(shop, 300)

    added = await asyncio.gather(*(grow(shop) for _ in range(3)))

    assert sum(added) == 300
    assert await shop.count("audit_leaves") == 300
    assert await findings(shop) == []


async def test_an_event_that_becomes_visible_late_is_added_by_the_next_run(shop: Shop) -> None:
    await shop_with_tree(shop)
    late = tree.first_id_at(now() - timedelta(minutes=5))
    await add_events(shop, 1, first_id=late)

    assert await grow(shop) == 1

    assert (await places(shop))[-1].event_id == late
    assert await findings(shop) == []


async def test_a_worker_that_died_before_the_key_store_was_written_is_made_up_for(shop: Shop) -> None:
    history = await shop_with_tree(shop)
    async with shop.runtime.store.vault.keystore.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM audit_checkpoints")

    assert await grow(shop) == 0

    signer = NoteSigner(ORIGIN, await checkpoints.signing_key(shop.runtime.store.vault))
    assert [one.size for one in await checkpoints.kept_checkpoints(shop.runtime.store.vault, signer)] == [len(history)]


async def test_a_tree_whose_hashes_were_changed_does_not_grow(shop: Shop) -> None:
    await shop_with_tree(shop)
    await shop.register("cleo@example.org")
    leaves = await shop.count("audit_leaves")
    async with shop.runtime.store.database.engine.begin() as connection:
        await connection.execute(update(AuditTile).values(hashes=bytes(32 * leaves)))
    before = await shop.counts()

    with pytest.raises(TreeDamaged):
        await grow(shop)

    assert await shop.counts() == before


@pytest.mark.parametrize("table", ["audit_trees", "audit_leaves"])
async def test_a_database_that_was_set_back_gets_no_new_checkpoint_until_the_tree_is_restarted(
    shop: Shop, table: str
) -> None:
    history = await shop_with_tree(shop)
    await _set_back(shop, whole_tree=table == "audit_trees")
    before = await shop.counts()

    with pytest.raises(TreeRolledBack):
        await grow(shop)

    assert await shop.counts() == before
    assert [kind for kind, _ in await findings(shop)][:1] == ["rolled back"]

    assert await restart_tree(shop.runtime.store, public_url=PUBLIC_URL) == f"{ORIGIN}/2"
    assert await grow(shop) == len(history) + 2
    report = await verify(shop.runtime.store)
    assert (report.origin, report.findings) == (f"{ORIGIN}/2", [])
    assert report.earlier == {ORIGIN}
    assert (await shop.audit()).count("audit.tree_restarted") == 2


async def test_an_empty_log_has_an_empty_tree(shop: Shop) -> None:
    assert (await verify(shop.runtime.store)).origin is None

    assert await grow(shop) == 0

    report = await verify(shop.runtime.store)
    assert (report.origin, report.size, report.findings) == (ORIGIN, 0, [])


async def test_the_key_and_the_tree_survive_a_restart_and_a_new_address_of_the_service(urls: Urls) -> None:
    async with open_shop(urls) as shop:
        history = await shop_with_tree(shop)
        organization = shop.organization
    async with open_shop(urls, organization) as shop:
        await shop.register("cleo@example.org")

        assert await extend_tree(shop.runtime.store, public_url="https://other.example.org") > 0

        report = await verify(shop.runtime.store)
        assert (report.origin, report.findings) == (ORIGIN, [])
        assert report.size > len(history)


async def test_the_worker_builds_the_tree(shop: Shop) -> None:
    await shop.register("ann@example.org")
    job = next(one for one in jobs(shop.runtime) if one.name == "extend-audit-tree")

    assert job.exclusive
    assert await job.run() == len(await shop.audit())
    assert (await verify(shop.runtime.store)).origin == "patron.test/audit"


def test_a_log_is_named_after_the_address_of_the_service() -> None:
    assert origin_of("https://shop.example.org") == "shop.example.org/audit"
    assert origin_of("http://127.0.0.1:8000/") == "127.0.0.1:8000/audit"
    assert origin_of(PUBLIC_URL) == ORIGIN


async def _set_back(shop: Shop, *, whole_tree: bool) -> None:
    """What a restore of an older backup does to the tree; the events are another matter."""
    if whole_tree:
        for table in ("audit_trees", "audit_leaves", "audit_tiles"):
            await shop.execute(f"DELETE FROM {table}")
        return
    signer = NoteSigner(ORIGIN, await checkpoints.signing_key(shop.runtime.store.vault))
    checkpoint = TreeHead(ORIGIN, 0, EMPTY_ROOT).sign(signer)
    await shop.execute("DELETE FROM audit_leaves")
    await shop.execute("DELETE FROM audit_tiles")
    await shop.execute(f"UPDATE audit_trees SET size = 0, checkpoint = '{checkpoint}'")
