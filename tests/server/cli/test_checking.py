"""`patron check`: what it looks at, and what it says to what is wrong."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from tests.server.cli.conftest import Done, Patron
from tests.shop import Shop, Urls


def found(done: Done) -> dict[str, tuple[str, str]]:
    """Verdict and finding by subject."""
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return {row["subject"]: (row["verdict"], row["finding"]) for row in rows}


async def test_a_good_set_up_is_found_good(shop: Shop, patron: Patron) -> None:
    done = await patron("check", "--json", public_url="http://127.0.0.1:8000")

    rows = found(done)
    assert done.returncode == 0, done.stdout
    assert {verdict for verdict, _ in rows.values()} <= {"ok", "warning"}
    for subject in ("settings", "public URL", "proxies", "master key", "main database", "keystore database"):
        assert rows[subject][0] == "ok"
    assert rows["key store"] == ("ok", "opens with the master key")
    assert rows["organizations"] == ("ok", "1, first is the default")
    assert rows["organization first"][0] == "warning"


async def test_everything_that_is_wrong_is_said_together(shop: Shop, patron: Patron) -> None:
    await shop.execute("UPDATE organizations SET is_default = false")

    done = await patron(
        *("check", "--json"),
        env="production",
        public_url="http://accounts.example.org",
        trusted_proxy="10.0.0.0/8",
        smtp_url="smtp://127.0.0.1:1",
        redis_url="redis://127.0.0.1:1",
        stripe_secret_key="sk_test_hunter2",
        stripe_api_base="http://127.0.0.1:1",
    )

    rows = found(done)
    assert done.returncode == 2
    assert rows["settings"] == (
        "error",
        "There is no setting PATRON_TRUSTED_PROXY. Did you mean PATRON_TRUSTED_PROXIES?",
    )
    assert rows["public URL"] == ("error", "PATRON_PUBLIC_URL: Use https://, tokens and passwords go there.")
    assert rows["proxies"][0] == "warning"
    assert rows["organizations"][0] == "warning"
    assert rows["mail"][0] == "error"
    assert rows["redis"] == ("error", "PATRON_REDIS_URL: The server does not answer.")
    assert rows["stripe"][0] == "error"
    assert "hunter2" not in done.stdout + done.stderr


async def test_one_database_under_two_urls_is_noticed(postgres_urls: Urls, patron_postgres: Patron) -> None:
    # Another spelling of the same host: only the server itself can tell.
    here = make_url(postgres_urls.main)
    other = here.set(query={"host": f"{here.query['host']}/"}).render_as_string(hide_password=False)

    done = await patron_postgres("check", "--json", keystore_url=other)

    assert done.returncode == 2
    assert found(done)["databases"] == ("error", "Both URLs lead to one database: give the key store its own.")


async def test_a_wrong_key_and_an_absent_database_are_said(sqlite_urls: Urls, patron_sqlite: Patron) -> None:
    key = "1:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="

    await patron_sqlite("organizations", "list")
    wrong = found(await patron_sqlite("check", "--json", public_url="http://localhost:8000", master_key=key))
    absent = found(await patron_sqlite("check", "--json", database_url=f"sqlite:///{sqlite_urls.folder}/absent.db"))

    assert wrong["key store"] == ("error", wrong["key store"][1])
    assert wrong["key store"][1].startswith("Version 1 of the master key is not the one that wrapped")
    assert absent["main database"] == ("ok", "is made at the first start of development")


async def test_looking_creates_nothing(sqlite_urls: Urls, patron_sqlite: Patron, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    absent = {
        "database_url": f"sqlite:///{folder}/patron.db",
        "keystore_url": f"sqlite:///{folder}/keystore.db",
        "var_dir": str(folder),
    }

    development = await patron_sqlite("check", "--json", **absent, master_key=None)
    production = await patron_sqlite(
        "check", "--json", **absent, env="production", public_url="https://accounts.example.org"
    )

    assert found(development)["master key"] == ("ok", "is made at the first start of development")
    assert found(development)["keystore database"] == ("ok", "is made at the first start of development")
    assert production.returncode == 2
    assert found(production)["main database"] == (
        "error",
        "There is no such file yet: run `patron migrate`, or correct the path.",
    )
    assert not folder.exists()


async def test_wrong_urls_are_said_beside_the_rest(shop: Shop, patron: Patron) -> None:
    done = await patron(
        *("check", "--json"),
        smtp_url="smtp://ann:hunter2@mail.example.org:99999",
        redis_url="http://ann:hunter2@redis.example.org",
        rate_limits='{"guests": "5 per minute"}',
    )

    rows = found(done)
    assert done.returncode == 2
    assert rows["mail"] == ("error", "PATRON_SMTP_URL: The port is not a number from 1 to 65535.")
    assert rows["redis"] == (
        "error",
        "PATRON_REDIS_URL: Write redis://user:password@host:port/0, with redis, rediss, valkey or valkeys, or "
        "unix:///path.",
    )
    assert rows["rate limits"][1].startswith("PATRON_RATE_LIMITS: there is no policy guests; there are ")
    assert rows["organizations"][0] == "ok"
    assert "hunter2" not in done.stdout + done.stderr
