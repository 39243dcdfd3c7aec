"""The file of a SQLite database: its URL, and who may read it."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url

from app.platform.db.postgres import BadDatabaseUrl

DRIVER = "sqlite+aiosqlite"
HEADER = b"SQLite format 3\0"


def parse_sqlite(url: str) -> URL:
    """The URL as SQLAlchemy understands it; raise `BadDatabaseUrl` when it names no file.

    Not a database in memory: each connection would have one of its own.
    """
    if url.partition(":")[0] not in {"sqlite", DRIVER}:
        raise BadDatabaseUrl("Write sqlite:///path or postgresql://user:password@host:5432/database.")
    parsed = make_url(url).set(drivername=DRIVER)
    if parsed.database in {None, "", ":memory:"} or parsed.host:
        raise BadDatabaseUrl("Name a file, as in sqlite:///var/patron.db or sqlite:////srv/patron.db.")
    return parsed


def file_of(url: str) -> Path:
    """The file of a SQLite database; raise `BadDatabaseUrl`."""
    return Path(parse_sqlite(url).database or "")


def make_private(path: Path) -> None:
    """Create a SQLite file, or take it from others: mode 600. Its journal and write-ahead log get the same mode.

    Whatever else a mistyped path names is left as it is; raise `BadDatabaseUrl`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and not _is_sqlite(path):
        raise BadDatabaseUrl(f"{path} is no SQLite database. Choose another path, or move what is there.")
    path.touch(mode=0o600)
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _is_sqlite(path: Path) -> bool:
    """Whether it is a database, or an empty file that becomes one (https://sqlite.org/fileformat.html)."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(HEADER)) in {HEADER, b""}
