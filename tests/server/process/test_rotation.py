"""The master key and the signing keys rotate while the server runs, without failed requests."""

from pathlib import Path

from tests.server.process.server import run_cli, serving
from tests.server.process.stored import rows

VERSIONS = """SELECT master_version FROM person_keys UNION SELECT master_version FROM system_keys"""


def test_the_master_key_rotates_while_the_server_runs(tmp_path: Path) -> None:
    var = tmp_path / "var"
    with serving(var) as server:
        token = server.register("ann@example.org", firstName="Ann")
        before = (var / "master.key").read_text()

        done = run_cli(var, "keys", "rotate")

        assert done.returncode == 0, done.stderr
        assert "with version 2" in done.stdout
        lines = (var / "master.key").read_text().splitlines()
        assert lines[0] == before.strip()
        assert [line.split(":")[0] for line in lines] == ["1", "2"]
        assert [row[0] for row in rows(var / "keystore.db", VERSIONS)] == [2]
        assert server.ask("Me", token=token)["me"]["firstName"] == "Ann"
        assert server.register("bob@example.org")
        assert server.login("ann@example.org")["userErrors"] == []
        assert server.end() == 0

    with serving(var) as server:
        assert server.login("bob@example.org")["userErrors"] == []
        assert (
            server.ask("Me", token=server.login("ann@example.org")["tokens"]["accessToken"])["me"]["firstName"] == "Ann"
        )


def test_the_signing_key_rotates_while_the_server_runs(tmp_path: Path) -> None:
    var = tmp_path / "var"
    with serving(var) as server:
        token = server.register("ann@example.org")

        done = run_cli(var, "keys", "rotate-signing")

        assert done.returncode == 0, done.stderr
        assert server.ask("Viewer", token=token)["viewer"]["kind"] == "CUSTOMER"
        assert server.ask("Viewer", token=server.register("bob@example.org"))["viewer"]["kind"] == "CUSTOMER"
