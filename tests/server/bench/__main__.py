"""The benchmark command: seed, load, print."""

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

from app.identity.passwords.memory import IDLE_SECONDS
from app.platform.settings import Settings
from tests import postgres
from tests.live_server import free_port
from tests.server.bench import measuring, processes, round_trips
from tests.server.bench.baseline import Instructions
from tests.server.bench.load import Generator, write
from tests.server.bench.measuring import Measured, Plan
from tests.server.bench.operations import Request, requests
from tests.server.bench.processes import MeasuredProcess
from tests.server.bench.seeding import SeededDatabase, make_databases, seed

WITH_BASELINE = ("Viewer", "Me", "UpdateCustomer")
HASHING = ("Login", "Register")
AT_REST_SECONDS = IDLE_SECONDS + 1
console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Bench:
    """The settings, the data and the requests of a run."""

    settings: Settings
    seeded: SeededDatabase
    folder: Path
    plan: Plan
    operations: dict[str, list[Request]]

    def generator(self, name: str, url: str, connections: int = 16) -> Generator:
        """Send the requests of an operation to `url`."""
        path = write(self.folder / f"{name}.requests", self.operations[name])
        return Generator(url, path, self.seeded.key, connections)


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=12, help="length of one run")
    parser.add_argument("--runs", type=int, default=3, help="runs of each operation; medians are shown")
    parser.add_argument("--customers", type=int, default=1000, help="how many are in the database")
    parser.add_argument("--only", nargs="+", default=[*WITH_BASELINE, *HASHING], help="operations to measure")
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
        seeded = asyncio.run(seed(settings, chosen.customers))
        operations = {name: some for name, some in requests(seeded).items() if name in chosen.only}
        bench = Bench(settings, seeded, folder, Plan(chosen.seconds, chosen.runs), operations)
        waits = asyncio.run(round_trips.count(url, folder))
        _measure(bench, waits)


def _measure(bench: Bench, waits: Mapping[str, int]) -> None:
    _print_start(bench)
    with ExitStack() as stack:
        server = stack.enter_context(processes.served_patron(bench.settings))
        baseline = stack.enter_context(_baseline(bench, server))
        table = Table(
            "",
            "req/s",
            "CPU ms",
            "p50 ms",
            "p99 ms",
            "errors",
            "SQL round trips",
            "baseline",
            "baseline CPU ms",
            "ratio",
        )
        idle = None
        for name in bench.operations:
            console.print(f"{name} …")
            ours = measuring.measure(server, bench.generator(name, f"{server.url}/graphql"), bench.plan)
            idle = ours if name == "Me" else idle
            least = _least(bench, baseline, name)
            table.add_row(name, *_cells(ours), str(waits[name]), *least, _ratio(ours.per_second, least[0]))
        console.print(table)
        console.print("SQL round trips of each operation, with BEGIN and COMMIT:")
        console.print(Columns([f"{name} {number}" for name, number in waits.items()], equal=True, column_first=True))
        if idle and "Login" in bench.operations:
            _print_beside(bench, server, idle)
        busy = server.memory_mib
        time.sleep(AT_REST_SECONDS)
        console.print(
            f"memory after the bench {server.memory_mib:.0f} MiB, in its last moment {busy:.0f} MiB"
            f" (the baseline {baseline.memory_mib:.0f} MiB)"
        )


def _least(bench: Bench, baseline: MeasuredProcess, name: str) -> tuple[str, str]:
    """The upper bound: the baseline, or bare hashing."""
    if name in HASHING:
        rate = measuring.hashes_per_second(bench.settings, bench.plan.seconds)
        return f"{rate:.1f}", "argon2"
    least = measuring.measure(baseline, bench.generator(name, f"{baseline.url}/{name}"), bench.plan)
    if least.errors:
        message = f"The baseline failed {least.errors} times at {name}: it answers something else than we do."
        raise RuntimeError(message)
    return f"{least.per_second:.0f}", f"{least.cpu:.2f}"


def _cells(found: Measured) -> list[str]:
    rate = f"{found.per_second:.0f}" if found.per_second >= 100 else f"{found.per_second:.1f}"
    return [rate, f"{found.cpu:.2f}", f"{found.p50:.1f}", f"{found.p99:.1f}", str(found.errors)]


def _ratio(ours: float, least: str) -> str:
    return f"{ours / float(least):.2f}"


def _baseline(bench: Bench, server: MeasuredProcess) -> AbstractContextManager[MeasuredProcess]:
    instructions = Instructions(
        url=bench.settings.database_url.get_secret_value(),
        port=free_port(),
        organization_id=str(bench.seeded.organization_id),
        key_hash=bench.seeded.key_hash.hex(),
        sessions={one.token: (str(one.session_id), str(one.id)) for one in bench.seeded.people},
        answers={name: _answer(bench, server, name) for name in WITH_BASELINE if name in bench.operations},
    )
    path = bench.folder / "baseline.json"
    instructions.write(path)
    return processes.baseline(path, instructions.port)


def _answer(bench: Bench, server: MeasuredProcess, name: str) -> object:
    """The service's answers, which the baseline repeats."""
    request = bench.operations[name][0]
    headers = {"x-api-key": bench.seeded.key, "content-type": "application/json"}
    if request.token:
        headers["authorization"] = f"Bearer {request.token}"
    return httpx.post(f"{server.url}/graphql", content=request.body, headers=headers).raise_for_status().json()


def _print_start(bench: Bench) -> None:
    starts, imports = [], []
    for _ in range(bench.plan.runs):
        imports.append(processes.bare_imports_seconds())
        with processes.served_patron(bench.settings) as server:
            starts.append(server.start_seconds)
    console.print(f"cold start {median(starts):.2f} s; importing the bare libraries alone {median(imports):.2f} s")


def _print_beside(bench: Bench, server: MeasuredProcess, idle: Measured) -> None:
    logins = bench.generator("Login", f"{server.url}/graphql", connections=8)
    found = measuring.measure_beside(server, bench.generator("Me", f"{server.url}/graphql"), logins, bench.plan)
    console.print(
        f"Me while 8 logins run all the time: {found.per_second:.0f} req/s, p99 {found.p99:.1f} ms,"
        f" {found.p99 / idle.p99:.1f} times the idle {idle.p99:.1f} ms; {found.errors} errors"
    )


if __name__ == "__main__":
    main()
