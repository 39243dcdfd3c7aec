"""Processes under measurement: start, watch through /proc, end."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.platform.settings import Settings
from tests.live_server import free_port

ROOT = Path(__file__).parents[3]
STOP_SECONDS = 20
BARE_IMPORTS = "import sqlmodel, strawberry, starlette, uvicorn"


class MeasuredProcess:
    """A server process."""

    def __init__(self, process: subprocess.Popen[str], url: str, start_seconds: float) -> None:
        """It was ready after `start_seconds`."""
        self._process = process
        self.url = url
        self.start_seconds = start_seconds

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory_mib(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def _measured_process(command: list[str], url: str, environment: dict[str, str]) -> Iterator[MeasuredProcess]:
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        if not any(line.startswith("ready") for line in process.stdout):
            message = f"{' '.join(command)} ended with {process.wait()}."
            raise RuntimeError(message)
        yield MeasuredProcess(process, url, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
        process.stdout.close()


@contextmanager
def served_patron(settings: Settings) -> Iterator[MeasuredProcess]:
    """`patron serve` on a free port, with these settings and without the worker."""
    port = free_port()
    with _measured_process(
        ["-m", "app.server.cli", "serve", "--port", str(port)], f"http://127.0.0.1:{port}", _environment(settings)
    ) as found:
        yield found


def _environment(settings: Settings) -> dict[str, str]:
    """The environment of a process with these settings and no others."""
    given = settings.model_dump(include=settings.model_fields_set)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PATRON_")}
    secret = {
        name: getattr(value, "get_secret_value", lambda value=value: str(value))() for name, value in given.items()
    }
    return {**inherited, **{f"PATRON_{name.upper()}": value for name, value in secret.items()}}


@contextmanager
def baseline(instructions: Path, port: int) -> Iterator[MeasuredProcess]:
    """The baseline, as instructed."""
    command = ["-m", "tests.server.bench.baseline", str(instructions)]
    with _measured_process(command, f"http://127.0.0.1:{port}", dict(os.environ)) as found:
        yield found


def bare_imports_seconds() -> float:
    """How long the interpreter takes to import the product's libraries, and nothing else."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", BARE_IMPORTS], check=True)
    return time.perf_counter() - started
