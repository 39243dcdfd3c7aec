"""SIGKILL while people are erased, by two workers and with writes going on: each once, proven, and nothing left.

`PATRON_TEST_KILLS=200 PATRON_TEST_ERASURES=50` plays it as often as it was played before a release.
"""

import base64
import os
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha1, sha256
from pathlib import Path
from time import monotonic, sleep

import httpx
import jwt

from tests.server.process.server import ROOT, Server, environment, serving
from tests.server.process.stored import rows

KILLS = int(os.environ.get("PATRON_TEST_KILLS", "6"))
ERASURES = int(os.environ.get("PATRON_TEST_ERASURES", "12"))
BYSTANDER = 999
SETTINGS = {"worker_interval": "0.02"}
HOME = {"line1": "Rosenholzweg 77", "city": "Zürich", "postalCode": "8001", "country": "CH"}
DUE = "UPDATE anonymization_requests SET due_at = '2020-01-01 00:00:00.000000' WHERE status <> 'COMPLETED'"
CERTIFIED = "SELECT count(*) AS n FROM erasure_receipts WHERE number = 1"


def personal(number: int) -> list[str]:
    """What is known about a person, and about nobody else."""
    return [
        f"xanthippe{number:03}q@example.org",
        f"Xanthippe{number:03}Q",
        f"Quellwasser{number:03}",
        f"Rosenholzweg {number:03}b",
    ]


def register(server: Server, number: int) -> str:
    """Register a person with an address; return its id."""
    email, first, last, line = personal(number)
    token = server.register(email, firstName=first, lastName=last)
    me: str = server.ask("{ me { id } }", token=token)["me"]["id"]
    server.ask("CreateAddress", token=token, input={**HOME, "firstName": first, "lastName": last, "line1": line})
    return me


@contextmanager
def second_worker(var: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Another worker on the same databases."""
    with (var / "worker.log").open("ab") as log:
        command = [sys.executable, "-m", "app.server.cli", "worker"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(var, **SETTINGS), stdout=log, stderr=log)
    with process:
        try:
            yield process
        finally:
            process.kill()


def write(server: Server, numbers: list[int], stop: threading.Event) -> None:
    """Log in and write as these people until the server is gone; who is erased meanwhile is refused."""
    while not stop.is_set():
        for number in numbers:
            with suppress(httpx.HTTPError, AssertionError, TypeError):
                token = server.login(personal(number)[0])["tokens"]["accessToken"]
                server.ask("CreateAddress", token=token, input=HOME)


def let_everything_be_due(var: Path) -> None:
    """As if the leases of killed workers had expired, and the waiting after failures were over."""
    with closing(sqlite3.connect(var / "patron.db", timeout=30)) as connection:
        connection.execute(DUE)
        connection.commit()


def wait_for_receipts(var: Path, count: int) -> None:
    deadline = monotonic() + 120
    while rows(var / "keystore.db", CERTIFIED)[0]["n"] < count:
        left = rows(var / "patron.db", "SELECT status, failure, count(*) FROM anonymization_requests GROUP BY 1, 2")
        assert monotonic() < deadline, [tuple(row) for row in left]
        sleep(0.1)


def encodings(value: str) -> Iterator[bytes]:
    """The forms in which somebody could have kept it: UTF-8 and -16, base64 at each offset, hex, plain hashes."""
    raw = value.encode()
    yield raw
    yield from (value.encode(encoding) for encoding in ("utf-16-le", "utf-16-be"))
    yield raw.hex().encode()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")
        yield encoded[4 if offset else 0 : -2]
    for hashed in (sha256(raw), sha1(raw)):
        yield hashed.digest()
        yield hashed.hexdigest().encode()


def test_each_erasure_is_completed_once_with_a_receipt_and_nothing_is_left(tmp_path: Path) -> None:
    chance, var = random.Random(13), tmp_path / "var"
    with serving(var, embedded_worker="false", **SETTINGS) as server:
        register(server, BYSTANDER)
        people = [register(server, number) for number in range(ERASURES)]
        staff = server.staff()
        for customer_id in people:
            server.ask("RequestAnonymization", token=staff, customerId=customer_id)
        assert server.end() == 0
    for _ in range(KILLS):
        with serving(var, **SETTINGS) as server, second_worker(var) as worker:
            stop, some = threading.Event(), chance.sample(range(ERASURES), 3)
            writer = threading.Thread(target=write, args=(server, [BYSTANDER, *some], stop))
            writer.start()
            sleep(chance.uniform(0, 0.6))
            server.kill()
            worker.kill()
            worker.wait()
            stop.set()
            writer.join()
        let_everything_be_due(var)

    with serving(var, **SETTINGS) as server:
        wait_for_receipts(var, ERASURES)
        keys = httpx.get(f"{server.url}/.well-known/receipt-keys.json").json()["keys"]
        token = server.login(personal(BYSTANDER)[0])["tokens"]["accessToken"]
        assert server.ask("{ me { firstName } }", token=token)["me"]["firstName"] == personal(BYSTANDER)[1]
        assert server.end() == 0

    status = "SELECT status, count(*) AS n FROM anonymization_requests GROUP BY status"
    assert [tuple(row) for row in rows(var / "patron.db", status)] == [("COMPLETED", ERASURES)]
    events = "SELECT count(*) AS n FROM audit_events WHERE action = 'customer.erased'"
    assert rows(var / "patron.db", events)[0]["n"] == ERASURES
    receipts = [row["jws"] for row in rows(var / "keystore.db", "SELECT jws FROM erasure_receipts WHERE number = 1")]
    public = {key["kid"]: jwt.PyJWK(key) for key in keys}
    claimed = [jwt.decode(one, public[jwt.get_unverified_header(one)["kid"]], algorithms=["EdDSA"]) for one in receipts]
    assert len({one["person"] for one in claimed}) == len(claimed) == ERASURES
    kept = {row["person_id"] for row in rows(var / "keystore.db", "SELECT person_id FROM person_keys")}
    assert not kept & {one["person"].replace("-", "") for one in claimed}

    searched = {form: value for number in range(ERASURES) for value in personal(number) for form in encodings(value)}
    for path in var.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert [value for form, value in searched.items() if form in content] == [], path.name
    # The search would find what is there.
    assert any(b"customer.erased" in path.read_bytes() for path in var.rglob("*.db"))
