"""A real server process on a free port, started as in the README."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parent.parent
START_SECONDS = 60
STOP_SECONDS = 20


class Server:
    """`patron serve` with its files below a directory; stopped at the end of the block."""

    def __init__(self, folder: Path, **settings: str) -> None:
        """Serve with the defaults of development and these settings."""
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None

    @staticmethod
    def environment(folder: Path, **settings: str) -> dict[str, str]:
        """The environment of a process that imports the program from here and keeps its files in `folder`."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PATRON_")}
        return {
            **inherited,
            "PYTHONPATH": str(ROOT),
            "PATRON_VAR_DIR": str(folder / "var"),
            "PATRON_ARGON2_MEMORY": "64",
            "PATRON_ARGON2_ITERATIONS": "1",
            **settings,
        }

    def start(self) -> None:
        """Start, and wait for the `ready` line."""
        with (self.folder / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.server.cli", "serve", "--port", str(self.port)],
                cwd=self.folder,
                env=self.environment(self.folder, **self._settings),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("ready "):
                return
        raise AssertionError((self.folder / "server.log").read_text())

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; return the exit code."""
        process = self._process
        assert process is not None
        process.send_signal(with_signal)
        code = process.wait(STOP_SECONDS)
        if process.stdout:
            process.stdout.close()
        self._process = None
        return code

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._process is not None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        if self.running:
            self.stop()


def free_port() -> int:
    """A free port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
