"""Fixtures: a shop with its own databases for every test, on SQLite and on PostgreSQL."""

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.platform.db.migrating import migrate
from app.platform.db.revisions import DatabaseKind
from app.server.runtime import databases
from tests import owner_first, postgres
from tests.shop import Shop, Urls, open_shop

_numbers = itertools.count(1)
# Numbers of the databases of this process: several processes may use one server.
TEMPLATES = {kind: f"patron_template_{os.getpid()}_{kind.value}" for kind in DatabaseKind}

MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp creates the directory below it


def pytest_configure(config: pytest.Config) -> None:
    """Keep the databases of the tests in memory where the system has /dev/shm: a disk is ten times slower."""
    if config.option.basetemp is None and os.access(MEMORY, os.W_OK):
        config.option.basetemp = Path(tempfile.mkdtemp(prefix="patron-tests-", dir=MEMORY))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Delete the databases in memory."""
    if str(config.option.basetemp).startswith(str(MEMORY)):
        shutil.rmtree(config.option.basetemp, ignore_errors=True)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


async def _migrated(urls: Urls) -> None:
    for database, kind in zip(databases(urls.settings()), DatabaseKind, strict=True):
        await migrate(database, kind)
        await database.close()


@pytest.fixture(scope="session")
async def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Urls:
    """Migrated databases, which every test copies."""
    folder = tmp_path_factory.mktemp("template")
    urls = Urls(f"sqlite:///{folder / 'main.db'}", f"sqlite:///{folder / 'keystore.db'}", folder)
    await _migrated(urls)
    return urls


@pytest.fixture(scope="session")
async def postgres_template(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Urls:
    for name in TEMPLATES.values():
        await postgres.execute(postgres_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await postgres.execute(postgres_url, f"CREATE DATABASE {name}")
    main, keystore = (postgres.database(postgres_url, name) for name in TEMPLATES.values())
    urls = Urls(main, keystore, tmp_path_factory.mktemp("template"))
    await _migrated(urls)
    return urls


@pytest.fixture
async def sqlite_urls(sqlite_template: Urls, tmp_path: Path) -> Urls:
    for name in ("main.db", "keystore.db"):
        shutil.copy(sqlite_template.folder / name, tmp_path / name)
    return Urls(f"sqlite:///{tmp_path / 'main.db'}", f"sqlite:///{tmp_path / 'keystore.db'}", tmp_path)


@pytest.fixture
async def postgres_urls(postgres_url: str, postgres_template: Urls, tmp_path: Path) -> AsyncIterator[Urls]:
    number = next(_numbers)
    names = {kind: f"patron_test_{os.getpid()}_{number}_{kind.value}" for kind in DatabaseKind}
    for kind, name in names.items():
        await postgres.execute(postgres_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await postgres.execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATES[kind]}")
    main, keystore = (postgres.database(postgres_url, name) for name in names.values())
    yield Urls(main, keystore, tmp_path)
    for name in names.values():
        await postgres.execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(autouse=True)
def every_statement_names_the_owner(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test fails in which the program reads, changes or locks what somebody owns without saying whose it is."""
    with owner_first.collected(monkeypatch) as unowned:
        yield
    assert unowned == {}, "Name the owner, or add the shape to tests/contract/permitted_fan_outs.py with its reason."


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest) -> Urls:
    """Fresh databases, once on SQLite and once on PostgreSQL."""
    found: Urls = request.getfixturevalue("sqlite_urls" if request.param == "sqlite" else "postgres_urls")
    return found


@pytest.fixture
async def shop(urls: Urls) -> AsyncIterator[Shop]:
    """A running shop with an organization that does not require a verified email address to log in."""
    async with open_shop(urls) as opened:
        yield opened
