"""Commands for key versions and signing keys."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from app.identity.sessions.signing import SigningKeys
from app.platform.settings import Settings
from app.platform.vault import epochs, master, retirement
from app.platform.vault.backups import last_backup
from app.platform.vault.epochs import NotOfOneMoment
from app.platform.vault.rotation import rotate
from app.platform.vault.versions import all_versions, count_rows
from app.server.cli.environment import CommandRefused, console, run, settings
from app.server.runtime import open_runtime

keys = typer.Typer(no_args_is_help=True, help="Key versions and signing keys.")


@keys.command("generate")
def generate_key() -> None:
    """Print a new master key, for PATRON_MASTER_KEY or the file PATRON_MASTER_KEY_FILE."""
    typer.echo(f"1:{master.generate()}")


@keys.command("status")
def show_status() -> None:
    """Show every key version: its state, how many keys it wraps, and when it was replaced and destroyed."""
    run(_show_status(settings()))


async def _show_status(config: Settings) -> None:
    async with open_runtime(config) as runtime:
        keystore = runtime.store.vault.keystore
        rows, counts = await all_versions(keystore), Counter(await count_rows(keystore))
        backup = await last_backup(keystore)
    table = Table("version", "provider", "state", "keys", "created", "replaced", "destroyed")
    for row in rows:
        moments = (_moment(moment) for moment in (row.created_at, row.replaced_at, row.destroyed_at))
        table.add_row(str(row.version), row.provider, row.state, str(counts[row.version]), *moments)
    console.print(table)
    typer.echo(f"last backup of the key store: {_moment(backup.started_at) if backup else 'none'}")


@keys.command("rotate")
def rotate_keys() -> None:
    """Make a new key version, and wrap every key with it; finish a rotation that was interrupted.

    All processes may run meanwhile. With PATRON_MASTER_KEY, first give every process `1:old,2:new`, then run this.
    """
    run(_rotate(settings()))


async def _rotate(config: Settings) -> None:
    async with open_runtime(config) as runtime:
        vault = runtime.store.vault
        with console.status("wrapping keys …") as status:
            count = await rotate(
                vault.keystore, vault.ring, progress=lambda done: status.update(f"wrapped {done} keys …")
            )
    typer.echo(f"wrapped {count} keys with version {vault.ring.current}")


@keys.command("retire")
def retire_version(
    version: Annotated[int, typer.Argument(help="The version, as `patron keys status` shows it.")],
) -> None:
    """Destroy a replaced key version for good: people erased while it was current are irrecoverable then.

    It is refused while a key needs the version, and until a backup of the key store was made after the rotation or the
    grace period (PATRON_KEY_RETIREMENT_DELAY) is over.
    """
    run(_retire(settings(), version))


async def _retire(config: Settings, version: int) -> None:
    async with open_runtime(config) as runtime:
        vault = runtime.store.vault
        try:
            await epochs.require_same(runtime.store.database, vault.keystore)
        except NotOfOneMoment as state:
            message = f"The two databases are not of one moment ({state}). Run `patron restore check` first."
            raise CommandRefused(message) from None
        grace = timedelta(seconds=config.key_retirement_delay)
        moment = await retirement.retire(vault.keystore, vault.ring, version, grace=grace)
        await vault.keystore.vacuum()
    typer.echo(f"version {version} was destroyed at {_moment(moment)}")


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


@keys.command("rotate-signing")
def rotate_signing_key() -> None:
    """Sign access tokens with a new key; issued tokens stay valid until they expire."""
    run(_rotate_signing(settings()))


async def _rotate_signing(config: Settings) -> None:
    async with open_runtime(config) as runtime:
        typer.echo(f"signing with {await runtime.services.get(SigningKeys).rotate()} in ten seconds")
