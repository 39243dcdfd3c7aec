"""Commands that run the service: serve, worker, migrate, and two tools for operators."""

import asyncio
import signal
from typing import Annotated

import typer
from rich.table import Table

from app.identity.passwords.calibration import calibrate as measure
from app.platform.db.migrating import migrate as migrate_database
from app.platform.db.revisions import DatabaseKind
from app.platform.settings import Settings
from app.server import demo
from app.server import main as server
from app.server.cli.environment import console, end, run, settings
from app.server.processes import Supervisor
from app.server.runtime import databases, open_runtime
from app.server.shutdown import Shutdown
from app.server.web import GRAPHQL
from app.server.worker import run_worker


def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    processes: Annotated[int, typer.Option(min=1, max=256, help="How many processes: one for each core.")] = 1,
) -> None:
    """Serve the API; in development also migrate, create the demo and run the worker."""
    config = settings(port=port, host=host)
    if processes == 1:
        run(server.serve(config))
        return
    try:
        listener = server.bind(config)
    except server.CannotListen as error:
        end([str(error)])
    with listener:
        run(server.prepare(config))
        supervisor = Supervisor(config, listener, size=processes, endpoint=config.public_url + GRAPHQL)
        raise typer.Exit(supervisor.run())


def worker() -> None:
    """Run the worker: mails, due anonymizations, calls to payment gateways. Several may run at the same time."""
    run(_worker(settings()))


async def _worker(config: Settings) -> None:
    shutdown = Shutdown()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, shutdown.request)
    async with open_runtime(config) as runtime:
        typer.echo("ready worker")
        work = asyncio.create_task(run_worker(runtime, shutdown.requested))
        await asyncio.wait([work, asyncio.create_task(shutdown.requested.wait())], return_when=asyncio.FIRST_COMPLETED)
        await shutdown.finish(work)


def migrate() -> None:
    """Migrate both databases to the newest revision."""
    run(_migrate(settings()))


async def _migrate(config: Settings) -> None:
    for database, kind in zip(databases(config), (DatabaseKind.MAIN, DatabaseKind.KEYSTORE), strict=True):
        await migrate_database(database, kind)
        await database.close()
        typer.echo(f"{kind.value}: up to date")


def token(
    on_behalf_of: Annotated[str, typer.Option(help="Email address of the demo's staff member.")],
) -> None:
    """Print an access token of the demo integration on behalf of a staff member."""
    try:
        typer.echo(demo.staff_token(settings().var_dir, on_behalf_of))
    except (ValueError, OSError) as error:
        end([str(error)])


def calibrate(
    milliseconds: Annotated[int, typer.Option(help="How long one password may take.")] = 50,
) -> None:
    """Measure argon2id on this machine, to choose PATRON_ARGON2_MEMORY and PATRON_ARGON2_ITERATIONS."""
    table = Table("memory (KiB)", "iterations", "milliseconds", "within target", "a second, one core")
    for row in measure(milliseconds):
        table.add_row(
            str(row.memory_kib),
            str(row.iterations),
            f"{row.milliseconds:.0f}",
            "yes" if row.within_target else "no",
            f"{row.hashes_per_second:.0f}",
        )
    console.print(table)
