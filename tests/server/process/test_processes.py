"""`patron serve --processes N`: several processes on one port, replaced when they die and ended together."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import httpx

from tests.server.process.server import ENDS_WITHIN, STARTS_WITHIN, Server, run_cli, serving


def children(server: Server) -> list[int]:
    """The processes that the supervisor has started and that still run."""
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Whether the process runs: one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Until the condition holds; fail the test when it does not in time."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline
        sleep(0.05)


def test_two_processes_serve_one_port_and_are_ready_once(tmp_path: Path) -> None:
    var = tmp_path / "var"
    with serving(var, "--processes", "2") as server:
        both = children(server)
        printed = server.printed
        server.register("ann@example.org")

        ends_with = server.end()

    assert printed == [f"demo {var / 'demo.json'}", f"ready http://127.0.0.1:{server.port}/graphql"]
    assert len(both) == 2
    assert ends_with == 0
    assert not any(is_running(pid) for pid in both)


def test_a_process_that_dies_is_replaced_while_the_other_serves(tmp_path: Path) -> None:
    with serving(tmp_path / "var", "--processes", "2") as server:
        server.register("ann@example.org")
        killed, stayed = children(server)

        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: killed not in children(server) and len(children(server)) == 2, STARTS_WITHIN)
        meanwhile = [httpx.get(f"{server.url}/healthz").status_code for _ in range(20)]

        assert meanwhile == [200] * 20
        assert stayed in children(server)
        assert server.login("ann@example.org")["userErrors"] == []
        assert server.end() == 0
    log = (tmp_path / "var" / "server.log").read_text()
    assert log.count("process_replaced") == 1


def test_processes_do_not_outlive_their_supervisor(tmp_path: Path) -> None:
    with serving(tmp_path / "var", "--processes", "2") as server:
        both = children(server)

        server.kill()

        wait_for(lambda: not any(is_running(pid) for pid in both), ENDS_WITHIN)


def test_a_port_that_is_in_use_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    with serving(tmp_path / "var") as server:
        done = run_cli(server.var, "serve", "--processes", "2", "--port", str(server.port))

    assert done.returncode == 2
    assert done.stderr.startswith(f"Something listens on 127.0.0.1, port {server.port} already.")
    assert len(done.stderr.splitlines()) == 1
