"""Fixtures: a shop with its own databases for every test, on SQLite and on PostgreSQL."""

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from app.platform.db.migrating import migrate
from app.platform.db.revisions import DatabaseKind
from app.server.runtime import databases
from tests import owner_first, postgres
from tests.bystander import Inhabited, inhabit
from tests.shop import Shop, Urls, open_shop

_numbers = itertools.count(1)
# Numbers of the databases of this process: several processes may use one server.
TEMPLATES = {kind: f"patron_template_{os.getpid()}_{kind.value}" for kind in DatabaseKind}

PEOPLE = {"accounts", "contract", "customers", "identity", "privacy", "test_customer_lifecycle.py"}
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


@pytest.fixture(scope="session")
async def sqlite_inhabited(sqlite_template: Urls, tmp_path_factory: pytest.TempPathFactory) -> Inhabited:
    return await inhabit(_copy_of(sqlite_template, tmp_path_factory.mktemp("inhabited")))


@pytest.fixture(scope="session")
async def postgres_inhabited(
    postgres_url: str, postgres_template: Urls, tmp_path_factory: pytest.TempPathFactory
) -> Inhabited:
    urls = await _create_databases(postgres_url, postgres_template, tmp_path_factory.mktemp("inhabited"))
    return await inhabit(urls)


def _copy_of(template: Urls, folder: Path) -> Urls:
    for name in ("main.db", "keystore.db"):
        shutil.copy(template.folder / name, folder / name)
    return Urls(f"sqlite:///{folder / 'main.db'}", f"sqlite:///{folder / 'keystore.db'}", folder)


async def _create_databases(server: str, template: Urls, folder: Path) -> Urls:
    number = next(_numbers)
    created = []
    for kind, url in zip(DatabaseKind, (template.main, template.keystore), strict=True):
        name = f"patron_test_{os.getpid()}_{number}_{kind.value}"
        await postgres.execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await postgres.execute(server, f"CREATE DATABASE {name} TEMPLATE {make_url(url).database}")
        created.append(postgres.database(server, name))
    main, keystore = created
    return Urls(main, keystore, folder)


@pytest.fixture
def sqlite_source(request: pytest.FixtureRequest) -> Urls:
    """What a test's databases are copied from: with bystanders in them where the test is marked."""
    return _source(request, "sqlite")


@pytest.fixture
def postgres_source(request: pytest.FixtureRequest) -> Urls:
    return _source(request, "postgres")


def _has_bystanders(request: pytest.FixtureRequest) -> bool:
    """Whether people live beside a test of what people own: unless it says that it must be alone."""
    place = request.path.relative_to(Path(__file__).parent).parts[0]
    is_alone = request.node.get_closest_marker("alone") is not None
    return "shop" in request.fixturenames and place in PEOPLE and not is_alone


def _source(request: pytest.FixtureRequest, kind: str) -> Urls:
    if not _has_bystanders(request):
        found: Urls = request.getfixturevalue(f"{kind}_template")
        return found
    inhabited: Inhabited = request.getfixturevalue(f"{kind}_inhabited")
    return inhabited.urls


@pytest.fixture
async def sqlite_urls(sqlite_source: Urls, tmp_path: Path) -> Urls:
    return _copy_of(sqlite_source, tmp_path)


@pytest.fixture
async def postgres_urls(postgres_url: str, postgres_source: Urls, tmp_path: Path) -> AsyncIterator[Urls]:
    urls = await _create_databases(postgres_url, postgres_source, tmp_path)
    yield urls
    for url in (urls.main, urls.keystore):
        await postgres.execute(postgres_url, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


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
def inhabited(request: pytest.FixtureRequest, urls: Urls) -> Inhabited | None:
    """The bystanders of a marked test."""
    if not _has_bystanders(request):
        return None
    kind = "sqlite" if urls.main.startswith("sqlite") else "postgres"
    found: Inhabited = request.getfixturevalue(f"{kind}_inhabited")
    return found


@pytest.fixture
def shop_settings() -> dict[str, Any]:
    """Settings of the process that a folder of tests needs."""
    return {}


@pytest.fixture
async def shop(urls: Urls, inhabited: Inhabited | None, shop_settings: dict[str, Any]) -> AsyncIterator[Shop]:
    """A running shop with an organization that does not require a verified email address to log in."""
    async with open_shop(urls, None if inhabited is None else inhabited.organization, **shop_settings) as opened:
        opened.not_counted = inhabited.conditions if inhabited is not None else {}
        yield opened
        if inhabited is not None:
            assert await inhabited.changed(opened) == {}, "The test changed what belongs to a bystander."
