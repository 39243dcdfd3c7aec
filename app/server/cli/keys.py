"""Commands for the master key and the signing keys."""

import typer

from app.identity.sessions.signing import SigningKeys
from app.platform.settings import Settings
from app.platform.vault import master
from app.platform.vault.rotation import rotate
from app.server.cli.environment import console, run, settings
from app.server.runtime import open_runtime

keys = typer.Typer(no_args_is_help=True, help="Master key and signing keys.")


@keys.command("generate")
def generate_key() -> None:
    """Print a new master key, for PATRON_MASTER_KEY or the file PATRON_MASTER_KEY_FILE."""
    typer.echo(f"1:{master.generate()}")


@keys.command("rotate")
def rotate_master_key() -> None:
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


@keys.command("rotate-signing")
def rotate_signing_key() -> None:
    """Sign access tokens with a new key; issued tokens stay valid until they expire."""
    run(_rotate_signing(settings()))


async def _rotate_signing(config: Settings) -> None:
    async with open_runtime(config) as runtime:
        typer.echo(f"signing with {await runtime.services.get(SigningKeys).rotate()} in ten seconds")
