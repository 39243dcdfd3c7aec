"""The benchmarks run; no time is asserted here."""

from pathlib import Path

import pytest
from sqlalchemy import text

from app.server.runtime import open_runtime
from tests.server.bench import round_trips
from tests.server.bench.load import Generator, write
from tests.server.bench.operations import requests
from tests.server.bench.processes import served_patron
from tests.server.bench.seeding import make_databases, seed
from tests.shop import CONTRACT

UPDATES = text("SELECT sum(version - 1) FROM customers")
LIMITED = {"Viewer": 1, "Me": 3, "UpdateCustomer": 2}
CHEAP = {"argon2_memory": 8, "argon2_iterations": 1}


async def test_an_operation_waits_for_the_databases_this_often(postgres_url: str, tmp_path: Path) -> None:
    waits = await round_trips.count(postgres_url, tmp_path)

    # The change and its audit row are one statement, which is a transaction by itself.
    assert {name: waits[name] for name in LIMITED} == LIMITED
    assert waits.keys() == CONTRACT.keys() | round_trips.FURTHER.keys()


async def test_every_measured_operation_works_in_a_seeded_database(postgres_url: str, tmp_path: Path) -> None:
    settings = await make_databases(postgres_url, tmp_path, name="patron_bench_test", **CHEAP)
    seeded = await seed(settings, people=2)

    with served_patron(settings) as server:
        for name, some in requests(seeded).items():
            generator = Generator(f"{server.url}/graphql", write(tmp_path / name, some), seeded.key, connections=2)
            load = Generator.finish(generator.start(1))
            assert (name, load.errors) == (name, 0)
            assert load.requests > 0


async def test_both_load_generators_count_what_a_server_answers(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = await make_databases(postgres_url, tmp_path, name="patron_bench_test", **CHEAP)
    seeded = await seed(settings, people=2)
    path = write(tmp_path / "requests", requests(seeded)["UpdateCustomer"])

    with served_patron(settings) as server:
        generator = Generator(f"{server.url}/graphql", path, seeded.key, connections=2)
        first = Generator.finish(generator.start(1))
        monkeypatch.setattr("tests.server.bench.load.shutil.which", lambda _: None)
        second = Generator.finish(generator.start(1))

    async with open_runtime(settings) as runtime, runtime.store.database.engine.connect() as connection:
        updates = (await connection.execute(UPDATES)).scalar_one()
    assert (first.errors, second.errors) == (0, 0)
    assert 0 < first.requests < first.requests + second.requests <= updates
