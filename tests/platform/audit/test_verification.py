"""Verification: whatever is changed behind the program's back is found and named."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.platform.audit import tree
from app.platform.audit.leaves import event_hash
from app.platform.audit.tables import AuditTile
from app.platform.audit.tiles import split_hashes
from app.platform.audit.verification import FindingKind, verify
from app.platform.clock import now
from app.platform.graphql import ids
from app.privacy.erasure import erase_due
from tests.contract.stored_values import customer_with_everything
from tests.platform.audit.builders import (
    add_events,
    change_event,
    findings,
    grow,
    move_leaf,
    named,
    shop_with_tree,
)
from tests.shop import Shop

OTHER = UUID("01a21587-0000-7000-8000-000000000001")
CHANGES = {
    "actor_kind": "SYSTEM",
    "action": "customer.listed",
    "fields": ["firstName"],
    "at": now() - timedelta(days=1),
    "actor_id": OTHER,
    "client_id": OTHER,
    "object_id": OTHER,
}


@pytest.mark.parametrize("column", CHANGES)
async def test_a_changed_column_is_found_and_its_event_is_named(shop: Shop, column: str) -> None:
    history = await shop_with_tree(shop)
    event = history[1]

    await change_event(shop, event.event_id, **{column: CHANGES[column]})

    report = await verify(shop.runtime.store)
    assert named(report) == [("changed", event.event_id)]
    assert (report.findings[0].start, report.findings[0].end) == (1, 2)
    assert report.findings[0].message == f"Event {event.event_id} at place 1 was changed."


async def test_a_deleted_event_is_found_and_named(shop: Shop) -> None:
    history = await shop_with_tree(shop)
    gone = history[2].event_id

    await shop.execute(f"DELETE FROM audit_events WHERE id = '{_id(shop, gone)}'")

    report = await verify(shop.runtime.store)
    assert named(report) == [("missing", gone)]
    assert report.findings[0].message == f"Event {gone} at place 2 is gone."


async def test_an_event_deleted_together_with_its_leaf_is_found_by_its_place(shop: Shop) -> None:
    history = await shop_with_tree(shop)
    for position in (3, len(history) - 1):
        gone = _id(shop, history[position].event_id)
        await shop.execute(f"DELETE FROM audit_events WHERE id = '{gone}'")
        await shop.execute(f"DELETE FROM audit_leaves WHERE event_id = '{gone}'")

    report = await verify(shop.runtime.store)

    assert [(one.kind.value, one.start) for one in report.findings] == [("missing", 3), ("missing", len(history) - 1)]


async def test_two_events_that_changed_places_are_named_with_both_places(shop: Shop) -> None:
    history = await shop_with_tree(shop)
    first, second = history[1], history[4]
    await move_leaf(shop, first.event_id, 4)
    await move_leaf(shop, second.event_id, 1)

    report = await verify(shop.runtime.store)

    assert {(one.kind.value, one.event_id, one.start) for one in report.findings} == {
        ("reordered", first.event_id, 4),
        ("reordered", second.event_id, 1),
    }
    assert f"Event {first.event_id} is at place 4; its place is 1." in [one.message for one in report.findings]


async def test_two_events_that_exchanged_their_contents_are_named(shop: Shop) -> None:
    history = await shop_with_tree(shop)
    first = history[0]
    second = next(one for one in history if one.action != first.action)

    await change_event(shop, first.event_id, action=second.action)
    await change_event(shop, second.event_id, action=first.action)

    assert await findings(shop) == [("changed", first.event_id), ("changed", second.event_id)]


async def test_an_event_at_the_place_of_another_is_named(shop: Shop) -> None:
    history = await shop_with_tree(shop)
    await move_leaf(shop, history[3].event_id, 2)

    found = await findings(shop)

    assert ("missing", None) in found
    assert {kind for kind, _ in found} == {"missing", "reordered"}
    assert {event_id for kind, event_id in found if kind == "reordered"} <= {history[2].event_id, history[3].event_id}


async def test_an_event_that_was_added_with_an_older_time_is_named(shop: Shop) -> None:
    await shop_with_tree(shop)
    forged = tree.first_id_at(now() - timedelta(days=3))

    await add_events(shop, 1, first_id=forged)
    await grow(shop)

    assert await findings(shop) == [("not in the tree", forged)]


async def test_a_changed_event_whose_hash_was_changed_too_is_found_by_the_checkpoints(shop: Shop) -> None:
    history = await shop_with_tree(shop)
    await change_event(shop, history[1].event_id, action="customer.listed")
    await _recompute_leaf(shop, 1)

    report = await verify(shop.runtime.store)

    assert [(one.kind.value, one.start, one.end) for one in report.findings] == [("checkpoint", 0, len(history))]


async def test_of_many_leaves_the_tile_with_the_changed_hash_is_named(shop: Shop) -> None:
    await add_events(shop, 1000)
    await grow(shop)
    event_id = (await tree.leaves(shop.runtime.store.database, 300, 301))[0].event_id
    await change_event(shop, event_id, action="customer.listed")
    await _recompute_leaf(shop, 300)

    report = await verify(shop.runtime.store)

    assert [(one.kind.value, one.start, one.end) for one in report.findings] == [
        ("checkpoint", 0, 1000),
        ("hashes", 256, 512),
    ]


async def test_missing_hashes_are_named(shop: Shop) -> None:
    await add_events(shop, 600)
    await grow(shop)
    await shop.execute("DELETE FROM audit_tiles WHERE level = 0 AND position = 1")

    report = await verify(shop.runtime.store)

    assert ("hashes", 256, 512) in [(one.kind.value, one.start, one.end) for one in report.findings]
    assert report.counts[FindingKind.CHANGED] == 256
    assert len([one for one in report.findings if one.kind is FindingKind.CHANGED]) == 100


async def test_a_forged_checkpoint_is_found_in_either_database(shop: Shop) -> None:
    await shop_with_tree(shop)
    await shop.execute("UPDATE audit_trees SET checkpoint = replace(checkpoint, 'audit', 'forged')")
    assert await findings(shop) == [("checkpoint", None)]

    async with shop.runtime.store.vault.keystore.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE audit_checkpoints SET checkpoint = 'forged'")

    assert await findings(shop) == [("checkpoint", None)] * 2


async def test_the_log_verifies_after_an_erasure_as_before(shop: Shop) -> None:
    person = await customer_with_everything(shop)
    other = await shop.register("bystander@example.org")
    await grow(shop)
    before = (await verify(shop.runtime.store)).size

    assert await erase_due(shop.runtime.store) == 1
    assert await findings(shop) == []
    await grow(shop)

    report = await verify(shop.runtime.store)
    assert (report.findings, report.size > before) == ([], True)
    assert ids.decode("Customer", person.id) != ids.decode("Customer", other.id)


async def _recompute_leaf(shop: Shop, position: int) -> None:
    """Write the hash of an event as it is now into its tile, as an attacker who knows the program would."""
    leaf = (await tree.leaves(shop.runtime.store.database, position, position + 1))[0]
    assert leaf.event is not None
    tile, number = divmod(position, 256)
    where = (col(AuditTile.level) == 0, col(AuditTile.position) == tile)
    async with shop.runtime.store.database.engine.begin() as connection:
        stored = (await connection.execute(select(col(AuditTile.hashes)).where(*where))).scalar_one()
        hashes = split_hashes(stored)
        hashes[number] = event_hash(leaf.event)
        await connection.execute(update(AuditTile).where(*where).values(hashes=b"".join(hashes)))


def _id(shop: Shop, value: object) -> str:
    return str(value).replace("-", "") if shop.runtime.store.database.embedded else str(value)
