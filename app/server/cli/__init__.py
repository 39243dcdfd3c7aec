"""The command line: serve, worker, migrate, organizations, clients, staff, keys, schema, documents."""

import typer

from app.server.cli.keys import keys
from app.server.cli.publishing import documents, schema
from app.server.cli.running import calibrate, migrate, serve, token, worker
from app.server.cli.shops import clients, organizations, staff_members

app = typer.Typer(no_args_is_help=True, help="Patron, the customer-account service.", pretty_exceptions_enable=False)
for command in (serve, worker, migrate, token, calibrate):
    app.command()(command)
for name, group in {
    "organizations": organizations,
    "clients": clients,
    "staff": staff_members,
    "keys": keys,
    "schema": schema,
    "documents": documents,
}.items():
    app.add_typer(group, name=name)


def main() -> None:
    """Run the command line."""
    app()
