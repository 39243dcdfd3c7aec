"""SIGKILL at any moment: acknowledged writes are complete, and no write is partial."""

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic
from uuid import UUID

import httpx

from tests.server.process.server import Server, serving
from tests.server.process.stored import ciphers, opens, rows, sealed
from tests.shop import PASSWORD

ROUNDS = 6
AT_ONCE = 6
PROFILE = {"firstName": "Ann", "lastName": "Archer"}
DUE = "UPDATE anonymization_requests SET due_at = '2020-01-01 00:00:00.000000' WHERE status IN ('REQUESTED', 'STARTED')"
COMPLETED = "SELECT count(*) AS n FROM anonymization_requests WHERE status = 'COMPLETED'"


def register_until_killed(server: Server, number: int, acknowledged: int) -> list[str]:
    """Register many customers concurrently; kill the server at an acknowledgement, while others are in flight."""
    emails = [f"ann{number}-{one}@example.org" for one in range(acknowledged + 3 * AT_ONCE)]
    done = []
    with ThreadPoolExecutor(AT_ONCE) as people:
        calls = {people.submit(server.register, email, **PROFILE): email for email in emails}
        for call in as_completed(calls):
            with suppress(httpx.TransportError):
                call.result()
                done.append(calls[call])
            if len(done) == acknowledged:
                server.kill()
    return done


def check_no_half_customer(var: Path) -> None:
    """Every customer row has its key, its name and its audit event, and every name has its row."""
    main, keystore = var / "patron.db", var / "keystore.db"
    customers = {UUID(row["id"]) for row in rows(main, "SELECT id FROM customers")}
    named = {UUID(row["customer_id"]) for row in rows(main, "SELECT customer_id FROM login_identifiers")}
    event = "SELECT customer_id FROM audit_events WHERE action = 'customer.registered'"
    audited = [UUID(row["customer_id"]) for row in rows(main, event)]
    keys = ciphers(keystore, var / "master.key")

    assert customers == named == set(audited)
    assert len(audited) == len(customers)
    assert all(opens(one, keys[one.customer_id.hex]) for one in sealed(main))
    for path in (main, keystore):
        assert [row[0] for row in rows(path, "PRAGMA integrity_check")] == ["ok"]


def test_no_acknowledged_registration_is_lost_and_none_is_half_done(tmp_path: Path) -> None:
    chance, var, acknowledged = random.Random(7), tmp_path / "var", []
    for number in range(ROUNDS):
        with serving(var) as server:
            acknowledged += register_until_killed(server, number, chance.randint(1, 25))
        check_no_half_customer(var)

    assert len(acknowledged) > ROUNDS
    with serving(var) as server:
        for email in acknowledged:
            tokens = server.login(email)["tokens"]
            me = server.ask("Me", token=tokens["accessToken"])["me"]
            assert (me["email"], me["firstName"], me["lastName"], me["hasPassword"]) == (email, "Ann", "Archer", True)


def wait_for_completed(server: Server, count: int) -> None:
    """Poll until that many anonymizations are done, with a request to the server between two checks."""
    deadline = monotonic() + 60
    while rows(server.var / "patron.db", COMPLETED)[0]["n"] < count:
        assert monotonic() < deadline, "anonymizations do not complete"
        assert httpx.get(f"{server.url}/healthz").status_code == 200


def request_erasures(server: Server, emails: list[str]) -> None:
    token = server.staff()
    for email in emails:
        server.register(email, **PROFILE)
        found = server.ask("CustomerByEmail", token=token, email=email)["customer"]
        server.ask("RequestAnonymization", token=token, customerId=found["id"])


def let_leases_end(var: Path) -> None:
    """As if a killed worker's lease had expired."""
    with closing(sqlite3.connect(var / "patron.db")) as connection:
        connection.execute(DUE)
        connection.commit()


def test_anonymizations_that_were_killed_complete_after_a_restart(tmp_path: Path) -> None:
    chance, var = random.Random(11), tmp_path / "var"
    emails = [f"ann{number}@example.org" for number in range(24)]
    with serving(var, embedded_worker="false") as server:
        request_erasures(server, emails)
        server.kill()
    for _ in range(3):
        with serving(var) as server:
            done = rows(var / "patron.db", COMPLETED)[0]["n"]
            wait_for_completed(server, min(done + chance.randint(0, 4), len(emails)))
            server.kill()
        let_leases_end(var)

    with serving(var) as server:
        wait_for_completed(server, len(emails))
        assert server.end() == 0

    assert rows(var / "patron.db", "SELECT count(*) AS n FROM customers WHERE erased_at IS NULL")[0]["n"] == 0
    assert rows(var / "patron.db", "SELECT count(*) AS n FROM login_identifiers")[0]["n"] == 0
    assert list(sealed(var / "patron.db")) == []
    erased = {row["person_id"] for row in rows(var / "keystore.db", "SELECT person_id FROM erasures")}
    kept = {row["person_id"] for row in rows(var / "keystore.db", "SELECT person_id FROM person_keys")}
    assert len(erased) == len(emails)
    assert not erased & kept
    assert PASSWORD.encode() not in (var / "patron.db").read_bytes()
