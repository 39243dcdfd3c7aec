"""`patron serve` and the other commands, as real processes."""

import stat
from pathlib import Path

import pytest

from tests.server.process.server import run_cli, serving

DEMO_KEYS = {
    "endpoint",
    "organization",
    "publishableKey",
    "publishableClientId",
    "clientId",
    "clientSecret",
    "clientKeyFile",
    "staffId",
    "staffEmail",
}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_first_start_makes_the_demo_and_a_second_one_keeps_it(tmp_path: Path) -> None:
    var = tmp_path / "var"

    with serving(var) as server:
        first, port = server.demo, server.port
        assert server.printed == [f"demo {var / 'demo.json'}", f"ready http://127.0.0.1:{port}/graphql"]
        assert server.end() == 0
    with serving(var) as server:
        assert server.printed == [f"ready http://127.0.0.1:{server.port}/graphql"]
        second = server.demo

    assert set(first) == DEMO_KEYS
    assert first["endpoint"] == f"http://127.0.0.1:{port}/graphql"
    assert {**first, "endpoint": second["endpoint"]} == second
    assert mode(var / "demo.json") == mode(Path(first["clientKeyFile"])) == mode(var / "master.key") == 0o600


def test_the_command_line_gets_a_token_on_behalf_of_the_staff_member(tmp_path: Path) -> None:
    with serving(tmp_path / "var") as server:
        viewer = server.ask("Viewer", token=server.staff())["viewer"]

        refused = run_cli(server.var, "token", "--on-behalf-of", "nobody@example.org")

    assert (viewer["kind"], viewer["organization"]["slug"]) == ("STAFF", "demo")
    assert "PRIVACY_WRITE" in viewer["scopes"]
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "The demo's staff member is sam@demo.example.org.\n"


def test_without_a_server_the_token_command_says_so(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "token", "--on-behalf-of", "sam@demo.example.org")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [("serve",), ("worker",), ("migrate",), ("keys", "rotate")])
def test_production_names_every_setting_that_is_missing(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = run_cli(tmp_path, *command, env="production")

    assert done.returncode == 2
    for name in ("PATRON_DATABASE_URL", "PATRON_KEYSTORE_URL", "PATRON_PUBLIC_URL", "PATRON_MASTER_KEY"):
        assert name in done.stderr
    assert "patron keys generate" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_setting_is_named_and_its_value_is_not_repeated(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "serve", port="hunter2")

    assert done.returncode == 2
    assert "PATRON_PORT" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("2:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=", "Version 1 of the master key is needed and not there."),
        ("1:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=", "Version 1 of the master key is not the one that wrapped"),
        ("1:QUFB", "not 32 bytes long"),
        ("rubbish", "has the form `version:base64 of 32 bytes`"),
    ],
)
def test_a_wrong_master_key_ends_the_start_with_a_sentence(tmp_path: Path, key: str, sentence: str) -> None:
    var = tmp_path / "var"
    with serving(var) as server:
        server.end()
    (var / "master.key").write_text(key + "\n")

    done = run_cli(var, "serve")

    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert key.partition(":")[2] not in done.stderr or ":" not in key


def test_a_database_of_another_version_ends_the_worker_with_what_to_do(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "worker")

    assert done.returncode == 2
    assert done.stderr == "The main database has another version than this program: run `patron migrate`.\n"
