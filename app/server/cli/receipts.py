"""Commands for receipts of erasures: verify one, add a key that signs them."""

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from app.platform.settings import Settings
from app.privacy.receipts.keys import add_key, all_keys
from app.privacy.receipts.verification import BadReceipt, verify
from app.server.cli.environment import CommandRefused, run, settings
from app.server.runtime import open_runtime

NOT_GENUINE = 1
receipts = typer.Typer(no_args_is_help=True, help="Receipts of erasures.")


@receipts.command("verify")
def verify_receipt(
    file: Annotated[Path, typer.Argument(help="The receipt, a JWS.")],
    keys: Annotated[
        str | None,
        typer.Option(help="The published keys: a file, or the address of /.well-known/receipt-keys.json; else ours."),
    ] = None,
    previous: Annotated[
        Path | None, typer.Option(help="The first receipt, to check that the other one is the second.")
    ] = None,
) -> None:
    """Verify a receipt with the published keys, and print what it says; exit code 1 for one that is not genuine.

    With `--keys` no database is needed.
    """
    run(_verify(file, keys, previous))


async def _verify(file: Path, keys: str | None, previous: Path | None) -> None:
    earlier = _read(previous) if previous else None
    try:
        claimed = verify(_read(file), _read_keys(keys) if keys else await _own_keys(settings()), previous=earlier)
    except BadReceipt as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(NOT_GENUINE) from None
    typer.echo(json.dumps(claimed, indent=2))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        message = f"{file}: This is not a file that can be read."
        raise CommandRefused(message) from None


async def _own_keys(config: Settings) -> list[dict[str, str]]:
    async with open_runtime(config) as runtime:
        return [key.jwk for key in await all_keys(runtime.store.vault)]


def _read_keys(place: str) -> list[dict[str, Any]]:
    try:
        text = httpx.get(place).raise_for_status().text if "://" in place else Path(place).read_text()
        found: list[dict[str, Any]] = json.loads(text)["keys"]
    except (OSError, httpx.HTTPError, ValueError, KeyError, TypeError):
        message = "--keys: Give a file with the keys of /.well-known/receipt-keys.json, or its address."
        raise CommandRefused(message) from None
    return found


@receipts.command("add-key")
def add_receipt_key() -> None:
    """Add a key that signs receipts from now on. The others stay published: their receipts stay valid."""
    run(_add_key(settings()))


async def _add_key(config: Settings) -> None:
    async with open_runtime(config) as runtime:
        typer.echo((await add_key(runtime.store.vault)).kid)
