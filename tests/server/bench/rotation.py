"""How many keys a second are wrapped again, on PostgreSQL, and what that adds to the time of a read beside it.

python -m tests.server.bench.rotation [--keys N]
"""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from time import perf_counter
from uuid import UUID

import asyncpg
from rich.console import Console

from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.settings import Settings
from app.platform.vault.rotation import rewrap
from app.platform.vault.vault import Vault
from app.platform.vault.versions import count_rows
from app.platform.vault.wrapping import wrap
from app.server.runtime import open_runtime
from tests import postgres
from tests.server.bench.seeding import make_databases

AT_ONCE = 20_000
TENTHS = 10
console = Console(width=120)


async def measure(url: str, folder: Path, count: int) -> None:
    """Fill, rotate, print."""
    (folder / "master.key").unlink(missing_ok=True)
    settings = await make_databases(url, folder, master_key="", master_key_file=folder / "master.key")
    async with open_runtime(settings, migrating=True) as runtime:
        vault = runtime.store.vault
        console.print(f"writing {count} keys …")
        sample = await fill(settings, vault, count)
        alone = await read_times(vault, sample, asyncio.get_running_loop().create_future(), 200)
        await vault.ring.add_version(2)
        marks: list[tuple[int, float]] = []
        finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        started = perf_counter()

        async def rotating() -> int:
            try:
                return await rewrap(
                    vault.keystore, vault.ring, progress=lambda done: marks.append((done, perf_counter() - started))
                )
            finally:
                finished.set_result(None)

        done, beside = await asyncio.gather(rotating(), read_times(vault, sample, finished, None))
        seconds = perf_counter() - started
        remaining = (await count_rows(vault.keystore)).get(1, 0)
    console.print(f"{done} keys in {seconds:.1f} s: {done / seconds:.0f} keys per second, {remaining} left")
    console.print("seconds for each tenth: " + ", ".join(f"{part:.1f}" for part in tenths(marks, done)))
    console.print(
        f"reading one key: p50 {percentile(alone, 0.5):.2f} ms alone, {percentile(beside, 0.5):.2f} ms beside it;"
        f" p99 {percentile(alone, 0.99):.2f} and {percentile(beside, 0.99):.2f} ms"
    )


async def fill(settings: Settings, vault: Vault, count: int) -> list[UUID]:
    """Copy that many keys into the key store, each wrapped for its person; return some of the people."""
    connection = await asyncpg.connect(settings.keystore_url.get_secret_value())
    cipher, moment, organization, sample = await vault.ring.cipher(1), now(), new_id(), list[UUID]()
    for first in range(0, count, AT_ONCE):
        ids = [new_id() for _ in range(min(AT_ONCE, count - first))]
        rows = [(id_, organization, wrap(cipher, os.urandom(32), subject=id_.hex, version=1), 1, moment) for id_ in ids]
        await connection.copy_records_to_table("person_keys", records=rows)
        sample += ids[:: AT_ONCE // 20]
    await connection.execute("VACUUM ANALYZE person_keys")
    await connection.close()
    return sample


async def read_times(vault: Vault, sample: list[UUID], until: "asyncio.Future[None]", count: int | None) -> list[float]:
    """Milliseconds of reads of one key, one after the other, `count` of them or until the future is done."""
    times = list[float]()
    while not until.done() and (count is None or len(times) < count):
        before = perf_counter()
        await vault.cipher_or_decoy(sample[len(times) % len(sample)])
        times.append(1000 * (perf_counter() - before))
        await asyncio.sleep(0.01)
    return times


def tenths(marks: list[tuple[int, float]], total: int) -> list[float]:
    """The seconds that each tenth of the keys took: equal when the work is linear."""
    ends = [next(at for done, at in marks if done * TENTHS >= total * tenth) for tenth in range(1, TENTHS + 1)]
    return [end - start for start, end in zip([0.0, *ends], ends, strict=False)]


def percentile(times: list[float], share: float) -> float:
    """The value that this share of the times does not exceed."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patron-rotation-") as name, postgres.server() as url:
        asyncio.run(measure(url, Path(name), chosen.keys))


if __name__ == "__main__":
    main()
