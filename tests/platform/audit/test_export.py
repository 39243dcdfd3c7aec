"""The export: files that a verifier without our code accepts, and nothing personal in them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from app.platform.audit.export import NotExportable, export_tree
from tests.contract.stored_values import PERSONAL, customer_with_everything
from tests.platform.audit.builders import add_events, change_event, grow, places, shop_with_tree
from tests.shop import Shop

VERIFIER = Path(__file__).with_name("verify_tiles.go")
# Where Debian's golang-golang-x-mod-dev puts sumdb/note and sumdb/tlog.
GO_PATH = Path("/usr/share/gocode")
HAS_GO = shutil.which("go") is not None and (GO_PATH / "src/golang.org/x/mod/sumdb/tlog").exists()


@pytest.fixture(scope="session")
def go_verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier, compiled."""
    if not HAS_GO:
        pytest.skip("needs the Debian packages golang-go and golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    program = folder / "verify_tiles"
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GO_PATH), "GOCACHE": str(folder / "cache")}
    subprocess.run(["go", "build", "-o", program, VERIFIER], check=True, env=environment, cwd=folder)
    return program


def run_verifier(program: Path, *folders: Path) -> tuple[int, str]:
    ended = subprocess.run([program, *folders], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def files(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


async def test_gos_packages_accept_every_tile_entry_and_proof(shop: Shop, tmp_path: Path, go_verifier: Path) -> None:
    await shop_with_tree(shop)
    first, second = tmp_path / "first", tmp_path / "second"
    size = await export_tree(shop.runtime.store, first)
    await add_events(shop, 700)
    await grow(shop)

    assert await export_tree(shop.runtime.store, second) == size + 700

    assert run_verifier(go_verifier, first) == (0, f"{size} entries verified\n")
    assert run_verifier(go_verifier, second, first) == (0, f"{size + 700} entries verified\n")


async def test_gos_packages_refuse_an_entry_that_was_changed(shop: Shop, tmp_path: Path, go_verifier: Path) -> None:
    await shop_with_tree(shop)
    size = await export_tree(shop.runtime.store, tmp_path)
    bundle = tmp_path / f"tile/entries/000.p/{size}"
    bundle.write_bytes(bundle.read_bytes().replace(b"customer.registered", b"customer.listed....", 1))

    code, output = run_verifier(go_verifier, tmp_path)

    assert (code, "does not fit its hash" in output) == (1, True)


async def test_the_files_are_those_of_the_specification(shop: Shop, tmp_path: Path) -> None:
    await add_events(shop, 300)
    await grow(shop)

    assert await export_tree(shop.runtime.store, tmp_path / "log") == 300

    assert files(tmp_path / "log") == [
        "checkpoint",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
        "verifier-key",
    ]
    assert (tmp_path / "log/tile/0/000").stat().st_size == 8192
    assert (tmp_path / "log/checkpoint").read_text().startswith("shop.example.org/accounts/audit\n300\n")


async def test_no_personal_value_is_exported(shop: Shop, tmp_path: Path) -> None:
    shop.client.headers["x-request-id"] = "Zoe-Quillfeather_1971"
    await customer_with_everything(shop)
    await grow(shop)

    await export_tree(shop.runtime.store, tmp_path / "log")

    exported = b"".join(
        (tmp_path / "log" / name).read_bytes() for name in files(tmp_path / "log") if "entries" in name
    ).lower()
    values = [*(value for name, value in PERSONAL.items() if name != "card"), "Zoe-Quillfeather_1971"]
    assert [value for value in values if value.lower().encode() in exported] == []
    assert b"customer.registered" in exported


async def test_a_log_that_was_changed_is_not_exported(shop: Shop, tmp_path: Path) -> None:
    await shop_with_tree(shop)
    await change_event(shop, (await places(shop))[1].event_id, action="customer.listed")

    with pytest.raises(NotExportable, match="patron audit verify"):
        await export_tree(shop.runtime.store, tmp_path / "log")

    assert "checkpoint" not in files(tmp_path / "log")


async def test_without_a_tree_nothing_is_exported(shop: Shop, tmp_path: Path) -> None:
    await shop.register("ann@example.org")

    with pytest.raises(NotExportable, match="the worker builds it"):
        await export_tree(shop.runtime.store, tmp_path / "folder")

    assert not (tmp_path / "folder").exists()
