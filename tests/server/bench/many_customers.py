"""The cost of `Me` among a thousand customers and among 200,000.

python -m tests.server.bench.many_customers [--customers N] [--seconds N] [--runs N]
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

import asyncpg
from rich.console import Console

from app.platform.settings import Settings
from tests import postgres
from tests.server.bench import measuring, processes
from tests.server.bench.load import Generator, write
from tests.server.bench.measuring import Plan
from tests.server.bench.operations import requests
from tests.server.bench.seeding import make_databases, seed

SEEDED = 1000
console = Console(width=120)

COPIES = (
    "CREATE UNLOGGED TABLE copies AS SELECT gen_random_uuid() AS id, number FROM generate_series(1, {count}) AS number"
)
# Copies of one customer's rows, under other ids and names: nobody opens them, but every index contains them.
OTHERS = {
    "customers": "jsonb_build_object('id', copies.id, 'shopper_reference', 'copies-' || number)",
    "login_identifiers": "jsonb_build_object('customer_id', copies.id, 'keyed_hash', sha256(copies.id::text::bytea))",
    "login_sessions": "jsonb_build_object('owner_id', copies.id, 'id', gen_random_uuid(), 'customer_id', copies.id)",
    "addresses": "jsonb_build_object('id', gen_random_uuid(), 'customer_id', copies.id)",
    "payment_methods": "jsonb_build_object('id', gen_random_uuid(), 'customer_id', copies.id,"
    " 'token_hash', sha256((copied.id || copies.id::text)::bytea))",
}
OWNER = {"customers": "id"}
COPY = """INSERT INTO {table} SELECT (jsonb_populate_record(copied, {changes})).*
    FROM copies, {table} AS copied WHERE copied.{owner} = $1"""
KEYS = """INSERT INTO person_keys SELECT gen_random_uuid(), organization_id, wrapped, master_version, created_at
    FROM (SELECT * FROM person_keys LIMIT 1) AS copied, generate_series(1, {count})"""


async def add_customers(settings: Settings, template_id: object, count: int) -> None:
    """Add that many customers to both databases, all copies of the customer with the id `model`."""
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    # Copies refer to existing rows; checking each reference would take hours.
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(COPIES.format(count=count))
    for table, changes in OTHERS.items():
        await connection.execute(
            COPY.format(table=table, changes=changes, owner=OWNER.get(table, "customer_id")), template_id, timeout=None
        )
        await connection.execute(f"VACUUM ANALYZE {table}")
    await connection.close()
    keystore = await asyncpg.connect(settings.keystore_url.get_secret_value())
    await keystore.execute(KEYS.format(count=count))
    await keystore.execute("VACUUM ANALYZE person_keys")
    await keystore.close()


def main() -> None:
    """Measure, fill, measure again, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patron-copies-") as name, postgres.server() as url:
        folder = Path(name)
        settings = asyncio.run(make_databases(url, folder))
        seeded = asyncio.run(seed(settings, SEEDED))
        path = write(folder / "me.requests", requests(seeded)["Me"])
        plan = Plan(chosen.seconds, chosen.runs)
        found = []
        for others in (0, chosen.customers - SEEDED):
            if others:
                console.print(f"writing {others} customers …")
                asyncio.run(add_customers(settings, seeded.people[0].id, others))
            with processes.served_patron(settings) as server:
                generator = Generator(f"{server.url}/graphql", path, seeded.key)
                found.append(measuring.measure(server, generator, plan))
            me = found[-1]
            console.print(
                f"Me among {SEEDED + others} customers: {me.per_second:.0f} req/s, CPU {me.cpu:.2f} ms,"
                f" p50 {me.p50:.1f} ms, p99 {me.p99:.1f} ms; {me.errors} errors"
            )
        few, many = found
        console.print(f"time of Me, {chosen.customers} customers against {SEEDED}: {many.p50 / few.p50:.2f}")


if __name__ == "__main__":
    main()
