"""The command line: serve, worker, migrate, check, and a group of commands for each thing an operator keeps."""

from importlib.metadata import version
from typing import Annotated

import typer

from app.server.cli.anonymizations import anonymizations
from app.server.cli.audit import audit
from app.server.cli.checks.command import check
from app.server.cli.clients import clients
from app.server.cli.keys import keys
from app.server.cli.keystore import keystore
from app.server.cli.organizations import organizations
from app.server.cli.publishing import documents, schema
from app.server.cli.receipts import receipts
from app.server.cli.restore import restore
from app.server.cli.running import calibrate, migrate, serve, token, worker
from app.server.cli.staff import staff_members

app = typer.Typer(no_args_is_help=True, help="Patron, the customer-account service.", pretty_exceptions_enable=False)


def _print_version(given: bool) -> None:  # noqa: FBT001 - typer calls it
    if given:
        typer.echo(f"patron {version('patron')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Patron, the customer-account service."""


for command in (serve, worker, migrate, check, token, calibrate):
    app.command()(command)
for name, group in {
    "organizations": organizations,
    "clients": clients,
    "staff": staff_members,
    "anonymizations": anonymizations,
    "keys": keys,
    "restore": restore,
    "keystore": keystore,
    "audit": audit,
    "receipt": receipts,
    "schema": schema,
    "documents": documents,
}.items():
    app.add_typer(group, name=name)


def main() -> None:
    """Run the command line."""
    app()
