"""Fixtures: the command line beside a shop, in the process of the test: starting Python takes longer than a command."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from app.platform import logs
from app.server.cli import app
from tests.server.process.server import environment
from tests.shop import MASTER_KEY, Urls


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Patron = Callable[..., Awaitable[Done]]


@pytest.fixture(autouse=True)
def _keep_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    # It would go on writing to the output of the first command.
    monkeypatch.setattr(logs, "configure", lambda _: None)


def on(urls: Urls) -> Patron:
    """Runs a command on these databases, with settings by keyword; a setting that is None has its default."""

    async def run(*arguments: str, **settings: str | None) -> Done:
        chosen = {"database_url": urls.main, "keystore_url": urls.keystore, "master_key": MASTER_KEY, **settings}
        given = environment(urls.folder, **{name: value for name, value in chosen.items() if value is not None})
        absent = {name: None for name in os.environ if name.startswith("PATRON_") and name not in given}
        # A thread: the command has an event loop of its own.
        result = await asyncio.to_thread(CliRunner().invoke, app, arguments, env={**given, **absent})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def patron(urls: Urls) -> Patron:
    return on(urls)


@pytest.fixture
def patron_sqlite(sqlite_urls: Urls) -> Patron:
    return on(sqlite_urls)


@pytest.fixture
def patron_postgres(postgres_urls: Urls) -> Patron:
    return on(postgres_urls)
