"""`patron audit`: verify, export and restart from the command line."""

from pathlib import Path

from tests.platform.audit.builders import change_event, grow, shop_with_tree
from tests.server.cli.conftest import Patron
from tests.shop import Shop


async def test_verify_names_what_was_changed_and_ends_with_code_1(shop: Shop, patron: Patron) -> None:
    history = await shop_with_tree(shop)

    sound = await patron("audit", "verify")

    assert (sound.returncode, sound.stderr) == (0, "")
    assert sound.stdout == f"{len(history)} events verified: shop.example.org/accounts/audit\n"

    await change_event(shop, history[1].event_id, action="customer.listed")
    broken = await patron("audit", "verify")

    assert broken.returncode == 1
    assert broken.stdout == f"changed: Event {history[1].event_id} at place 1 was changed.\n"
    assert broken.stderr == f"{len(history)} events verified: the audit log is not what was signed\n"


async def test_verify_says_that_the_database_was_set_back_until_the_tree_is_restarted(
    shop: Shop, patron: Patron
) -> None:
    await shop_with_tree(shop)
    for table in ("audit_trees", "audit_leaves", "audit_tiles"):
        await shop.execute(f"DELETE FROM {table}")

    assert (await patron("audit", "verify")).stdout == (
        "rolled back: The key store has checkpoints, the main database has no tree.\n"
    )

    restarted = await patron("audit", "restart", public_url="https://shop.example.org/accounts")
    assert (restarted.returncode, restarted.stdout) == (0, "new tree shop.example.org/accounts/audit/2\n")
    size = await grow(shop)
    assert (await patron("audit", "verify")).stdout == (
        "an earlier tree was given up: shop.example.org/accounts/audit\n"
        f"{size} events verified: shop.example.org/accounts/audit/2\n"
    )


async def test_export_writes_the_tree_and_refuses_a_log_without_one(shop: Shop, patron: Patron, tmp_path: Path) -> None:
    folder = tmp_path / "log"

    refused = await patron("audit", "export", str(folder))

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "There is no tree yet: the worker builds it.\n"
    assert not folder.exists()

    history = await shop_with_tree(shop)
    exported = await patron("audit", "export", str(folder))
    assert (exported.returncode, exported.stdout) == (0, f"{len(history)} events exported\n")
    assert (folder / "checkpoint").read_text().splitlines()[1] == str(len(history))
