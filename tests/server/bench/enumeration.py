"""Compares response times for known and unknown addresses: python -m tests.server.bench.enumeration [--rounds N]."""

import argparse
import os
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, quantiles, stdev
from time import perf_counter
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from tests.server.process.server import run_cli, serving
from tests.shop import CONTRACT, PASSWORD

KINDS = ("known", "unknown")
WARM_UP = 10
# A larger difference of means is more than noise, at about one in a thousand (Welch's t).
NOTICEABLE = 3.3
ERRORS = "{ userErrors { code } }"
console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Probe:
    """An operation with which a stranger could test addresses."""

    document: str
    given: dict[str, str]
    name: str = "email"

    def variables(self, email: str) -> dict[str, Any]:
        """The variables for one address."""
        given = {self.name: email, **self.given}
        return given if "$identifier" in self.document else {"input": given}


def _mutation(name: str) -> str:
    return f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {ERRORS} }}"


OPERATIONS = {
    "register": Probe(CONTRACT["Register"], {"password": PASSWORD, "passwordConfirmation": PASSWORD}),
    "login": Probe(CONTRACT["Login"], {"password": "a wrong password"}, "identifier"),
    "requestPasswordReset": Probe(_mutation("requestPasswordReset"), {}),
    "requestLoginNameReminder": Probe(_mutation("requestLoginNameReminder"), {}),
    "requestEmailVerification": Probe(_mutation("requestEmailVerification"), {}),
}


class TimingAttacker:
    """An attacker who measures times and has only the publishable key."""

    def __init__(self, url: str, key: str) -> None:
        """Send requests to the server at `url`."""
        self._client = httpx.Client(base_url=url, headers={"x-api-key": key}, timeout=60)

    def ask(self, document: str, variables: dict[str, Any]) -> float:
        """Milliseconds until the response is complete."""
        started = perf_counter()
        answer = self._client.post("/graphql", json={"query": document, "variables": variables})
        taken = (perf_counter() - started) * 1000
        if answer.status_code != httpx.codes.OK or "errors" in answer.json():
            raise RuntimeError(answer.text)
        return taken

    def mailed_token(self, email: str) -> str:
        """The token that verifies an address, from the development mailbox."""
        mails = self._client.get("/dev/mail", headers={"accept": "application/json"}).json()["mails"]
        return str(next(mail["values"]["token"] for mail in mails if mail["to"] == email))


def measure(attacker: TimingAttacker, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Times of each operation for each kind of address, in random order."""
    found = {}
    for name, probe in OPERATIONS.items():
        console.print(f"{name} …")
        for number in range(WARM_UP):
            attacker.ask(probe.document, probe.variables(f"warm-{name}-{number}@example.org"))
        times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        questions = [(kind, number) for kind in KINDS for number in range(rounds)]
        random.SystemRandom().shuffle(questions)
        for kind, number in questions:
            # A registration makes an address known, so each unknown one is used once.
            email = f"known-{number}@example.org" if kind == "known" else f"{name}-{number}@example.org"
            times[kind].append(attacker.ask(probe.document, probe.variables(email)))
        found[name] = times
    return found


def register_customers(attacker: TimingAttacker, customers: int) -> None:
    """Create that many verified customers."""
    console.print(f"{customers} customers register and prove their addresses …")
    for number in range(customers):
        email = f"known-{number}@example.org"
        attacker.ask(OPERATIONS["register"].document, OPERATIONS["register"].variables(email))
        attacker.ask(_mutation("verifyEmail"), {"input": {"token": attacker.mailed_token(email)}})


def difference(known: Sequence[float], unknown: Sequence[float]) -> float:
    """Welch's t of the middle nine tenths, as pauses of the machine are no signal."""
    one, other = (sorted(times)[: max(2, len(times) * 9 // 10)] for times in (known, unknown))
    spread = (stdev(one) ** 2 / len(one) + stdev(other) ** 2 / len(other)) ** 0.5
    return (fmean(one) - fmean(other)) / spread if spread else 0.0


def report(found: dict[str, dict[str, list[float]]]) -> Table:
    """The distributions in milliseconds, side by side."""
    table = Table("", "", "p10", "p25", "p50", "p75", "p90", "median differs", "t", "noticeable")
    for name, times in found.items():
        t = difference(times["known"], times["unknown"])
        apart = median(times["known"]) - median(times["unknown"])
        for kind in KINDS:
            cuts = quantiles(times[kind], n=20)
            cells = [f"{cuts[index]:.2f}" for index in (1, 4, 9, 14, 17)]
            verdict = (f"{apart:+.2f} ms", f"{t:+.1f}", "yes" if abs(t) > NOTICEABLE else "no")
            table.add_row(
                name if kind == "known" else "", kind, *cells, *(verdict if kind == "known" else ("", "", ""))
            )
    return table


def main() -> None:
    """Serve, measure, print."""
    parser = argparse.ArgumentParser(prog="scripts/bench --enumeration", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="requests of each kind to each operation")
    rounds = parser.parse_args().rounds
    production = {"argon2_memory": "19456", "argon2_iterations": "2", "embedded_worker": "false"}
    with (
        tempfile.TemporaryDirectory(prefix="patron-enumeration-") as folder,
        serving(Path(folder) / "var", **production) as server,
    ):
        done = run_cli(server.var, "organizations", "create", "careful", "--name", "Careful", **production)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        key = next(word for word in done.stdout.split() if word.startswith("pk_"))
        attacker = TimingAttacker(server.url, key)
        register_customers(attacker, rounds)
        console.print(f"{rounds} requests of each kind, {os.cpu_count()} CPU cores; milliseconds")
        console.print(report(measure(attacker, rounds)))


if __name__ == "__main__":
    main()
