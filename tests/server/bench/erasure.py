"""How many people a minute are erased, on PostgreSQL, and what that adds to the time of `Me` beside it.

python -m tests.server.bench.erasure [--people N]

Each has two addresses, a payment method and a session; the receipts are issued, too. Everything is in one process, as
with the embedded worker.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path
from time import perf_counter

from rich.console import Console

from app.platform.db.migrating import migrate
from app.platform.db.revisions import DatabaseKind
from app.privacy.erasure import erase_due
from app.privacy.receipts.issuing import Issuer, issue_receipts
from app.server.runtime import databases, key_schedule
from tests import postgres
from tests.customers.orders.builders import HOME
from tests.server.bench.rotation import percentile
from tests.shop import Person, Shop, Urls, open_shop

AT_ONCE = 20
SAMPLES = 300
REQUEST = """mutation ($id: ID!) { requestAnonymization(input: { customerId: $id }) { userErrors { code } } }"""
ADD_CARD = """mutation { addPaymentMethod(input: { token: "tok_visa" }) { userErrors { code } } }"""
DUE = "UPDATE anonymization_requests SET due_at = '2020-01-01 00:00:00.000000'"
console = Console(width=120)


async def measure(server: str, folder: Path, count: int) -> None:
    """Fill, erase, print."""
    urls = await _databases(server, folder)
    # Nothing is erased before all have asked; and nothing is refused for its rate.
    async with open_shop(urls, anonymization_delay=24 * 3600, rate_limit_scale=10_000) as shop:
        console.print(f"registering {count} people …")
        people = await _people(shop, count)
        reader = await shop.register("reader@example.org", firstName="Rea")
        alone = await _read_times(shop, reader, asyncio.get_running_loop().create_future(), SAMPLES)
        await shop.execute(DUE)
        finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        started = perf_counter()

        async def erasing() -> int:
            try:
                done = await erase_due(shop.runtime.store)
                issuer = Issuer("https://accounts.example.org", key_schedule(shop.runtime.settings))
                return min(done, await issue_receipts(shop.runtime.store, issuer))
            finally:
                finished.set_result(None)

        done, beside = await asyncio.gather(erasing(), _read_times(shop, reader, finished, None))
        seconds = perf_counter() - started
    console.print(
        f"{done} of {len(people)} erased with receipts in {seconds:.1f} s: {60 * done / seconds:.0f} a minute"
    )
    console.print(
        f"Me: p50 {percentile(alone, 0.5):.1f} ms alone, {percentile(beside, 0.5):.1f} ms beside it;"
        f" p99 {percentile(alone, 0.99):.1f} and {percentile(beside, 0.99):.1f} ms"
    )


async def _databases(server: str, folder: Path) -> Urls:
    names = {kind: f"patron_bench_erasure_{kind.value}" for kind in DatabaseKind}
    for name in names.values():
        await postgres.execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await postgres.execute(server, f"CREATE DATABASE {name}")
    main, keystore = (postgres.database(server, name) for name in names.values())
    urls = Urls(main, keystore, folder)
    for database, kind in zip(databases(urls.settings()), DatabaseKind, strict=True):
        await migrate(database, kind)
        await database.close()
    return urls


async def _people(shop: Shop, count: int) -> list[Person]:
    staff = await shop.staff()

    async def one(number: int) -> Person:
        person = await shop.register(f"person{number}@example.org", firstName="Ann", lastName="Archer")
        for _ in range(2):
            (await shop.ask("CreateAddress", token=person.token, input=HOME)).payload("createAddress")
        (await shop.ask(ADD_CARD, token=person.token)).payload("addPaymentMethod")
        (await shop.ask(REQUEST, token=staff, id=person.id)).payload("requestAnonymization")
        return person

    found: list[Person] = []
    for first in range(0, count, AT_ONCE):
        found += await asyncio.gather(*(one(number) for number in range(first, min(first + AT_ONCE, count))))
    return found


async def _read_times(shop: Shop, reader: Person, until: "asyncio.Future[None]", count: int | None) -> list[float]:
    """Milliseconds of `Me`, one after the other, `count` of them or until the future is done."""
    times = list[float]()
    while not until.done() and (count is None or len(times) < count):
        before = perf_counter()
        assert (await shop.ask("Me", token=reader.token)).data["me"]
        times.append(1000 * (perf_counter() - before))
        await asyncio.sleep(0.01)
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=300)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patron-erasure-") as name, postgres.server() as url:
        asyncio.run(measure(url, Path(name), chosen.people))


if __name__ == "__main__":
    main()
