"""Commands for the audit log: verify it, export its tree, start a new tree."""

from pathlib import Path
from typing import Annotated

import typer

from app.platform.audit.building import restart_tree
from app.platform.audit.export import NotExportable, export_tree
from app.platform.audit.verification import verify
from app.platform.settings import Settings
from app.server.cli.environment import CommandRefused, console, run, settings
from app.server.runtime import open_runtime

audit = typer.Typer(no_args_is_help=True, help="The audit log and the Merkle tree that proves it.")
FINDINGS = 1


@audit.command("verify")
def verify_log() -> None:
    """Verify every event of the audit log against its tree, and the tree against the checkpoints of the key store.

    Prints what was changed, deleted, reordered, added or set back, and ends with exit code 1 if anything was.
    """
    run(_verify(settings()))


async def _verify(config: Settings) -> None:
    async with open_runtime(config) as runtime:
        with console.status("verifying …") as status:
            report = await verify(runtime.store, progress=lambda done: status.update(f"verified {done} events …"))
    for finding in report.findings:
        typer.echo(f"{finding.kind.value}: {finding.message}")
    for kind, count in report.counts.items():
        if count > (named := sum(one.kind is kind for one in report.findings)):
            typer.echo(f"{kind.value}: {count - named} more")
    for origin in sorted(report.earlier):
        typer.echo(f"an earlier tree was given up: {origin}")
    if report.findings:
        typer.echo(f"{report.size} events verified: the audit log is not what was signed", err=True)
        raise typer.Exit(FINDINGS)
    typer.echo(f"{report.size} events verified: {report.origin or 'there is no tree yet'}")


@audit.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; what an earlier export wrote is replaced.")],
) -> None:
    """Write the tree as static files that verifiers of transparency logs read (C2SP tlog-tiles).

    The entries have ids and names of fields, and no personal value.
    """
    run(_export(settings(), folder))


async def _export(config: Settings, folder: Path) -> None:
    async with open_runtime(config) as runtime:
        with console.status("exporting …") as status:
            try:
                size = await export_tree(
                    runtime.store, folder, progress=lambda done: status.update(f"exported {done} events …")
                )
            except NotExportable as error:
                raise CommandRefused(str(error)) from None
    typer.echo(f"{size} events exported")


@audit.command("restart")
def restart() -> None:
    """Start a new tree under a new name, after an older backup of the main database was restored for good.

    The tree does not grow while the key store has checkpoints that contradict it. They stay there as evidence.
    """
    run(_restart(settings()))


async def _restart(config: Settings) -> None:
    async with open_runtime(config) as runtime:
        typer.echo(f"new tree {await restart_tree(runtime.store, public_url=config.public_url)}")
