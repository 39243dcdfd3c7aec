"""What production refuses to serve."""

from pathlib import Path

from tests.server.process.server import run_cli, serving


def test_a_database_with_the_demos_clients_is_not_served_in_production(tmp_path: Path) -> None:
    var = tmp_path / "var"
    with serving(var) as server:
        demo = server.demo
        server.end()
    production = {
        "env": "production",
        "public_url": "https://accounts.example.org",
        "database_url": f"sqlite:///{var / 'patron.db'}",
        "keystore_url": f"sqlite:///{var / 'keystore.db'}",
        "master_key_file": str(var / "master.key"),
    }

    done = run_cli(var, "serve", **production)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"`patron clients remove demo {demo['clientId']}`" in done.stderr
    assert f"`patron clients remove demo {demo['publishableClientId']}`" in done.stderr
    assert demo["clientSecret"] not in done.stderr
    assert "development" in (var / "server.log").read_text()
