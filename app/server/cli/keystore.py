"""Commands that back up and restore the key store."""

from pathlib import Path
from typing import Annotated

import typer

from app.platform.settings import Settings
from app.platform.vault.backups import restore_backup, write_backup
from app.platform.vault.ring import KeyRing
from app.server.cli.environment import CommandRefused, run, settings
from app.server.runtime import databases, key_providers, open_runtime

keystore = typer.Typer(no_args_is_help=True, help="Backups of the key store.")


@keystore.command("backup")
def back_up(path: Annotated[Path, typer.Argument(help="File to write; it must not exist.")]) -> None:
    """Write an encrypted backup of the key store, and record that there is one.

    It can be restored as long as the key version exists with which it was made: make one after every rotation.
    """
    run(_back_up(settings(), path))


async def _back_up(config: Settings, path: Path) -> None:
    async with open_runtime(config) as runtime:
        vault = runtime.store.vault
        try:
            backup = await write_backup(vault.keystore, vault.ring, path)
        except OSError as error:
            raise CommandRefused(f"{path}: {error.strerror}") from None
    typer.echo(f"{backup.row_count} rows; it needs key version {vault.ring.current}")


@keystore.command("restore")
def restore(path: Annotated[Path, typer.Argument(help="A file of `patron keystore backup`.")]) -> None:
    """Restore a backup into an empty key store (`patron migrate` makes its tables): all of it, or nothing."""
    run(_restore(settings(), path))


async def _restore(config: Settings, path: Path) -> None:
    main, target = databases(config)
    ring = KeyRing(target, key_providers(config), config.key_provider)
    try:
        backup = await restore_backup(target, ring, path)
    except OSError as error:
        raise CommandRefused(f"{path}: {error.strerror}") from None
    finally:
        await ring.close()
        await main.close()
        await target.close()
    typer.echo(f"restored {backup.row_count} rows of {backup.started_at:%Y-%m-%d %H:%M:%S} UTC")
