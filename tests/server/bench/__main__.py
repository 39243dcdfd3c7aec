"""The command: seed, load, print."""

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
from rich.columns import Columns
from rich.console import Console
from rich.table import Table

from app.identity.passwords.memory import QUIET_SECONDS
from app.platform.settings import Settings
from tests import postgres
from tests.live_server import free_port
from tests.server.bench import measuring, processes, trips
from tests.server.bench.floor import Instructions
from tests.server.bench.load import Generator, write
from tests.server.bench.measuring import Measured, Plan
from tests.server.bench.operations import Request, requests
from tests.server.bench.processes import Watched
from tests.server.bench.town import Town, make_databases, settle

FLOORED = ("Viewer", "Me", "UpdateCustomer")
HASHING = ("Login", "Register")
AT_REST_SECONDS = QUIET_SECONDS + 1
console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, and with what."""

    settings: Settings
    town: Town
    folder: Path
    plan: Plan
    operations: dict[str, list[Request]]

    def generator(self, name: str, url: str, connections: int = 16) -> Generator:
        """Sends the requests of an operation to `url`."""
        path = write(self.folder / f"{name}.requests", self.operations[name])
        return Generator(url, path, self.town.key, connections)


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=12, help="length of one run")
    parser.add_argument("--runs", type=int, default=3, help="runs of each operation; medians are shown")
    parser.add_argument("--customers", type=int, default=1000, help="how many live in the database")
    parser.add_argument("--only", nargs="+", default=[*FLOORED, *HASHING], help="operations to measure")
    parser.add_argument("--quick", action="store_true", help="one run of 3 seconds each")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.seconds, chosen.runs = 3, 1
    return chosen


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    if not shutil.which("wrk"):
        console.print("wrk (a Debian package) is absent: the load comes from a slower generator of our own.")
    with tempfile.TemporaryDirectory(prefix="patron-bench-") as name, postgres.server() as url:
        folder = Path(name)
        settings = asyncio.run(make_databases(url, folder))
        console.print(f"writing {chosen.customers} customers …")
        town = asyncio.run(settle(settings, chosen.customers))
        operations = {name: some for name, some in requests(town).items() if name in chosen.only}
        bench = Bench(settings, town, folder, Plan(chosen.seconds, chosen.runs), operations)
        waits = asyncio.run(trips.count(url, folder))
        _measure(bench, waits)


def _measure(bench: Bench, waits: Mapping[str, int]) -> None:
    _print_start(bench)
    with ExitStack() as stack:
        server = stack.enter_context(processes.patron(bench.settings))
        floor = stack.enter_context(_floor(bench, server))
        table = Table(
            "", "req/s", "CPU ms", "p50 ms", "p99 ms", "errors", "SQL trips", "floor", "floor CPU ms", "ratio"
        )
        idle = None
        for name in bench.operations:
            console.print(f"{name} …")
            ours = measuring.measure(server, bench.generator(name, f"{server.url}/graphql"), bench.plan)
            idle = ours if name == "Me" else idle
            least = _least(bench, floor, name)
            table.add_row(name, *_cells(ours), str(waits[name]), *least, _ratio(ours.per_second, least[0]))
        console.print(table)
        console.print("SQL trips of each operation, with BEGIN and COMMIT:")
        console.print(Columns([f"{name} {number}" for name, number in waits.items()], equal=True, column_first=True))
        if idle and "Login" in bench.operations:
            _print_beside(bench, server, idle)
        busy = server.memory_mib
        time.sleep(AT_REST_SECONDS)
        console.print(
            f"memory after the bench {server.memory_mib:.0f} MiB, in its last moment {busy:.0f} MiB"
            f" (the floor {floor.memory_mib:.0f} MiB)"
        )


def _least(bench: Bench, floor: Watched, name: str) -> tuple[str, str]:
    """The best there could be: the floor, or bare hashing."""
    if name in HASHING:
        rate = measuring.hashes_per_second(bench.settings, bench.plan.seconds)
        return f"{rate:.1f}", "argon2"
    least = measuring.measure(floor, bench.generator(name, f"{floor.url}/{name}"), bench.plan)
    if least.errors:
        message = f"The floor failed {least.errors} times at {name}: it answers something else than we do."
        raise RuntimeError(message)
    return f"{least.per_second:.0f}", f"{least.cpu:.2f}"


def _cells(found: Measured) -> list[str]:
    rate = f"{found.per_second:.0f}" if found.per_second >= 100 else f"{found.per_second:.1f}"
    return [rate, f"{found.cpu:.2f}", f"{found.p50:.1f}", f"{found.p99:.1f}", str(found.errors)]


def _ratio(ours: float, least: str) -> str:
    return f"{ours / float(least):.2f}"


def _floor(bench: Bench, server: Watched) -> AbstractContextManager[Watched]:
    instructions = Instructions(
        url=bench.settings.database_url.get_secret_value(),
        port=free_port(),
        organization_id=str(bench.town.organization_id),
        key_hash=bench.town.key_hash.hex(),
        sessions={one.token: (str(one.session_id), str(one.id)) for one in bench.town.people},
        answers={name: _answer(bench, server, name) for name in FLOORED if name in bench.operations},
    )
    path = bench.folder / "floor.json"
    instructions.write(path)
    return processes.floor(path, instructions.port)


def _answer(bench: Bench, server: Watched, name: str) -> object:
    """What the service says, for the floor to say the same."""
    request = bench.operations[name][0]
    headers = {"x-api-key": bench.town.key, "content-type": "application/json"}
    if request.token:
        headers["authorization"] = f"Bearer {request.token}"
    return httpx.post(f"{server.url}/graphql", content=request.body, headers=headers).raise_for_status().json()


def _print_start(bench: Bench) -> None:
    starts, imports = [], []
    for _ in range(bench.plan.runs):
        imports.append(processes.bare_imports_seconds())
        with processes.patron(bench.settings) as server:
            starts.append(server.start_seconds)
    console.print(f"cold start {median(starts):.2f} s; importing the bare libraries alone {median(imports):.2f} s")


def _print_beside(bench: Bench, server: Watched, idle: Measured) -> None:
    logins = bench.generator("Login", f"{server.url}/graphql", connections=8)
    found = measuring.measure_beside(server, bench.generator("Me", f"{server.url}/graphql"), logins, bench.plan)
    console.print(
        f"Me while 8 logins run all the time: {found.per_second:.0f} req/s, p99 {found.p99:.1f} ms,"
        f" {found.p99 / idle.p99:.1f} times the idle {idle.p99:.1f} ms; {found.errors} errors"
    )


if __name__ == "__main__":
    main()
