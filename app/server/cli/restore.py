"""Commands for what follows a restore of one of the databases."""

import typer

from app.platform.settings import Settings
from app.platform.vault.epochs import PairState
from app.privacy import restores
from app.server.cli.environment import run, settings
from app.server.runtime import open_runtime

restore = typer.Typer(no_args_is_help=True, help="After a restore: what is at stake, and going on.")

MEANING = {
    PairState.SAME: "Both databases are of the same moment.",
    PairState.MAIN_OLDER: "The main database is older than the key store: no key is destroyed until you confirm.",
    PairState.KEYSTORE_OLDER: "The key store is older than the main database: nothing is served until you confirm.",
    PairState.WRONG_PAIR: "The databases do not belong together.",
}


@restore.command("check")
def check_restore() -> None:
    """Say whether the databases are of one moment, and what is at stake."""
    run(_check(settings()))


async def _check(config: Settings) -> None:
    async with open_runtime(config, restoring=True) as runtime:
        _print(await restores.check(runtime.store))


def _print(stakes: restores.Stakes) -> None:
    main, keystore = stakes.pair.main, stakes.pair.keystore
    typer.echo(MEANING[stakes.pair.state])
    for name, epoch in (("main database", main), ("key store", keystore)):
        typer.echo(f"{name}: epoch {epoch.epoch} of {epoch.advanced_at:%Y-%m-%d %H:%M}" if epoch else f"{name}: none")
    typer.echo(f"erasures in the ledger: {stakes.erasures}")
    for name, count in stakes.unopenable.items():
        typer.echo(f"{name} whose key is missing, so that nobody can read them: {count}")


@restore.command("confirm")
def confirm_restore() -> None:
    """Go on with the databases as they are; first look at `patron restore check`."""
    run(_confirm(settings()))


async def _confirm(config: Settings) -> None:
    async with open_runtime(config, restoring=True) as runtime:
        await restores.confirm(runtime.store)
        typer.echo(MEANING[PairState.SAME])
