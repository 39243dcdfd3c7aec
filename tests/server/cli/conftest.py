"""Fixtures: the command line beside a shop."""

import subprocess
from collections.abc import Callable

import pytest

from tests.server.process.server import run_cli
from tests.shop import MASTER_KEY, Urls

Patron = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def patron(urls: Urls) -> Patron:
    """Runs a command on the databases of the test, with settings by keyword."""

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        chosen = {"database_url": urls.main, "keystore_url": urls.keystore, "master_key": MASTER_KEY, **settings}
        return run_cli(urls.folder, *arguments, **chosen)

    return run
