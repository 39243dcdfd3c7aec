"""Wrong settings and commands: one sentence that says what to do, exit code 2, and nothing done."""

import socket
from pathlib import Path

import pytest

from tests.server.cli.conftest import Patron
from tests.shop import Shop, Urls

SECRET = "hunter2"
POSTGRES = f"postgresql://ann:{SECRET}@db.example.org"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"port": "99999"}, "PATRON_PORT: Input should be less than or equal to 65535"),
        ({"log_level": "loud"}, "PATRON_LOG_LEVEL: Use one of DEBUG, INFO, WARNING, ERROR, CRITICAL."),
        (
            {"rate_limits": "{guest-reads: 5}"},
            'PATRON_RATE_LIMITS: This is not JSON. Write it as in {"guest-reads": "100 per minute"}.',
        ),
        (
            {"public_url": "https://accounts.example.org/"},
            "PATRON_PUBLIC_URL: Write it as in https://accounts.example.org, without a slash at the end, ? or #.",
        ),
        (
            {"public_url": "accounts.example.org"},
            "PATRON_PUBLIC_URL: Write it as in https://accounts.example.org, without a slash at the end, ? or #.",
        ),
        (
            {"database_url": f"mysql://ann:{SECRET}@db/shop"},
            "PATRON_DATABASE_URL: Write sqlite:///path or postgresql://user:password@host:5432/database.",
        ),
        (
            {"keystore_url": f"{POSTGRES}/keys?sslmode=on"},
            "PATRON_KEYSTORE_URL: The parameter sslmode must be one of allow, disable, prefer, require, verify-ca, "
            "verify-full.",
        ),
        (
            {"database_url": f"{POSTGRES}/shop", "keystore_url": f"{POSTGRES}:5432/shop?sslmode=require"},
            "PATRON_KEYSTORE_URL: This is the database of PATRON_DATABASE_URL. Give the key store its own: "
            "who is forgotten must not come back with a backup of the other one.",
        ),
        (
            {"database_url": "sqlite:///same.db", "keystore_url": "sqlite:///./same.db"},
            "PATRON_KEYSTORE_URL: This is the database of PATRON_DATABASE_URL. Give the key store its own: "
            "who is forgotten must not come back with a backup of the other one.",
        ),
        (
            {"smtp_url": f"http://ann:{SECRET}@mail.example.org"},
            "PATRON_SMTP_URL: Write smtp://user:password@host:port, with smtp, starttls or smtps.",
        ),
        (
            {"smtp_url": f"smtp://ann:{SECRET}@mail.example.org:99999"},
            "PATRON_SMTP_URL: The port is not a number from 1 to 65535.",
        ),
        (
            {"redis_url": f"http://ann:{SECRET}@redis.example.org"},
            "PATRON_REDIS_URL: Write redis://user:password@host:port/0, with redis, rediss, valkey or valkeys, or "
            "unix:///path.",
        ),
        (
            {"redis_url": f"redis://ann:{SECRET}@redis.example.org:99999"},
            "PATRON_REDIS_URL: Write redis://user:password@host:port/0, with redis, rediss, valkey or valkeys, or "
            "unix:///path.",
        ),
        (
            {"database_url": "sqlite://"},
            "PATRON_DATABASE_URL: Name a file, as in sqlite:///var/patron.db or sqlite:////srv/patron.db.",
        ),
        (
            {"keystore_url": "sqlite:///:memory:"},
            "PATRON_KEYSTORE_URL: Name a file, as in sqlite:///var/patron.db or sqlite:////srv/patron.db.",
        ),
        (
            {"public_url": "https://accounts.example.org:99999"},
            "PATRON_PUBLIC_URL: Write it as in https://accounts.example.org, without a slash at the end, ? or #.",
        ),
        (
            {"stripe_api_base": "api.stripe.com"},
            "PATRON_STRIPE_API_BASE: Write it as in https://accounts.example.org, without a slash at the end, ? or #.",
        ),
        ({"mail_from": "the shop"}, "PATRON_MAIL_FROM: Write an address alone, as in no-reply@example.org."),
        (
            {"rate_limits": '{"guest-reads": "5 per fortnight"}'},
            "PATRON_RATE_LIMITS: Write guest-reads as in `100 per minute` or `5 per 10 seconds`.",
        ),
        (
            {"rate_limits": '{"guest-reads": "0 per minute"}'},
            "PATRON_RATE_LIMITS: Write guest-reads as in `100 per minute` or `5 per 10 seconds`.",
        ),
        ({"worker_interval": "inf"}, "PATRON_WORKER_INTERVAL: Input should be a finite number"),
        ({"access_token_lifetime": "999999999999"}, "PATRON_ACCESS_TOKEN_LIFETIME: Input should be less than"),
        ({"argon2_memory": "999999999999"}, "PATRON_ARGON2_MEMORY: Input should be less than"),
        (
            {"trusted_proxies": "10.0.0.0/8, proxy"},
            "PATRON_TRUSTED_PROXIES: proxy is no network. Write them as in 10.0.0.0/8, 2001:db8::/48.",
        ),
        ({"rate_limits": '{"guests": "5 per minute"}'}, "PATRON_RATE_LIMITS: there is no policy guests; there are "),
    ],
)
async def test_a_wrong_setting_is_one_sentence(
    patron_sqlite: Patron, settings: dict[str, str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ("organizations", "list") if settings.keys() & {"rate_limits", "smtp_url", "redis_url"} else ("migrate",)

    done = await patron_sqlite(*command, **settings)

    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr


async def test_a_port_in_use_is_named_before_anything_is_opened(patron_sqlite: Patron) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        done = await patron_sqlite("serve", "--port", str(port), master_key="rubbish")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Something listens on 127.0.0.1, port {port} already. End it, or choose another port: --port or PATRON_PORT.\n"
    )


async def test_a_key_file_that_others_may_read_is_refused(patron_sqlite: Patron, tmp_path: Path) -> None:
    key = tmp_path / "master.key"
    key.write_text("1:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n")
    key.chmod(0o644)

    done = await patron_sqlite("organizations", "list", master_key=None, master_key_file=str(key))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Others may read the master key in {key} (mode 644). Run `chmod 600 {key}`.\n"


@pytest.mark.parametrize("setting", ["database_url", "keystore_url"])
@pytest.mark.parametrize("kind", ["folder", "file"])
async def test_what_is_no_database_is_left_as_it_is(
    patron_sqlite: Patron, tmp_path: Path, setting: str, kind: str
) -> None:
    path = tmp_path / "hosts"
    if kind == "folder":
        path.mkdir(mode=0o755)
    else:
        path.write_text("127.0.0.1 localhost\n")
        path.chmod(0o644)
    before = path.stat()

    for command in (("migrate",), ("check",), ("organizations", "list")):
        done = await patron_sqlite(*command, **{setting: f"sqlite:///{path}"})

        assert done.returncode == 2
        assert f"{path} is no SQLite database." in " ".join((done.stdout + done.stderr).split())
        assert "Traceback" not in done.stderr
    assert (path.stat().st_mode, path.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


async def test_a_database_that_is_not_there_is_named(postgres_urls: Urls, patron_postgres: Patron) -> None:
    keystore = postgres_urls.keystore.replace("keystore", "nothing")

    absent = await patron_postgres("migrate", keystore_url=keystore)
    away = await patron_postgres("migrate", database_url=f"postgresql://ann:{SECRET}@127.0.0.1:1/shop")

    assert (absent.returncode, away.returncode) == (2, 2)
    assert absent.stderr.splitlines()[-1] == (
        "PATRON_KEYSTORE_URL: The server has no such database. Create it (`createdb`), then run `patron migrate`."
    )
    assert away.stderr.splitlines()[-1] == (
        "PATRON_DATABASE_URL: The server does not answer (ConnectionRefusedError). Check host, port and sslmode of "
        "the URL."
    )
    assert SECRET not in away.stderr


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("clients", "create", "first", "--name", " ", "--scope", "customers:read"), "name: This field is required.\n"),
        (
            ("clients", "create", "first", "--name", "ERP", "--scope", "customers:read", "--public-key", "bad.pem"),
            "publicKeys: Send a public key in PEM: -----BEGIN PUBLIC KEY----- and so on.\n",
        ),
        (
            ("staff", "create", "first", "--email", "nobody", "--first-name", "x" * 40),
            "email: This is not an email address. Write it as in ann@example.org.\nfirstName: At most 32 characters.\n",
        ),
        (
            ("staff", "create", "first", "--email", "sam@first.example.org"),
            "email: Another staff member of first has this address.\n",
        ),
        (
            ("staff", "update", "first", "sam@first.example.org", "--email", "sam", "--last-name", "x" * 40),
            "email: This is not an email address. Write it as in ann@example.org.\nlastName: At most 32 characters.\n",
        ),
        (
            ("staff", "update", "first", "nobody@example.org", "--first-name", "Sam"),
            "first has no such staff member. `patron staff list first` shows those there are.\n",
        ),
        (
            ("staff", "remove", "first", "nobody@example.org"),
            "first has no such staff member. `patron staff list first` shows those there are.\n",
        ),
        (
            ("organizations", "update", "first", "--storefront-url", "javascript:alert(1)"),
            "settings.storefrontUrl: Write a web address as in https://shop.example.org, without ? and #.\n",
        ),
        (
            ("organizations", "update", "first", "--set", "mailSender=not an address"),
            "settings.mailSender: This is not an email address. Write it as in ann@example.org.\n",
        ),
        (("organizations", "update", "first", "--set", "approval=maybe"), "--set approval: use true or false.\n"),
        (
            ("clients", "remove", "third", "00000000-0000-7000-8000-000000000000"),
            "There is no organization third. `patron organizations list` shows those there are.\n",
        ),
    ],
)
async def test_a_wrong_command_is_one_sentence_for_each_wrong_field(
    shop: Shop, patron: Patron, tmp_path: Path, command: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "bad.pem").write_bytes(b"\xff\xfe no key")
    before = await shop.counts()

    done = await patron(*(str(tmp_path / "bad.pem") if part == "bad.pem" else part for part in command))

    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)
    assert await shop.counts() == before
