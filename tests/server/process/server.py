"""A real server process: started, called over HTTP, ended or killed."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from tests.shop import CONTRACT, PASSWORD

ROOT = Path(__file__).parents[3]
STARTS_WITHIN = 60
ENDS_WITHIN = 10


def free_port() -> int:
    """A port that is free at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def environment(var: Path, **settings: str) -> dict[str, str]:
    """The environment of a process: cheap password hashes, a frequent worker, no inherited settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PATRON_")}
    cheap = {"argon2_memory": "8", "argon2_iterations": "1", "worker_interval": "0.05", "anonymization_delay": "0"}
    chosen = {"var_dir": str(var), **cheap, **settings}
    return {**inherited, **{f"PATRON_{name.upper()}": value for name, value in chosen.items()}}


def run_cli(var: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command until it ends."""
    return subprocess.run(
        [sys.executable, "-m", "app.server.cli", *arguments],
        cwd=ROOT,
        env=environment(var, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass(slots=True)
class Server:
    """A running process and its address."""

    process: subprocess.Popen[bytes]
    var: Path
    port: int
    printed: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def demo(self) -> dict[str, str]:
        """The content of `demo.json`."""
        found: dict[str, str] = json.loads((self.var / "demo.json").read_text())
        return found

    def ask(self, operation: str, *, token: str | None = None, **variables: Any) -> Any:
        """The data of a response without errors; an operation of the contract is given by name."""
        headers = {"authorization": f"Bearer {token}"} if token else {"x-api-key": self.demo["publishableKey"]}
        body = {"query": CONTRACT.get(operation, operation), "variables": variables}
        answer = httpx.post(f"{self.url}/graphql", json=body, headers=headers, timeout=30).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def register(self, email: str, **profile: Any) -> str:
        """Register; return the access token."""
        account = {"email": email, "password": PASSWORD, "passwordConfirmation": PASSWORD, **profile}
        payload = self.ask("Register", input=account)["register"]
        assert payload["userErrors"] == []
        token: str = payload["tokens"]["accessToken"]
        return token

    def login(self, email: str) -> Any:
        """The payload of a login."""
        return self.ask("Login", identifier=email, password=PASSWORD)["login"]

    def staff(self) -> str:
        """A token on behalf of the demo's staff member, as the command line prints it."""
        done = run_cli(self.var, "token", "--on-behalf-of", self.demo["staffEmail"])
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def kill(self) -> None:
        """SIGKILL: nothing is shut down."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """SIGTERM, and the exit code; raise when it does not end in time."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(ENDS_WITHIN)


@contextmanager
def serving(var: Path, *options: str, **settings: str) -> Iterator[Server]:
    """A ready server on a free port; a process that is left is killed afterwards."""
    var.mkdir(exist_ok=True)
    port = free_port()
    with (var / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.server.cli", "serve", "--port", str(port), *options],
            cwd=ROOT,
            env=environment(var, **settings),
            stdout=subprocess.PIPE,
            stderr=log,
        )
    with process:
        try:
            yield Server(process, var, port, _until_ready(process))
        finally:
            process.kill()


def _until_ready(process: subprocess.Popen[bytes]) -> list[str]:
    assert process.stdout
    deadline, printed = monotonic() + STARTS_WITHIN, b""
    while b"ready " not in printed or not printed.endswith(b"\n"):
        readable, _, _ = select.select([process.stdout], [], [], max(0, deadline - monotonic()))
        chunk = os.read(process.stdout.fileno(), 4096) if readable else b""
        assert chunk, f"the server did not get ready: {printed.decode()}"
        printed += chunk
    return printed.decode().splitlines()
