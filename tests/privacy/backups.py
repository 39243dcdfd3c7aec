"""Backups of the databases of a test, made and restored while nothing is connected."""

import shutil
from pathlib import Path

from sqlalchemy.engine import make_url

from tests import postgres
from tests.shop import Urls


class Backups:
    """Copies of either database: files of SQLite, template copies of PostgreSQL."""

    def __init__(self, urls: Urls) -> None:
        """Back up and restore the databases of `urls`."""
        self._urls = {"main": urls.main, "keystore": urls.keystore}

    async def make(self, *kinds: str, name: str = "backup") -> None:
        """Back up `main`, `keystore`, or both."""
        for kind in kinds or ("main", "keystore"):
            await self._copy(self._urls[kind], self._copy_url(kind, name))

    async def restore(self, *kinds: str, name: str = "backup") -> None:
        """Put a backup in place of the database."""
        for kind in kinds or ("main", "keystore"):
            await self._copy(self._copy_url(kind, name), self._urls[kind])

    async def drop(self) -> None:
        """Drop the copies on the server."""
        if self._urls["main"].startswith("sqlite"):
            return
        database = make_url(self._urls["main"]).database
        prefix = str(database).removesuffix("_main")
        server = postgres.database(self._urls["main"], "postgres")
        for name in await postgres.names(server, f"{prefix}\\_%\\_copy\\_%"):
            await postgres.execute(server, f"DROP DATABASE {name} WITH (FORCE)")

    def _copy_url(self, kind: str, name: str) -> str:
        url = make_url(self._urls[kind])
        return url.set(database=f"{url.database}_copy_{name}").render_as_string(hide_password=False)

    async def _copy(self, source: str, target: str) -> None:
        if source.startswith("sqlite"):
            _copy_files(Path(str(make_url(source).database)), Path(str(make_url(target).database)))
            return
        server = postgres.database(source, "postgres")
        names = make_url(source).database, make_url(target).database
        await postgres.execute(server, f"DROP DATABASE IF EXISTS {names[1]} WITH (FORCE)")
        await postgres.execute(server, f"CREATE DATABASE {names[1]} TEMPLATE {names[0]}")


def _copy_files(source: Path, target: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    shutil.copy(source, target)
    if (log := Path(f"{source}-wal")).exists():
        shutil.copy(log, f"{target}-wal")
