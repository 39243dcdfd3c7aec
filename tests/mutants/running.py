"""Runs the tests of one mutant in a process of its own, which imports the changed module in place of the file."""

import asyncio
import importlib.machinery
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import Any
from unittest.mock import patch

import pytest

from tests import postgres
from tests.mutants.selection import ROOT, Chosen

LIMIT = 300.0
"""Seconds; a change that makes a test wait for ever is noticed, too."""


def run(chosen: Sequence[Chosen], *, at_once: int, max_tests: int) -> Iterator[tuple[Chosen, bool]]:
    """Each mutant, and whether a test noticed it, as they end."""
    # Only as long as it is there: the next run has a server of its own.
    with postgres.server() as url, patch.dict(os.environ, {postgres.EXISTING: url}):
        waiting = list(chosen)
        running: dict[int, tuple[Chosen, float]] = {}
        while waiting or running:
            while waiting and len(running) < at_once:
                one = waiting.pop(0)
                running[_start(one, max_tests)] = (one, time.monotonic())
            for process_id, (one, since) in list(running.items()):
                ended, status = os.waitpid(process_id, os.WNOHANG)
                if not ended and time.monotonic() - since < LIMIT:
                    continue
                if not ended:
                    os.killpg(process_id, signal.SIGKILL)
                    os.waitpid(process_id, 0)
                del running[process_id]
                asyncio.run(_drop_databases(url, process_id))
                yield one, not ended or os.waitstatus_to_exitcode(status) != 0
            time.sleep(0.05)


async def _drop_databases(url: str, process_id: int) -> None:
    for name in await postgres.names(url, f"patron\\_%\\_{process_id}\\_%"):
        await postgres.execute(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _start(one: Chosen, max_tests: int) -> int:
    sys.stdout.flush()
    process_id = os.fork()
    if process_id:
        return process_id
    os.setpgrp()
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    _import_changed(one)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "-W", "ignore"]
    os._exit(int(pytest.main([*options, *one.tests[:max_tests]])))


def _import_changed(one: Chosen) -> None:
    path = str(ROOT / one.mutant.path)
    changed = one.mutant.applied((ROOT / one.mutant.path).read_text(encoding="utf-8"))
    get_code = importlib.machinery.SourceFileLoader.get_code

    def changed_code(loader: Any, name: str) -> CodeType | None:
        return compile(changed, path, "exec") if loader.path == path else get_code(loader, name)

    setattr(importlib.machinery.SourceFileLoader, "get_code", changed_code)  # noqa: B010 - mypy knows it as a method
